package expr

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// maxVariables is how many variables a language may have.
const maxVariables = 2

// Thing is what conditions of one language judge: a pointer to a struct for each of its variables.
type Thing struct {
	names  []Variable
	given  [maxVariables]any
	fields [maxVariables]reflect.Value
}

// Thing takes the values of the language's variables, in their order, as pointers to the structs that the variables are.
func (l Language) Thing(values ...any) Thing {
	t := Thing{names: l.Variables}
	for i, v := range values {
		t.given[i], t.fields[i] = v, reflect.ValueOf(v).Elem()
	}
	return t
}

// values is the thing as CEL takes it.
func (t *Thing) values() map[string]any {
	out := make(map[string]any, len(t.names))
	for i, v := range t.names {
		out[v.Name] = t.given[i]
	}
	return out
}

// simple is a condition of nothing but comparisons of fields with constants, joined by && || and !. Nothing in it can fail, so that
// it comes to the same in any order, and without CEL.
type simple struct {
	join  string // "&&", "||", "!"; empty for a comparison
	sides []*simple
	key   string // of a comparison: equal keys test alike
	test  test
}

type test func(t *Thing) bool

func (s *simple) holds(t *Thing) bool {
	switch s.join {
	case "&&":
		return s.sides[0].holds(t) && s.sides[1].holds(t)
	case "||":
		return s.sides[0].holds(t) || s.sides[1].holds(t)
	case "!":
		return !s.sides[0].holds(t)
	}
	return s.test(t)
}

// simply takes a checked expression that is simple; nil for any other.
func (l Language) simply(e ast.Expr) *simple {
	if e.Kind() == ast.SelectKind {
		return l.flag(e)
	}
	if e.Kind() != ast.CallKind {
		return nil
	}
	c := e.AsCall()
	joins := map[string]string{operators.LogicalAnd: "&&", operators.LogicalOr: "||", operators.LogicalNot: "!"}
	if join := joins[c.FunctionName()]; join != "" {
		whole := &simple{join: join}
		for _, arg := range c.Args() {
			side := l.simply(arg)
			if side == nil {
				return nil
			}
			whole.sides = append(whole.sides, side)
		}
		return whole
	}
	if c.IsMemberFunction() {
		return l.within(c)
	}
	return l.comparison(c)
}

// field finds which field of which variable an expression is.
func (l Language) field(e ast.Expr) (variable, field int, kind reflect.Kind) {
	if e.Kind() != ast.SelectKind || e.AsSelect().IsTestOnly() || e.AsSelect().Operand().Kind() != ast.IdentKind {
		return 0, 0, reflect.Invalid
	}
	for v, x := range l.Variables[:min(len(l.Variables), maxVariables)] {
		if x.Name != e.AsSelect().Operand().AsIdent() {
			continue
		}
		for f := range x.Type.NumField() {
			if x.Type.Field(f).Tag.Get("cel") == e.AsSelect().FieldName() {
				return v, f, x.Type.Field(f).Type.Kind()
			}
		}
	}
	return 0, 0, reflect.Invalid
}

func (l Language) flag(e ast.Expr) *simple {
	v, f, kind := l.field(e)
	if kind != reflect.Bool {
		return nil
	}
	return &simple{key: fmt.Sprint(v, ".", f), test: func(t *Thing) bool { return t.fields[v].Field(f).Bool() }}
}

// comparison takes FIELD OP CONSTANT, CONSTANT OP FIELD and FIELD in [CONSTANTS].
func (l Language) comparison(c ast.CallExpr) *simple {
	if len(c.Args()) != 2 {
		return nil
	}
	function, left, right := c.FunctionName(), c.Args()[0], c.Args()[1]
	if function == operators.In {
		return l.among(left, right)
	}
	is := ordered(function)
	if is == nil {
		return nil
	}
	sign := 1
	if left.Kind() == ast.LiteralKind {
		left, right, sign = right, left, -1
	}
	if right.Kind() != ast.LiteralKind {
		return nil
	}
	v, f, kind := l.field(left)
	key := fmt.Sprintf("%d.%d %s %d %#v", v, f, function, sign, right.AsLiteral())
	switch want := right.AsLiteral().(type) {
	case types.Int:
		if kind == reflect.Int64 {
			return &simple{key: key, test: func(t *Thing) bool { return is(sign * cmp.Compare(t.fields[v].Field(f).Int(), int64(want))) }}
		}
	case types.String:
		if kind == reflect.String {
			return &simple{key: key, test: func(t *Thing) bool { return is(sign * strings.Compare(t.fields[v].Field(f).String(), string(want))) }}
		}
	}
	return nil
}

// ordered tells which results of a comparison a function wants; nil for functions that compare nothing.
func ordered(function string) func(int) bool {
	switch function {
	case operators.Less:
		return func(c int) bool { return c < 0 }
	case operators.LessEquals:
		return func(c int) bool { return c <= 0 }
	case operators.Greater:
		return func(c int) bool { return c > 0 }
	case operators.GreaterEquals:
		return func(c int) bool { return c >= 0 }
	case operators.Equals:
		return func(c int) bool { return c == 0 }
	case operators.NotEquals:
		return func(c int) bool { return c != 0 }
	}
	return nil
}

func (l Language) among(left, right ast.Expr) *simple {
	v, f, kind := l.field(left)
	if kind != reflect.String || right.Kind() != ast.ListKind || len(right.AsList().OptionalIndices()) > 0 {
		return nil
	}
	var words []string
	for _, x := range right.AsList().Elements() {
		word, ok := text(x)
		if !ok {
			return nil
		}
		words = append(words, word)
	}
	return &simple{key: fmt.Sprintf("%d.%d in %q", v, f, words), test: func(t *Thing) bool { return slices.Contains(words, t.fields[v].Field(f).String()) }}
}

func text(e ast.Expr) (string, bool) {
	if e.Kind() != ast.LiteralKind {
		return "", false
	}
	s, ok := ref.Val(e.AsLiteral()).(types.String)
	return string(s), ok
}

// within takes FIELD.startsWith(CONSTANT) and FIELD.endsWith(CONSTANT).
func (l Language) within(c ast.CallExpr) *simple {
	is := map[string]func(s, part string) bool{"startsWith": strings.HasPrefix, "endsWith": strings.HasSuffix}[c.FunctionName()]
	v, f, kind := l.field(c.Target())
	if is == nil || kind != reflect.String || len(c.Args()) != 1 {
		return nil
	}
	part, ok := text(c.Args()[0])
	if !ok {
		return nil
	}
	return &simple{key: fmt.Sprintf("%d.%d %s %q", v, f, c.FunctionName(), part), test: func(t *Thing) bool { return is(t.fields[v].Field(f).String(), part) }}
}
