package store

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Whoever looks learns of each machine that detected since once, however often that was, and what is kept grows with the machines alone.
func TestATrailTellsWhoDetectedSince(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var kept trail
		type look struct {
			n    uint64
			want map[int64]bool // that detected since
		}
		looks := []look{{0, map[int64]bool{}}}
		for range rapid.IntRange(1, 12).Draw(t, "rounds") {
			for range rapid.IntRange(0, 3*manyMachines).Draw(t, "detects") {
				machine := rapid.Int64Range(1, 40).Draw(t, "machine")
				kept.add([]int64{machine})
				for _, l := range looks {
					l.want[machine] = true
				}
			}
			_, n := kept.since(0)
			looks = append(looks, look{n, map[int64]bool{}})
		}
		for _, l := range looks {
			machines, _ := kept.since(l.n)
			var want []int64
			for m := range l.want {
				want = append(want, m)
			}
			slices.Sort(want)
			if diff := cmp.Diff(want, slices.Sorted(slices.Values(machines))); diff != "" && len(want)+len(machines) > 0 {
				t.Fatalf("after step %d: %s", l.n, diff)
			}
		}
		if n := len(kept.steps); n > 2*40+manyMachines {
			t.Fatalf("%d steps of 40 machines are kept", n)
		}
	})
}
