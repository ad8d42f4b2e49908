package agent

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// Agent is one machine's agent.
type Agent struct {
	cfg Config
}

// New makes an agent; nothing is read or contacted before Run.
func New(cfg Config) *Agent { return &Agent{cfg: cfg.withDefaults()} }

// Run serves until ctx ends: it resumes what was interrupted, then checks in, detects and executes orders. It returns nil when ctx ended;
// a package transaction that is under way is finished first. It returns an error when it cannot start, or when the journal cannot be
// made durable any more.
func (a *Agent) Run(ctx context.Context) error {
	s, stop, err := start(a.cfg)
	if err != nil {
		return err
	}
	defer stop()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	l := &loop{session: s, wake: make(chan struct{}, 1), work: make(chan task, 1), admitted: make(chan struct{}, 1)}
	l.every.Store(int64(a.cfg.Interval)) // until the appliance names its own
	var tasks sync.WaitGroup
	for _, run := range []func(context.Context) error{l.checkins, l.poll, l.pump, l.worker, l.reboots, l.listen} {
		tasks.Go(func() {
			if err := run(ctx); err != nil && ctx.Err() == nil {
				cancel(err)
			}
		})
	}
	tasks.Wait()
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// loop is a session with its goroutines: check-ins, the long poll, the upload of results, one worker, and one that looks after restarts.
type loop struct {
	*session
	wake     chan struct{} // check in now
	work     chan task     // for the worker; one may wait
	admitted chan struct{} // the long poll may begin
	away     outage
	every    atomic.Int64     // the pace of check-ins, in nanoseconds: the appliance's, once it named one
	ticks    func() time.Time // nil: the system's monotonic clock
}

// task is what the worker shall do. Both may be asked for.
type task struct {
	detect bool
	order  bool
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// ask adds to what the worker shall do next.
func (l *loop) ask(t task) {
	for {
		select {
		case l.work <- t:
			return
		case waiting := <-l.work:
			t = task{t.detect || waiting.detect, t.order || waiting.order}
		}
	}
}

// checkins is the heartbeat: at once, then at the appliance's pace, on a wake, and with full-jitter back-off while it is away.
func (l *loop) checkins(ctx context.Context) error {
	failures := 0
	for ctx.Err() == nil {
		g := l.look(ctx)
		reply, err := l.checkin(ctx, g)
		var wait time.Duration
		if err != nil {
			failures++
			wait = l.backoff(failures, err)
			if ctx.Err() == nil {
				l.log.Warn("the check-in failed", "err", err, "again_in", wait.Round(time.Second))
			}
		} else {
			failures = 0
			l.away.ended()
			wait = l.pace(reply)
			l.follow(g, reply)
			l.reconsider(ctx, reply)
			l.restartStands(ctx)
			l.steward(ctx, reply)
		}
		if g.err != nil {
			l.log.Error("this machine cannot be read", "err", g.err)
		}
		l.note(ctx, errors.Join(err, g.err))
		l.cfg.Release()
		if err := l.rest(ctx, wait, failures > 0); err != nil {
			return nil
		}
	}
	return nil
}

// rest waits. A wake ends it early, but never the back-off.
func (l *loop) rest(ctx context.Context, wait time.Duration, backingOff bool) error {
	if backingOff {
		return l.away.wait(ctx, wait)
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-l.wake:
	case <-t.C:
	}
	return nil
}

// follow turns the answer into work.
func (l *loop) follow(g glance, reply wire.CheckinReply) {
	if reply.State != patch.Admitted {
		return
	}
	poke(l.admitted)
	snap, _, found := l.snapshot()
	stale := !found || snap.Revision != reply.Revision || l.cfg.Now().Sub(snap.Ended).Abs() > snapshotLife ||
		g.factsHash != snap.Facts || snap.Boot != l.cfg.Host.Boot()
	detect := g.err == nil && reply.Revision != "" && l.activity() == "" && (reply.WantDetect || stale)
	if order := reply.Order || l.unfinished() && l.activity() == ""; detect || order {
		l.ask(task{detect: detect, order: order})
	}
}

// steward fetches what to keep off where that has changed, and has the next look act on it.
func (l *loop) steward(ctx context.Context, reply wire.CheckinReply) {
	mine, err := l.offHash()
	if err != nil || reply.State != patch.Admitted || reply.Updaters == mine {
		return
	}
	if err := l.takeStewardship(ctx); err != nil {
		l.log.Error("did not take over what to keep off", "err", err)
		return
	}
	poke(l.wake)
}

// pace is the time to the next check-in: the appliance's wish within bounds, else our own, ± 10 %.
func (l *loop) pace(reply wire.CheckinReply) time.Duration {
	d := l.cfg.Interval
	if reply.NextSeconds > 0 {
		d = time.Duration(min(reply.NextSeconds, int(maxInterval/time.Second))) * time.Second
	}
	d = max(d, minInterval)
	l.every.Store(int64(d))
	return d - d/10 + l.random(d/5+1)
}

// backoff is full jitter: anywhere between now and a bound that doubles, but not before the appliance's own Retry-After. When the appliance has
// been away for longer than a moment, everybody asks about as often as it wanted to see them, so that they come back evenly.
func (l *loop) backoff(failures int, err error) time.Duration {
	away := l.away.failed(l.steady())
	bound := min(2*time.Second<<min(failures, 12), 15*time.Minute)
	wait := max(l.random(bound), 250*time.Millisecond)
	if later, ok := errors.AsType[retryAfter](err); ok {
		return later.after + l.random(later.after/2+time.Second)
	}
	if every := time.Duration(l.every.Load()); away > soon && every > 0 {
		return every/2 + l.random(every)
	}
	return wait
}

// behind is backoff for all but the heartbeat: while the appliance is away for longer than a moment, the heartbeat alone asks, and the others follow
// when it gets through.
func (l *loop) behind(failures int, err error) time.Duration {
	wait := l.backoff(failures, err)
	if l.away.failed(l.steady()) > soon {
		return max(wait, maxInterval+l.random(maxInterval))
	}
	return wait
}

// steady is a clock that nobody sets.
func (l *loop) steady() time.Time {
	if l.ticks != nil {
		return l.ticks()
	}
	return time.Now() // what is told apart by it is told by the monotonic clock
}

func (l *loop) random(bound time.Duration) time.Duration {
	if l.cfg.Jitter != nil {
		return l.cfg.Jitter(bound)
	}
	return rand.N(bound)
}

// poll keeps one long poll open once the machine is admitted, and wakes the heartbeat when the appliance has something.
func (l *loop) poll(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-l.admitted:
	}
	failures := 0
	for ctx.Err() == nil {
		begun := time.Now()
		var reply wire.PollReply
		err := l.pollOnce(ctx, &reply)
		wait := max(time.Second-time.Since(begun), 0)
		switch {
		case err != nil:
			failures++
			wait = l.behind(failures, err)
		case reply.Wake:
			failures = 0
			l.away.ended()
			poke(l.wake)
		default:
			failures = 0
			l.away.ended()
		}
		if err != nil && l.away.wait(ctx, wait) != nil || err == nil && sleep(ctx, wait) != nil {
			return nil
		}
	}
	return nil
}

func (l *loop) pollOnce(ctx context.Context, reply *wire.PollReply) error {
	ctx, stop := context.WithTimeout(ctx, answerTimeout)
	defer stop()
	_, err := l.client().call(ctx, wire.PathPoll, "", nil, reply)
	return err
}

// pump sends results until they are acknowledged, as soon as there are any.
func (l *loop) pump(ctx context.Context) error {
	if l.journal == nil {
		return nil
	}
	failures := 0
	for {
		for len(l.journal.unsent(1)) == 0 {
			select {
			case <-ctx.Done():
				return nil
			case <-l.journal.grown:
			}
		}
		err := l.sendResults(ctx)
		if err == nil {
			failures = 0
			l.away.ended()
			continue
		}
		if l.journal.broken() != nil {
			return l.journal.broken()
		}
		failures++
		if l.away.wait(ctx, l.behind(failures, err)) != nil {
			return nil
		}
	}
}

func (l *loop) sendResults(ctx context.Context) error {
	ctx, stop := context.WithTimeout(ctx, answerTimeout)
	defer stop()
	batch := upTo(l.journal.unsent(200), maxBatch)
	var reply wire.ResultsReply
	if _, err := l.client().call(ctx, wire.PathResults, "", wire.Results{Results: batch}, &reply); err != nil {
		return err
	}
	if reply.Ack < batch[0].Seq {
		return patch.Errorf(patch.Unavailable, "the appliance acknowledged result %d and not %d", reply.Ack, batch[0].Seq)
	}
	return l.journal.acknowledge(reply.Ack)
}

// maxBatch bounds the logs of one upload of results in bytes.
const maxBatch = 256 << 10

// upTo keeps the first results, as many as fit but at least one.
func upTo(batch []wire.Result, limit int) []wire.Result {
	size := 0
	for i, r := range batch {
		if size += len(r.Log) + len(r.Text); size > limit && i > 0 {
			return batch[:i]
		}
	}
	return batch
}

// worker does one thing at a time: first what an earlier run left open, then what check-ins ask for. An order that could not be fetched is
// asked for again before the next check-in does.
func (l *loop) worker(ctx context.Context) error {
	failures, here := 0, "" // here is the order whose files were fetched ahead of its window
	for t := (task{}); ; {
		var again <-chan time.Time
		if l.unfinished() {
			if wait := l.untilWindow(); wait > 0 {
				if c := l.journal.newest(); here != c.Order.ID && l.ahead(ctx) {
					here = c.Order.ID
				}
				again = time.After(min(wait, windowLook))
			} else {
				lacked := l.lacking()
				if l.carryOut(ctx) {
					again = time.After(windowLook)
				}
				if now := l.lacking(); now == "" || now != lacked {
					poke(l.wake)
				}
			}
		} else if t.order && l.journal != nil && l.get().State == patch.Admitted {
			taken, err := l.takeOrder(ctx)
			if failures++; err == nil {
				failures = 0
			} else if ctx.Err() == nil {
				wait := l.backoff(failures, err)
				again = time.After(wait)
				l.log.Warn("cannot fetch the order", "err", err, "again_in", wait.Round(time.Second))
			}
			if taken {
				t.order = false
				t.detect = t.detect && l.untilWindow() > 0 // else the order ends with one
				continue
			}
		}
		if t.detect {
			l.detectNow(ctx)
		}
		if l.journal != nil && l.journal.broken() != nil {
			return l.journal.broken()
		}
		select {
		case <-ctx.Done():
			return nil
		case t = <-l.work:
		case <-again:
			t = task{order: true}
		}
	}
}

// windowLook is how often an agent looks whether a window has come: clocks may be set meanwhile, and laptops sleep.
const windowLook = time.Minute

// unfinished says whether an order waits to be brought to its end: after a start, or after a disk was full.
func (l *loop) unfinished() bool {
	return l.journal != nil && l.journal.unfinished()
}

// detectNow makes a snapshot and uploads it; a detect that fails is reported as failed.
func (l *loop) detectNow(ctx context.Context) {
	l.doing("detecting")
	defer l.doing("")
	snap, err := l.judgeMachine(ctx, "")
	if err != nil {
		if ctx.Err() == nil {
			l.log.Error("the detect failed", "err", err)
			if err := l.reportFailed(ctx, snap.OS, err); err != nil {
				l.log.Warn("cannot report the failed detect", "err", err)
			}
		}
		return
	}
	l.log.Info("detected", "seq", snap.Seq, "revision", snap.Revision, "patches", snap.Expected, "missing", snap.Verdicts.Counts()[patch.NotPatched])
	if err := l.uploadSnapshot(ctx); err != nil {
		l.log.Warn("cannot upload the snapshot; the next check-in does", "err", err)
		if l.doing(""); patch.KindOf(err) != patch.Invalid { // who is busy looks at nothing and uploads nothing
			poke(l.wake) // and it is now, or when the appliance is back
		}
	}
}
