package simfleet_test

import (
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/fettle-project/fettle/internal/wire"
)

// clock is a machine's own: it is set, forwards and backwards, by people, by time services and by batteries that are empty.
type clock struct {
	off   time.Duration // ahead of the world's
	sets  int           // how often it was set
	told  int           // as many sets ago the machine last heard what time it is
	heard time.Time     // when that was
}

// mostOff is how far a clock may be off for windows to be kept by it.
const mostOff = 10 * time.Minute

// now is the machine's time.
func (b *box) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return time.Now().Add(b.clock.off).Round(0)
}

// setClock sets it so far ahead of the world's.
func (b *box) setClock(off time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.clock.off != off {
		b.clock.off = off
		b.clock.sets++
	}
}

func (b *box) clockSets() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.clock.sets
}

// hears notes that an answer told the machine what time it is, which it asked for after so many sets.
func (b *box) hears(r *http.Request, code, sets int) {
	if path := r.Method + " " + r.URL.Path; code != http.StatusOK || path != wire.PathCheckin && path != wire.PathStanding {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clock.told, b.clock.heard = sets, time.Now()
}

// anyOff is how far a clock is off that somebody or something set: a little, by time zones, or by days.
func anyOff(r *rand.Rand) time.Duration {
	off := time.Duration(1+r.IntN(12)) * time.Hour
	switch r.IntN(4) {
	case 0:
		off = time.Duration(r.Int64N(int64(2 * mostOff)))
	case 1:
		off = time.Duration(1 + r.Int64N(int64(40*day)))
	}
	if r.IntN(2) == 0 {
		return -off
	}
	return off
}

// strays has a machine's clock be wrong and right in turns.
func (w *sim) strays(b *box, r *rand.Rand) {
	w.later(time.Duration(1+r.Int64N(int64(w.kind.days)*int64(day)/2)), func() {
		if !w.faults.Load() {
			return
		}
		b.setClock(anyOff(r))
		w.clocks.Add(1)
		w.later(time.Duration(1+r.Int64N(int64(w.kind.days)*int64(day)/3)), func() {
			if !w.faults.Load() {
				return
			}
			b.setClock(0)
			w.strays(b, r)
		})
	})
}

// timeOf is the moment that an execution of a machine counts as, and by how much it may miss a window: the world's time where the machine has heard it
// since its clock was set, which then may be a little off and no more; else the machine's own, not before what it heard last.
func (w *sim) timeOf(b *box) (at time.Time, slack time.Duration) {
	b.mu.Lock()
	c := b.clock
	b.mu.Unlock()
	now := time.Now()
	if c.told == c.sets && (c.sets == 0 || now.Sub(c.heard) > time.Second) { // what arrives just now may not be known yet
		if c.off.Abs() > mostOff+time.Second {
			w.fail("%s installs by a clock that is %s off, and was told so %s ago", b.name, c.off, now.Sub(c.heard))
		}
		return now, c.off.Abs()
	}
	if at = now.Add(c.off); at.Before(c.heard) {
		at = c.heard
	}
	return at, time.Minute
}

// right has time services set all clocks, but some that nobody ever sets.
func (w *sim) right() {
	r := w.random("right")
	for _, b := range w.boxes {
		if r.IntN(3) > 0 {
			b.setClock(0)
		}
	}
}
