package expr

import (
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
const maxVariables = 3

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
	key   string // what is equal in it comes to the same
	test  test
}

// test looks at one field, in the way that is not nil; none is: the field is a flag.
type test struct {
	place
	number *bound[int64]
	word   *bound[string]
	is     func(string) bool // of a word
}

// place is a field of a variable.
type place struct{ variable, field int }

func (t test) holds(x *Thing) bool {
	value := x.fields[t.variable].Field(t.field)
	switch {
	case t.number != nil:
		return t.number.holds(value.Int())
	case t.word != nil:
		return t.word.holds(value.String())
	case t.is != nil:
		return t.is(value.String())
	}
	return value.Bool()
}

func (s *simple) holds(t *Thing) bool {
	switch s.join {
	case "&&":
		return s.sides[0].holds(t) && s.sides[1].holds(t)
	case "||":
		return s.sides[0].holds(t) || s.sides[1].holds(t)
	case "!":
		return !s.sides[0].holds(t)
	}
	return s.test.holds(t)
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
		whole.key = whole.joined()
		return whole
	}
	if c.IsMemberFunction() {
		return l.within(c)
	}
	return l.comparison(c)
}

// joined is the key of a condition that has sides.
func (s *simple) joined() string {
	if s.join == "!" {
		return "!" + s.sides[0].key
	}
	return "(" + s.sides[0].key + " " + s.join + " " + s.sides[1].key + ")"
}

// field finds which field of which variable an expression is.
func (l Language) field(e ast.Expr) (place, reflect.Kind) {
	if e.Kind() != ast.SelectKind || e.AsSelect().IsTestOnly() || e.AsSelect().Operand().Kind() != ast.IdentKind {
		return place{}, reflect.Invalid
	}
	for v, x := range l.Variables[:min(len(l.Variables), maxVariables)] {
		if x.Name != e.AsSelect().Operand().AsIdent() {
			continue
		}
		for f := range x.Type.NumField() {
			if x.Type.Field(f).Tag.Get("cel") == e.AsSelect().FieldName() {
				return place{v, f}, x.Type.Field(f).Type.Kind()
			}
		}
	}
	return place{}, reflect.Invalid
}

func (l Language) flag(e ast.Expr) *simple {
	at, kind := l.field(e)
	if kind != reflect.Bool {
		return nil
	}
	return &simple{key: fmt.Sprint(at), test: test{place: at}}
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
	if left.Kind() == ast.LiteralKind {
		left, right, function = right, left, turned(function)
	}
	if right.Kind() != ast.LiteralKind {
		return nil
	}
	at, kind := l.field(left)
	t := test{place: at}
	switch want := right.AsLiteral().(type) {
	case types.Int:
		if kind == reflect.Int64 {
			t.number = newBound(function, int64(want))
		}
	case types.String:
		if kind == reflect.String {
			t.word = newBound(function, string(want))
		}
	}
	if t.number == nil && t.word == nil {
		return nil
	}
	return &simple{key: fmt.Sprintf("%v %s %#v", at, function, right.AsLiteral()), test: t}
}

// turned is the comparison that says the same when its sides change places.
func turned(function string) string {
	switch function {
	case operators.Less:
		return operators.Greater
	case operators.LessEquals:
		return operators.GreaterEquals
	case operators.Greater:
		return operators.Less
	case operators.GreaterEquals:
		return operators.LessEquals
	}
	return function
}

func (l Language) among(left, right ast.Expr) *simple {
	at, kind := l.field(left)
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
	return &simple{key: fmt.Sprintf("%v in %q", at, words), test: test{place: at, is: func(x string) bool { return slices.Contains(words, x) }}}
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
	at, kind := l.field(c.Target())
	if is == nil || kind != reflect.String || len(c.Args()) != 1 {
		return nil
	}
	part, ok := text(c.Args()[0])
	if !ok {
		return nil
	}
	return &simple{key: fmt.Sprintf("%v %s %q", at, c.FunctionName(), part), test: test{place: at, is: func(x string) bool { return is(x, part) }}}
}
