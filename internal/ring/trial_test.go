package ring

import (
	"math"
	"math/rand/v2"
	"testing"
)

// run plays patches that fail with probability p and gives the share that was stopped within n machines, and the 99th percentile of machines
// that a stopped one had reached.
func run(p float64, n, plays int) (stopped float64, reached int) {
	r := rand.New(rand.NewPCG(7, uint64(p*1000)))
	counts := make([]int, n+1)
	total := 0
	for range plays {
		t := newTrial(2, 15)
		for i := 1; i <= n; i++ {
			if t.take(r.Float64() >= p) {
				counts[i]++
				total++
				break
			}
		}
	}
	seen := 0
	for i, c := range counts {
		if seen += c; c > 0 && seen*100 >= total*99 {
			return float64(total) / float64(plays), i
		}
	}
	return float64(total) / float64(plays), 0
}

// The operating characteristics that docs/decisions/0011 promises.
func TestOperatingCharacteristics(t *testing.T) {
	for _, c := range []struct {
		p           float64
		n           int
		least, most float64 // share stopped
		reaches     int     // at the 99th percentile
	}{
		{0.005, 2000, 0, 0.002, math.MaxInt},
		{0.01, 2000, 0, 0.01, math.MaxInt},
		{0.02, 100, 0, 0.006, math.MaxInt},
		{0.02, 2000, 0, 0.06, math.MaxInt},
		{0.05, 2000, 0.85, 1, math.MaxInt},
		{0.10, 2000, 0.999, 1, 330},
		{0.15, 2000, 1, 1, 150},
		{0.30, 2000, 1, 1, 50},
		{1, 10, 1, 1, 4},
	} {
		stopped, reached := run(c.p, c.n, 3000)
		t.Logf("fails on %4.1f %%: stopped within %d machines in %5.1f %% of cases, having reached %d at most in 99 %% of them", c.p*100, c.n, stopped*100, reached)
		if stopped < c.least || stopped > c.most || reached > c.reaches {
			t.Errorf("fails on %.3f: stopped %.4f, reached %d", c.p, stopped, reached)
		}
	}
}

// A patch that did well on a thousand machines and then kills every one is stopped at the fourth.
func TestLateTurnForTheWorse(t *testing.T) {
	trial := newTrial(2, 15)
	for range 1000 {
		if trial.take(true) {
			t.Fatal("stopped without any failure")
		}
	}
	n := 1
	for ; !trial.take(false); n++ {
	}
	if n > 6 {
		t.Errorf("stopped after %d failures in a row", n)
	}
}

func TestHowManyMoreFailuresHalt(t *testing.T) {
	x := newTrial(2, 15)
	for range 10 {
		x.take(true)
	}
	n := x.margin()
	for i := range n {
		if stop := x.take(false); stop != (i == n-1) {
			t.Fatalf("failure %d of %d: %v", i+1, n, stop)
		}
	}
}
