package expr

import (
	"slices"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
)

// Words lists the texts with which an expression compares a field, such as "patch.severity": by ==, != and in.
func (l Language) Words(expression, field string) ([]string, error) {
	_, checked, err := l.check(expression)
	if err != nil {
		return nil, err
	}
	var words []string
	compared := func(a, b ast.Expr) {
		if at, ok := path(a); !ok || at != field {
			return
		}
		all := []ast.Expr{b}
		if b.Kind() == ast.ListKind {
			all = b.AsList().Elements()
		}
		for _, x := range all {
			if word, ok := text(x); ok && !slices.Contains(words, word) {
				words = append(words, word)
			}
		}
	}
	ast.PostOrderVisit(checked.NativeRep().Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind || len(e.AsCall().Args()) != 2 {
			return
		}
		switch c := e.AsCall(); c.FunctionName() {
		case operators.Equals, operators.NotEquals:
			compared(c.Args()[0], c.Args()[1])
			compared(c.Args()[1], c.Args()[0])
		case operators.In:
			compared(c.Args()[0], c.Args()[1])
		}
	}))
	return words, nil
}
