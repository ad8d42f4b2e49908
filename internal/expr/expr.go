// Package expr compiles the conditions that people write over one kind of thing: CEL expressions that are type-checked when they are stored
// and evaluated within limits of size, depth and cost. It knows no machine and no patch.
package expr

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/ext"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
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
	What      phrase.Phrase // "a smart label"
	Example   string
	Variables []Variable
	Methods   []Method
}

// Method is a question about one word that a variable answers: ledger.needs("perl").
type Method struct {
	Variable, Name string
	Is             func(variable any, word string) bool // the variable as Thing was given it
}

// option makes a method known to CEL.
func (l Language) option(m Method) cel.EnvOption {
	of := l.Variables[slices.IndexFunc(l.Variables, func(v Variable) bool { return v.Name == m.Variable })].Type
	return cel.Function(m.Name, cel.MemberOverload(m.Variable+"_"+m.Name, []*cel.Type{cel.ObjectType(of.String()), cel.StringType}, cel.BoolType,
		cel.BinaryBinding(func(variable, word ref.Val) ref.Val {
			text, ok := word.Value().(string)
			if !ok {
				return types.MaybeNoSuchOverloadErr(word)
			}
			return types.Bool(m.Is(variable.Value(), text))
		})))
}

// Condition is a compiled expression; it may be used from many goroutines.
type Condition struct {
	program cel.Program
	simple  *simple // nil where only CEL can judge it
	reads   map[string]bool
}

func (l Language) refuse(why phrase.Phrase) error {
	return &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot use this expression as {1}", l.What), Why: why, Do: phrase.Of("Write a condition, for example: {1}", l.Example)}
}

// Compile checks an expression; its error says what is wrong with it, and where.
func (l Language) Compile(text string) (*Condition, error) {
	env, ast, err := l.check(text)
	if err != nil {
		return nil, err
	}
	c := &Condition{reads: readsOf(ast), simple: l.simply(ast.NativeRep().Expr())}
	if c.program, err = env.Program(ast, cel.CostLimit(maxCost)); err != nil {
		return nil, l.refuse(patch.Said(err))
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
	for _, m := range l.Methods {
		options = append(options, l.option(m))
	}
	env, err := cel.NewEnv(append(options, ext.NativeTypes(append(types, ext.ParseStructTags(true))...))...)
	if err != nil {
		return nil, nil, patch.Errorf(patch.Internal, "cannot prepare expressions for %s: %w", l.What, err)
	}
	ast, issues := env.Compile(text)
	if issues.Err() != nil {
		why := pointed(text, issues.Errors())
		if slices.ContainsFunc(issues.Errors(), func(f *cel.Error) bool { return strings.Contains(f.Message, "undefined field") }) {
			why = phrase.Join([]phrase.Phrase{why, phrase.Of("there are {1}", l.fields())}, "\n")
		}
		return nil, nil, l.refuse(why)
	}
	if !ast.OutputType().IsExactType(cel.BoolType) {
		return nil, nil, l.refuse(phrase.Of("it gives no yes or no, but: {1}", kind(ast.OutputType().String())))
	}
	return env, ast, nil
}

// fields lists what expressions may read.
func (l Language) fields() string {
	var all []string
	for _, v := range l.Variables {
		for _, f := range reflect.VisibleFields(v.Type) {
			if name := f.Tag.Get("cel"); name != "" {
				all = append(all, v.Name+"."+name)
			}
		}
	}
	for _, m := range l.Methods {
		all = append(all, m.Variable+"."+m.Name+"(\"…\")")
	}
	return strings.Join(all, ", ")
}

// pointed says what is wrong with an expression, each fault with the line that it is on and a mark under its place.
func pointed(text string, faults []*cel.Error) phrase.Phrase {
	lines := strings.Split(text, "\n")
	var out []phrase.Phrase
	for _, f := range faults[:min(len(faults), maxFaults)] {
		row, column := f.Location.Line()-1, f.Location.Column()
		if row < 0 || row >= len(lines) || column < 0 {
			out = append(out, plainly(f.Message))
			continue
		}
		line := []rune(strings.ReplaceAll(lines[row], "\t", " "))
		out = append(out, phrase.Of("line {1}, character {2}: {3}", row+1, column+1, plainly(f.Message)),
			phrase.Verbatim(fmt.Sprintf("  %s\n  %s^", string(line), strings.Repeat(" ", min(column, len(line))))))
	}
	return phrase.Join(out, "\n")
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
		return false, &patch.Error{Kind: patch.Invalid, What: plainly(err.Error())}
	}
	yes, ok := out.Value().(bool)
	if !ok {
		return false, patch.Errorf(patch.Invalid, "the expression gave %v, not true or false", out.Value())
	}
	return yes, nil
}
