// Package expr compiles the conditions that people write over one kind of thing: CEL expressions that are type-checked when they are stored
// and evaluated within limits of size, depth and cost. It knows no machine and no patch.
package expr

import (
	"fmt"
	"reflect"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/ext"

	"github.com/fettle-project/fettle/internal/patch"
)

// Limits of one expression.
const (
	MaxText  = 4096    // characters
	maxNodes = 50      // depth of nesting
	maxCost  = 100_000 // steps of one evaluation, in CEL's own units
	// maxFaults is how many faults of one expression are told at once.
	maxFaults = 5
)

// Variable is a name that expressions may use, with a struct whose fields carry `cel` tags.
type Variable struct {
	Name string
	Type reflect.Type
}

// Language is what expressions of one use may say.
type Language struct {
	What      string // "a smart label"
	Example   string
	Variables []Variable
}

// Condition is a compiled expression; it may be used from many goroutines.
type Condition struct {
	program cel.Program
	simple  *simple // nil where only CEL can judge it
	reads   map[string]bool
}

func (l Language) refuse(why string) error {
	return &patch.Error{Kind: patch.Invalid, What: "cannot use this expression as " + l.What, Why: why, Do: "Write a condition, for example: " + l.Example}
}

// Compile checks an expression; its error says what is wrong with it, and where.
func (l Language) Compile(text string) (*Condition, error) {
	env, ast, err := l.check(text)
	if err != nil {
		return nil, err
	}
	c := &Condition{reads: readsOf(ast), simple: l.simply(ast.NativeRep().Expr())}
	if c.program, err = env.Program(ast, cel.CostLimit(maxCost)); err != nil {
		return nil, l.refuse(err.Error())
	}
	return c, nil
}

// check parses an expression and checks its types.
func (l Language) check(text string) (*cel.Env, *cel.Ast, error) {
	if len(text) > MaxText {
		return nil, nil, l.refuse("it is too long")
	}
	types := []any{}
	options := []cel.EnvOption{ext.Strings(), cel.ParserRecursionLimit(maxNodes), cel.ExtendedValidations(), cel.EnableMacroCallTracking()}
	for _, v := range l.Variables {
		types = append(types, v.Type)
		options = append(options, cel.Variable(v.Name, cel.ObjectType(v.Type.String())))
	}
	env, err := cel.NewEnv(append(options, ext.NativeTypes(append(types, ext.ParseStructTags(true))...))...)
	if err != nil {
		return nil, nil, patch.Errorf(patch.Internal, "cannot prepare expressions for %s: %w", l.What, err)
	}
	ast, issues := env.Compile(text)
	if issues.Err() != nil {
		return nil, nil, l.refuse(pointed(text, issues.Errors()))
	}
	if !ast.OutputType().IsExactType(cel.BoolType) {
		return nil, nil, l.refuse("it gives " + ast.OutputType().String() + ", not true or false")
	}
	return env, ast, nil
}

// pointed writes what is wrong with an expression, each fault with the line that it is on and a mark under its place.
func pointed(text string, faults []*cel.Error) string {
	lines := strings.Split(text, "\n")
	var out []string
	for _, f := range faults[:min(len(faults), maxFaults)] {
		row, column := f.Location.Line()-1, f.Location.Column()
		if row < 0 || row >= len(lines) || column < 0 {
			out = append(out, f.Message)
			continue
		}
		line := []rune(strings.ReplaceAll(lines[row], "\t", " "))
		out = append(out, fmt.Sprintf("line %d, character %d: %s\n  %s\n  %s^", row+1, column+1, f.Message, string(line), strings.Repeat(" ", min(column, len(line)))))
	}
	return strings.Join(out, "\n")
}

func readsOf(ast *cel.Ast) map[string]bool {
	reads := map[string]bool{}
	for _, ref := range ast.NativeRep().ReferenceMap() {
		reads[ref.Name] = true
	}
	return reads
}

// Reads reports whether the expression uses a variable.
func (c *Condition) Reads(variable string) bool { return c.reads[variable] }

// Holds evaluates the condition; an error says why it could not be judged.
func (c *Condition) Holds(t *Thing) (bool, error) {
	if c.simple != nil {
		return c.simple.holds(t), nil
	}
	return c.eval(t)
}

func (c *Condition) eval(t *Thing) (bool, error) {
	out, _, err := c.program.Eval(t.values())
	if err != nil {
		return false, err
	}
	yes, ok := out.Value().(bool)
	if !ok {
		return false, patch.Errorf(patch.Invalid, "the expression gave %v, not true or false", out.Value())
	}
	return yes, nil
}
