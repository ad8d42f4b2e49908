package ring

import "math"

// Risks of the sequential test: of stopping a patch that fails as rarely as is acceptable, and of taking one that fails as often as must be
// stopped for a good one. docs/decisions/0011 has what follows from them.
const (
	falseAlarm = 0.001
	missed     = 0.05
)

// trial is Wald's sequential probability ratio test of "fails as rarely as accept" against "fails as often as refuse". Whenever it has
// decided for the first it begins afresh, so that a patch that goes bad late is noticed as soon as one that was bad from the start.
type trial struct {
	bad, good   float64 // what one outcome adds
	halt, trust float64 // where it ends
	sum         float64
}

// newTrial takes percentages, of which refuse must be the larger one.
func newTrial(accept, refuse int) trial {
	p0, p1 := float64(accept)/100, float64(refuse)/100
	return trial{bad: math.Log(p1 / p0), good: math.Log((1 - p1) / (1 - p0)), halt: math.Log((1 - missed) / falseAlarm), trust: math.Log(missed / (1 - falseAlarm))}
}

// margin is how many failures in a row, from now on, stop the patch.
func (t *trial) margin() int { return max(1, int(math.Ceil((t.halt-t.sum)/t.bad))) }

// take adds one outcome and reports whether the patch must be stopped.
func (t *trial) take(ok bool) (stop bool) {
	if ok {
		t.sum += t.good
	} else {
		t.sum += t.bad
	}
	if t.sum <= t.trust {
		t.sum = 0
	}
	return t.sum >= t.halt
}
