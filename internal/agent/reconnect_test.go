package agent

import (
	"container/heap"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/wire"
)

// arrivals are requests to come, the next one first.
type arrivals []arrival

type arrival struct {
	at       time.Duration
	poll     bool // of the long poll, which is open all the time and cut when the appliance goes; else of the heartbeat
	failures int
	l        *loop
}

func (a arrivals) Len() int           { return len(a) }
func (a arrivals) Less(i, j int) bool { return a[i].at < a[j].at }
func (a arrivals) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *arrivals) Push(x any)        { *a = append(*a, x.(arrival)) }
func (a *arrivals) Pop() any          { x := (*a)[len(*a)-1]; *a = (*a)[:len(*a)-1]; return x }

// reconnect plays a fleet whose appliance is away for a while, with the pace and back-off of the real loop, and gives how many agents come back
// in the busiest ten seconds, and in ten seconds on average until all are back. Agents come back with whichever of their requests is first.
func reconnect(machines int, outage time.Duration) (peak int, mean float64) {
	r := rand.New(rand.NewPCG(1, 2))
	epoch := time.Unix(1_800_000_000, 0)
	var now time.Duration
	cfg := Config{Interval: 15 * time.Minute,
		Jitter: func(bound time.Duration) time.Duration { return time.Duration(r.Int64N(int64(bound))) }}
	const begin = time.Hour
	end := begin + outage
	var q arrivals
	for range machines {
		l := &loop{session: &session{cfg: cfg}, ticks: func() time.Time { return epoch.Add(now) }}
		phase := begin - l.pace(wire.CheckinReply{NextSeconds: 900}) + l.random(15*time.Minute)
		q = append(q, arrival{at: max(begin, phase), l: l}, arrival{at: begin, poll: true, l: l})
	}
	heap.Init(&q)
	buckets := map[int]int{}
	last := 0
	back := map[*loop]bool{}
	for len(back) < machines {
		a := heap.Pop(&q).(arrival)
		now = a.at
		switch {
		case back[a.l]:
			continue
		case a.at >= end:
			back[a.l] = true
			last = int((a.at - end) / (10 * time.Second))
			buckets[last]++
			continue
		}
		a.failures++
		if a.poll {
			a.at += a.l.behind(a.failures, errors.New("away"))
		} else {
			a.at += a.l.backoff(a.failures, errors.New("away"))
		}
		heap.Push(&q, a)
	}
	for _, n := range buckets {
		peak = max(peak, n)
	}
	return peak, float64(machines) / float64(last+1)
}

// Ten thousand machines come back after their appliance was away, and no ten seconds are twice as busy as the mean.
func TestAFleetComesBackEvenly(t *testing.T) {
	for _, outage := range []time.Duration{10 * time.Minute, time.Hour, 8 * time.Hour} {
		peak, mean := reconnect(10_000, outage)
		t.Logf("after %s: at most %d machines in ten seconds, %.0f on average: %.2f times", outage, peak, mean, float64(peak)/mean)
		if float64(peak) > 2*mean {
			t.Errorf("after %s the busiest ten seconds are %.2f times as busy as the mean", outage, float64(peak)/mean)
		}
	}
}

// The end of an outage reaches every loop that waits, at once.
func TestOutageEndsForAll(t *testing.T) {
	var o outage
	if d := o.failed(time.Unix(100, 0)); d != 0 {
		t.Errorf("away for %s at the first failure", d)
	}
	if d := o.failed(time.Unix(190, 0)); d != 90*time.Second {
		t.Errorf("away for %s", d)
	}
	done := make(chan error, 2)
	for range cap(done) {
		go func() { done <- o.wait(t.Context(), time.Hour) }()
	}
	time.Sleep(20 * time.Millisecond)
	o.ended()
	for range cap(done) {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if d := o.failed(time.Unix(500, 0)); d != 0 {
		t.Errorf("an outage that is over goes on: %s", d)
	}
}
