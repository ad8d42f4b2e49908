package detect

import (
	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
)

// tally counts what the operands of a node came to.
type tally struct {
	seen  uint8 // one bit a value
	trues int
}

func (t *tally) add(v item.Value) {
	t.seen |= 1 << v
	if v == item.True {
		t.trues++
	}
}

func (t *tally) has(v item.Value) bool { return t.seen&(1<<v) != 0 }

// join gives the value of a node: the operator tables of OVAL 5.11, section 5.3.6. An And of nothing is true, any other join of
// nothing is false.
func (t *tally) join(op Op) item.Value {
	switch {
	case op == OpAnd && t.has(item.False):
		return item.False
	case op == OpOr && t.has(item.True):
		return item.True
	case op == OpOne && t.trues > 1:
		return item.False
	}
	for _, v := range [...]item.Value{item.Error, item.Unknown, item.NotEvaluated} {
		if t.has(v) {
			return v
		}
	}
	switch {
	case t.seen == 1<<item.NotApplicable:
		return item.NotApplicable
	case op == OpAnd:
		return item.True
	case op == OpXor:
		return item.Truth(t.trues%2 == 1)
	}
	return item.Truth(t.trues > 0)
}

// applies turns false into not applicable: OVAL's applicability_check.
func applies(v item.Value) item.Value {
	if v == item.False {
		return item.NotApplicable
	}
	return v
}

// verdict is the table of the package comment.
func verdict(prerequisite, installed item.Value) patch.Verdict {
	switch {
	case prerequisite == item.False || prerequisite == item.NotApplicable:
		return patch.NotApplicable
	case prerequisite != item.True:
		return patch.Faulty
	case installed == item.True:
		return patch.Patched
	case installed == item.False:
		return patch.NotPatched
	}
	return patch.Faulty
}
