package patch

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestDifferences(t *testing.T) {
	for n := range 200 {
		a, b := NewVector(n), NewVector(n)
		var want []int
		for i := range n {
			a.Set(i, Verdict(rand.IntN(4)))
			b.Set(i, a.At(i))
			if rand.IntN(1+n%40) == 0 {
				b.Set(i, Verdict(rand.IntN(4)))
			}
			if a.At(i) != b.At(i) {
				want = append(want, i)
			}
		}
		if got := slices.Collect(a.Differences(b)); !slices.Equal(got, want) || a.Distance(b, n) != len(want) || b.Distance(a, n) != len(want) {
			t.Fatalf("of %d: %v, %d; want %v", n, got, a.Distance(b, n), want)
		}
		for most := range len(want) {
			if got := a.Distance(b, most); got <= most || got > len(want) {
				t.Fatalf("%d differences, of which more than %d are enough: %d", len(want), most, got)
			}
		}
		for i := range a.Differences(b) {
			if i != want[0] {
				t.Fatal(i)
			}
			break
		}
	}
}
