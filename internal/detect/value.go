package detect

import (
	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
)

// joined gives the value of a node that joins the counted ones. An And of nothing is true, any other join of nothing is false.
func joined(t *item.Tally, op Op) item.Value {
	if *t == (item.Tally{}) {
		return item.Truth(op == OpAnd)
	}
	switch op {
	case OpAnd:
		return t.Join(item.And)
	case OpOr:
		return t.Join(item.Or)
	case OpOne:
		return t.Join(item.One)
	}
	return t.Join(item.Xor)
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
