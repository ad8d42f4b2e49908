package ring

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// rebootTime is how long a machine may take to be back before its place is given away.
const rebootTime = time.Hour

// Machines that may not reboot yet ask again: who is next soon, so that a place that becomes free is not left so, the others not as often.
const (
	askSoon  = 10 * time.Second
	askAgain = time.Minute
)

// Leave is the answer to a machine that wants to reboot: until when it may be away, or what it waits for and when it asks again.
type Leave struct {
	Until time.Time
	Text  string
	Again time.Duration
}

// MayReboot lets a machine reboot now, as far as its ring allows: at most as many at once as the ring says, whatever each of them reboots
// for, and in the order in which they asked.
func (d *Desk) MayReboot(ctx context.Context, id patch.MachineID, boot string) (Leave, error) {
	v, err := d.World.View(ctx)
	if err != nil {
		return Leave{}, err
	}
	r, err := v.RingOf(ctx, id)
	if err != nil {
		return Leave{}, err
	}
	rank, of := d.queue.join(r.Name, id, d.Now())
	lease := patch.RebootLease{Machine: id, Ring: r.Name, Boot: boot, Until: d.Now().UTC().Add(rebootTime)}
	granted, others, err := d.Store.TakeRebootLease(ctx, lease, r.Reboots, rank-1)
	if err != nil {
		return Leave{}, err
	}
	if granted {
		d.queue.leave(r.Name, id)
		return Leave{Until: lease.Until}, nil
	}
	again := askAgain
	if rank <= r.Reboots {
		again = askSoon
	}
	return Leave{Text: waiting(r, others, rank, of), Again: again}, nil
}

// waiting says whose restart a machine waits for, and its place among those that do.
func waiting(r patch.Ring, others []string, rank, of int) string {
	const named = 3
	text := phrase.Verbatim(strings.Join(others[:min(len(others), named)], ", "))
	if more := len(others) - named; more > 0 {
		text = phrase.Of("{1} and {2} more", text, more)
	}
	switch len(others) {
	case 0:
		return phrase.Of("others are before it, and {1} of the ring {2} may at once; it is number {3} of {4} that wait", r.Reboots, r.Name, rank, of).String()
	case 1:
		return phrase.Of("{1} restarts now, and {2} of the ring {3} may at once; it is number {4} of {5} that wait", text, r.Reboots, r.Name, rank, of).String()
	}
	return phrase.Of("{1} restart now, and {2} of the ring {3} may at once; it is number {4} of {5} that wait", text, r.Reboots, r.Name, rank, of).String()
}

// queue is who waits for leave to reboot, by ring, in the order in which they came. It is kept in memory alone: who waits asks again, and
// who does not has gone.
type queue struct {
	mu    sync.Mutex
	rings map[string][]waiter
}

type waiter struct {
	machine patch.MachineID
	asked   time.Time
}

// join gives a machine its place, from 1, among all that wait.
func (q *queue) join(ring string, id patch.MachineID, now time.Time) (rank, of int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	line := slices.DeleteFunc(q.rings[ring], func(w waiter) bool { return w.machine != id && now.Sub(w.asked) > 3*askAgain })
	i := slices.IndexFunc(line, func(w waiter) bool { return w.machine == id })
	if i < 0 {
		line, i = append(line, waiter{machine: id}), len(line)
	}
	line[i].asked = now
	if q.rings == nil {
		q.rings = map[string][]waiter{}
	}
	q.rings[ring] = line
	return i + 1, len(line)
}

func (q *queue) leave(ring string, id patch.MachineID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.rings[ring] = slices.DeleteFunc(q.rings[ring], func(w waiter) bool { return w.machine == id })
	if len(q.rings[ring]) == 0 {
		delete(q.rings, ring)
	}
}
