package fleet

import (
	"math/rand/v2"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

// The nearest base is the same one whether or not those that are farther are counted to their end.
func TestTheNearestBaseIsTheNearest(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		n := r.IntN(400)
		some := func(share int) patch.Vector {
			v := patch.NewVector(n)
			for i := range n {
				if r.IntN(share) == 0 {
					v.Set(i, patch.Verdict(r.IntN(4)))
				}
			}
			return v
		}
		var all []*base
		for range r.IntN(6) {
			all = append(all, newBase(some(1+r.IntN(30))))
		}
		v := some(1 + r.IntN(30))
		var want *base
		fewest := n + 1
		for _, b := range append([]*base{nil}, all...) {
			differ := 0
			for i := range n {
				if b.at(i) != v.At(i) {
					differ++
				}
			}
			if differ < fewest {
				want, fewest = b, differ
			}
		}
		if b, k := nearest(all, v); b != want || k != fewest {
			t.Fatalf("%d differences from one of %d bases, and %d are the fewest", k, len(all), fewest)
		}
	}
}
