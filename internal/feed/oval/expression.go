package oval

import (
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/item"
)

// Expression is the definition's criteria, with all that they extend, as a tree for package detect. Its value is the definition's.
//
// The applicability_check attribute changes no value, as in OpenSCAP: the language gives it no meaning for evaluation.
func (d *Definition) Expression() detect.Expr {
	return d.tree(plainly)
}

// leaf makes an expression of a test. negated says that the expression stands under an odd number of negations, fixed that neither more
// nor less may become true: it stands under ONE or XOR.
type leaf func(t *item.Test, negated, fixed bool) detect.Expr

func plainly(t *item.Test, _, _ bool) detect.Expr {
	return detect.Is(detect.Test{Kind: detect.TestItems, Items: t})
}

func (d *Definition) tree(f leaf) detect.Expr {
	if d.Fault != "" {
		return unclear(d.Fault)
	}
	return d.criteria.tree(f, false, false)
}

func (c *criteria) tree(f leaf, negated, fixed bool) detect.Expr {
	negated = negated != c.negate
	var e detect.Expr
	switch {
	case c.fault != "":
		e = unclear(c.fault)
	case c.test != nil && c.test.value.Unclear != "":
		e = unclear(c.test.value.Unclear)
	case c.test != nil:
		e = f(&c.test.value, negated, fixed)
	case c.extends != nil && c.extends.Fault != "":
		e = unclear(c.extends.ID + ": " + c.extends.Fault)
	case c.extends != nil:
		e = c.extends.criteria.tree(f, negated, fixed)
	default:
		e = c.join(f, negated, fixed)
	}
	if c.negate {
		return detect.Not(e)
	}
	return e
}

func (c *criteria) join(f leaf, negated, fixed bool) detect.Expr {
	e := detect.Expr{Of: make([]detect.Expr, len(c.of))}
	switch c.operator {
	case item.And:
		e.Op = detect.OpAnd
	case item.Or:
		e.Op = detect.OpOr
	case item.One:
		e.Op, fixed = detect.OpOne, true
	case item.Xor:
		e.Op, fixed = detect.OpXor, true
	}
	for i := range c.of {
		e.Of[i] = c.of[i].tree(f, negated, fixed)
	}
	return e
}

func unclear(why string) detect.Expr { return detect.Expr{Op: detect.OpUnclear, Text: why} }
