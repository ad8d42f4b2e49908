package detect

import (
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
)

const sixValues = 6

// What a join of nothing is, and what one operand comes to by itself.
func TestJoinsOfNothingAndOfOne(t *testing.T) {
	for _, op := range []Op{OpAnd, OpOr, OpOne, OpXor} {
		if v := joined(&item.Tally{}, op); v != item.Truth(op == OpAnd) {
			t.Errorf("operator %d of nothing is %s", op, v)
		}
		for v := range item.Value(sixValues) {
			var one item.Tally
			one.Add(v)
			if got := joined(&one, op); got != v {
				t.Errorf("operator %d of %s is %s: a node with one operand is left out", op, v, got)
			}
		}
	}
}

func TestVerdictTable(t *testing.T) {
	for p := range item.Value(sixValues) {
		for i := range item.Value(sixValues) {
			want := patch.Faulty
			switch {
			case p == item.False || p == item.NotApplicable:
				want = patch.NotApplicable
			case p == item.True && i == item.False:
				want = patch.NotPatched
			case p == item.True && i == item.True:
				want = patch.Patched
			}
			if got := verdict(p, i); got != want {
				t.Errorf("prerequisite %s, installed %s: %s, want %s", p, i, got, want)
			}
		}
	}
}

func TestEnumerate(t *testing.T) {
	names := strings.Fields("a b c d e f")
	for n, want := range map[int]string{2: "a and b", 5: "a, b, c, d and e", 6: "a, b, c, d and 2 more"} {
		if got := enumerate(names[:n]).String(); got != want {
			t.Errorf("%d: %q", n, got)
		}
	}
}
