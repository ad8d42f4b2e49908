// Package expr compiles the conditions that people write over one kind of thing: CEL expressions that are type-checked when they are stored
// and evaluated within limits of size, depth and cost. It knows no machine and no patch.
package expr

import (
	"reflect"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/ext"

	"github.com/fettle-project/fettle/internal/patch"
)

// Limits of one expression.
const (
	MaxText  = 4096    // characters
	maxNodes = 50      // depth of nesting
	maxCost  = 100_000 // steps of one evaluation, in CEL's own units
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
	reads   map[string]bool
}

func (l Language) refuse(why string) error {
	return &patch.Error{Kind: patch.Invalid, What: "cannot use this expression as " + l.What, Why: why, Do: "Write a condition, for example: " + l.Example}
}

// Compile checks an expression; its error says what is wrong with it.
func (l Language) Compile(text string) (*Condition, error) {
	if len(text) > MaxText {
		return nil, l.refuse("it is too long")
	}
	types := []any{}
	options := []cel.EnvOption{ext.Strings(), cel.ParserRecursionLimit(maxNodes), cel.ExtendedValidations()}
	for _, v := range l.Variables {
		types = append(types, v.Type)
		options = append(options, cel.Variable(v.Name, cel.ObjectType(v.Type.String())))
	}
	env, err := cel.NewEnv(append(options, ext.NativeTypes(append(types, ext.ParseStructTags(true))...))...)
	if err != nil {
		return nil, patch.Errorf(patch.Internal, "cannot prepare expressions for %s: %w", l.What, err)
	}
	ast, issues := env.Compile(text)
	if issues.Err() != nil {
		return nil, l.refuse(issues.Err().Error())
	}
	if !ast.OutputType().IsExactType(cel.BoolType) {
		return nil, l.refuse("it gives " + ast.OutputType().String() + ", not true or false")
	}
	c := &Condition{reads: map[string]bool{}}
	for _, ref := range ast.NativeRep().ReferenceMap() {
		c.reads[ref.Name] = true
	}
	if c.program, err = env.Program(ast, cel.CostLimit(maxCost)); err != nil {
		return nil, l.refuse(err.Error())
	}
	return c, nil
}

// Reads reports whether the expression uses a variable.
func (c *Condition) Reads(variable string) bool { return c.reads[variable] }

// Holds evaluates the condition; an error says why it could not be judged.
func (c *Condition) Holds(values map[string]any) (bool, error) {
	out, _, err := c.program.Eval(values)
	if err != nil {
		return false, err
	}
	yes, ok := out.Value().(bool)
	if !ok {
		return false, patch.Errorf(patch.Invalid, "the expression gave %v, not true or false", out.Value())
	}
	return yes, nil
}
