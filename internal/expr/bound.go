package expr

import (
	"cmp"

	"cel.dev/cel-go/common/operators"
)

// bound is a comparison with a constant, told by the values for which it holds: those below the constant, the constant itself, those above.
type bound[T cmp.Ordered] struct {
	at                 T
	below, same, above bool
}

// newBound gives nil for functions that compare nothing.
func newBound[T cmp.Ordered](function string, at T) *bound[T] {
	b := &bound[T]{at: at}
	switch function {
	case operators.Less:
		b.below = true
	case operators.LessEquals:
		b.below, b.same = true, true
	case operators.Greater:
		b.above = true
	case operators.GreaterEquals:
		b.same, b.above = true, true
	case operators.Equals:
		b.same = true
	case operators.NotEquals:
		b.below, b.above = true, true
	default:
		return nil
	}
	return b
}

func (b *bound[T]) holds(x T) bool {
	switch c := cmp.Compare(x, b.at); {
	case c < 0:
		return b.below
	case c > 0:
		return b.above
	}
	return b.same
}
