package catalog

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
)

// Whatever a feed says, what remains can be followed to its end; and what is taken out is only what cannot be.
func TestSupersessionCanBeFollowed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(t, "patches")
		name := func(i int) patch.ID { return patch.ID(fmt.Sprintf("p%02d", i)) }
		all := make([]made, n)
		said := make([][]int, n)
		dangling, selves := 0, 0
		for i := range all {
			all[i].patch.ID = name(i)
			said[i] = rapid.SliceOfNDistinct(rapid.IntRange(0, n+2), 0, 4, rapid.ID).Draw(t, "supersedes")
			for _, j := range said[i] {
				all[i].patch.Supersedes = append(all[i].patch.Supersedes, name(j), name(j))
				if j >= n {
					dangling++
				}
				if j == i {
					selves++
				}
			}
		}
		faults, replaced := settle(all)
		reach := closure(n, func(i int) []int { return said[i] })
		cyclic := 0
		for i := range all {
			if slices.ContainsFunc(said[i], func(j int) bool { return j != i && j < n && reach[j][i] }) {
				cyclic++
			}
			var want []patch.ID
			for _, j := range said[i] {
				if j < n && j != i && !reach[j][i] {
					want = append(want, name(j))
				}
				if j >= n && !replaced[name(j)] {
					t.Fatalf("%s is on no list and superseded, and this is forgotten", name(j))
				}
			}
			slices.Sort(want)
			if !slices.Equal(want, all[i].patch.Supersedes) {
				t.Fatalf("%v: %s supersedes %v, not %v", said, name(i), all[i].patch.Supersedes, want)
			}
		}
		if want := (patch.CatalogFaults{Dangling: dangling, Selves: selves, Cyclic: cyclic}); faults != want {
			t.Fatalf("%v: %+v, not %+v", said, faults, want)
		}
		left := closure(n, func(i int) (to []int) {
			for _, id := range all[i].patch.Supersedes {
				var j int
				fmt.Sscanf(string(id), "p%d", &j)
				to = append(to, j)
			}
			return to
		})
		for i := range left {
			if left[i][i] {
				t.Fatalf("%v: a circle through %s is left", said, name(i))
			}
		}
	})
}

// closure tells which nodes each one reaches.
func closure(n int, edges func(int) []int) [][]bool {
	reach := make([][]bool, n)
	for i := range reach {
		reach[i] = make([]bool, n)
		for _, j := range edges(i) {
			if j < n && j != i {
				reach[i][j] = true
			}
		}
	}
	for k := range n {
		for i := range n {
			for j := range n {
				reach[i][j] = reach[i][j] || reach[i][k] && reach[k][j]
			}
		}
	}
	return reach
}

// A chain as long as a feed likes takes no stack.
func TestLongChains(t *testing.T) {
	edges := make([][]int, 300_000)
	for i := range edges {
		edges[i] = []int{(i + 1) % len(edges)}
	}
	if c := circles(edges); c[0] == 0 || c[len(c)-1] != c[0] {
		t.Error("a circle of all was not found")
	}
	edges[len(edges)-1] = nil
	if c := circles(edges); slices.Max(c) != 0 {
		t.Error("a chain was taken for a circle")
	}
}

func TestUnclearDefinitionsAreCounted(t *testing.T) {
	deep := detect.And(detect.Or(detect.Expr{Op: detect.OpUnclear, Text: "?"}))
	muddled := advisory("b", "a", "1")
	muddled.Definition = detect.Definition{Installed: &deep}
	whole := advisory("c", "a", "1")
	whole.Definition = detect.Definition{Unclear: "no criteria"}
	b, _ := buildParsed(t, parsed(advisory("a", "a", "1"), muddled, whole))
	if b.Meta.Faults.Unclear != 2 {
		t.Errorf("%+v", b.Meta.Faults)
	}
}
