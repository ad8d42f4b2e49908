package ring

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// A machine that may reboot is missed after a while, and later its place is given away.
const (
	rebootMissed = 15 * time.Minute
	rebootTime   = time.Hour
)

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
	now := d.Now().UTC()
	lease := patch.RebootLease{Machine: id, Ring: r.Name, Boot: boot, Until: now.Add(rebootTime), Says: phrase.Of("reboot under way since {1}", clock(now)).String()}
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

// granted is when a machine was let go.
func granted(l patch.RebootLease) time.Time { return l.Until.Add(-rebootTime) }

func clock(t time.Time) string { return t.UTC().Format("15:04Z") }

// waiting says whose restart a machine waits for and since when each is away, and its place among those that wait.
func waiting(r patch.Ring, others []patch.RebootLease, rank, of int) string {
	const named = 3
	var names []string
	for _, l := range others[:min(len(others), named)] {
		names = append(names, fmt.Sprintf("%s (%s)", l.Name, clock(granted(l))))
	}
	text := phrase.Verbatim(strings.Join(names, ", "))
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

// Missed raises an alarm for each machine that was let go to reboot and is not back, and for each that its agent restarts no more because it owed a restart
// after every one; it clears those of machines of which neither is so any more. Others wait for a machine that is away until its place is given on, and nobody
// else would say either before long.
func (d *Desk) Missed(ctx context.Context) error {
	away, err := d.Store.ListAway(ctx)
	if err != nil {
		return err
	}
	open, err := d.Store.ListAlarms(ctx, true)
	if err != nil {
		return err
	}
	missed := map[string]bool{}
	for _, l := range away {
		if d.Now().Sub(granted(l)) < rebootMissed {
			continue
		}
		missed[missedKey(l.Machine)] = true
		if err := d.miss(ctx, l); err != nil {
			return err
		}
	}
	if err := d.loops(ctx, open, missed); err != nil {
		return err
	}
	for _, a := range open {
		if a.Kind == "restart" && !missed[a.Key] {
			if err := d.Store.ClearAlarm(ctx, a.Key, d.Now()); err != nil {
				return err
			}
		}
	}
	return nil
}

// loops raises the alarms of machines that the loop breaker has stopped, and names in still those that are to stay.
func (d *Desk) loops(ctx context.Context, open []patch.Alarm, still map[string]bool) error {
	v, err := d.World.View(ctx)
	if err != nil {
		return err
	}
	look, err := v.Look(ctx)
	if err != nil {
		return err
	}
	for seat := range look.All() {
		m := &seat.Machine
		if m.State != patch.Admitted {
			continue
		}
		if gate.Loops(*m) {
			still[loopKey(m.ID)] = true
			if err := d.Store.RaiseAlarm(ctx, patch.Alarm{Key: loopKey(m.ID), Kind: "restart", RaisedAt: d.Now(), SeenAt: d.Now(),
				Text: phrase.Of("{1} is restarted no more for now: {2}", m.Name, phrase.Recall(strings.TrimPrefix(m.Busy, "reboot waits: "))),
				Do:   "Find out what on the machine asks for a restart after every restart, and restart it by hand. This clears by itself when it has restarted, or when its deployment is halted."}); err != nil {
				return err
			}
		} else if m.Busy != "" && !strings.HasPrefix(m.Busy, "reboot ") { // it does something else meanwhile, and says nothing about its restart
			still[loopKey(m.ID)] = slices.ContainsFunc(open, func(a patch.Alarm) bool { return a.Key == loopKey(m.ID) })
		}
	}
	return nil
}

func loopKey(id patch.MachineID) string { return "restart-loop/" + string(id) }

func missedKey(id patch.MachineID) string { return "restart/" + string(id) }

func (d *Desk) miss(ctx context.Context, l patch.RebootLease) error {
	m, err := d.World.Store.FindMachine(ctx, l.Machine)
	if err != nil {
		return err
	}
	a := patch.Alarm{Key: missedKey(l.Machine), Kind: "restart", RaisedAt: d.Now(), SeenAt: d.Now(),
		Text: phrase.Of("{1} was let go to restart at {2} and has not come back", l.Name, clock(granted(l))),
		Do:   "Look at the machine's console and its power. This clears by itself when it is back; where it never will be, revoke it."}
	if m.SeenAt.After(granted(l).Add(rebootMissed)) {
		a.Text = phrase.Of("{1} was let go to restart at {2} and still runs as before", l.Name, clock(granted(l)))
		a.Do = "Restart it by hand: something on it keeps it from restarting. This clears by itself when it has."
	}
	if now := d.Now(); l.Ring != "" && now.Before(l.Until) {
		a.Text = phrase.Of("{1}; others of the ring {2} wait for it until {3} at the latest", a.Text, l.Ring, clock(l.Until))
	}
	return d.Store.RaiseAlarm(ctx, a)
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
