package plan

import (
	"slices"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

// Machines of which the same is said share one list, and what is done to one machine's part is not done to the others'.
func TestWhatIsLeftOutIsKeptOnce(t *testing.T) {
	l := lefts{number: map[patch.LeftOut]uint32{}, lists: map[string][]patch.LeftOut{}}
	p, q, held := patch.LeftOut{Patch: "p", Gate: "hold"}, patch.LeftOut{Patch: "q", Gate: "hold"}, patch.LeftOut{Patch: "p", Gate: "hold", Text: "until Monday"}
	add := func(all ...patch.LeftOut) []patch.LeftOut {
		var numbers []uint32
		for _, one := range all {
			numbers = append(numbers, l.add(one))
		}
		return l.of(numbers)
	}
	a, b, other := patch.MachinePlan{Left: add(p, q)}, patch.MachinePlan{Left: add(p, q)}, add(held, q)
	if &a.Left[0] != &b.Left[0] || &a.Left[0] == &other[0] || other[0] != held || len(l.all) != 3 || add() != nil {
		t.Fatalf("%+v, %+v, %+v", a.Left, b.Left, other)
	}
	narrow(&a, func(id patch.ID) bool { return id == "q" })
	c := append(b.Left, held)
	if !slices.Equal(a.Left, []patch.LeftOut{q}) || !slices.Equal(b.Left, []patch.LeftOut{p, q}) || &c[0] == &b.Left[0] {
		t.Errorf("%+v, and %+v beside it", a.Left, b.Left)
	}
}
