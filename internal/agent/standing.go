package agent

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// An order is good until its window ends, whoever cuts the machine off: the agent carries it out without the appliance. As long as it
// can reach it, though, it asks what of the order still stands, at every contact and right before it installs, and a halt reaches it
// there. Items that ask first wait until the appliance has answered. The appliance can take back here, and nothing else.

const (
	fresh        = time.Minute      // for so long an answer, or that there was none, is good
	standingTime = 20 * time.Second // how long an answer is waited for; then the appliance is away
)

// answered is the newest answer about the order that is held.
type answered struct {
	order string
	at    time.Time
	err   error
}

// confirm asks what of the newest order stands, unless that was asked a moment ago. Without an error the appliance has answered.
func (s *session) confirm(ctx context.Context) error {
	c := s.journal.newest()
	s.mu.Lock()
	last := s.answer
	s.mu.Unlock()
	if c == nil || last.order == c.Order.ID && s.cfg.Now().Sub(last.at).Abs() < fresh {
		return last.err
	}
	return s.askStanding(ctx)
}

// askStanding asks, and ends what was taken back and has not begun.
func (s *session) askStanding(ctx context.Context) error {
	c := s.journal.newest()
	if c == nil || c.Closed {
		return nil
	}
	asked, stop := context.WithTimeout(ctx, standingTime)
	defer stop()
	var reply wire.StandingReply
	_, err := s.client().call(asked, wire.PathStanding, "", wire.Standing{Order: c.Order.ID}, &reply)
	if err == nil {
		err = errors.Join(s.hearTime(reply.Now), s.takeBack(c.Order.ID, reply.Withdrawn))
	}
	s.stands(c.Order.ID, err)
	return err
}

// hearTime notes what time it is by the appliance's clock, where this machine's own was set since the newest check-in.
func (s *session) hearTime(now time.Time) error {
	next, own := s.get(), s.cfg.Now().UTC()
	next.hear(now, own)
	if off := next.Skew - s.get().Skew; max(off, -off) < int(fresh.Seconds()) {
		return nil
	}
	return s.set(func(st *state) { st.hear(now, own) })
}

// stands keeps what the appliance answered about an order.
func (s *session) stands(order string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.answer = answered{order, s.cfg.Now(), err}
}

func (s *session) takeBack(order string, attempts []string) error {
	for _, a := range attempts {
		did, err := s.journal.withdraw(wire.Result{Order: order, Attempt: a, At: s.cfg.Now().UTC(), Boot: s.cfg.Host.Boot(), State: patch.ExecWithdrawn,
			Text: "the appliance took it back before it began"})
		if err != nil {
			return err
		}
		if did {
			s.log.Info("an item was taken back before it began", "order", order, "attempt", a)
		}
		s.mu.Lock()
		if stop := s.fetching[a]; did && stop != nil {
			stop()
		}
		s.mu.Unlock()
	}
	return nil
}

// held says whether an item has to wait for the appliance's word.
func (r *run) held(ctx context.Context, item wire.OrderItem) bool {
	err := r.confirm(ctx)
	if err == nil || !item.AskFirst || r.closedNow(r.order) != "" || r.ended(item) {
		return false
	}
	r.log.Info("an item waits for the appliance's word", "patch", item.Patch, "err", err)
	return true
}

// mayBegin says whether there is an item that need not wait; without one nothing is begun at all.
func (r *run) mayBegin(ctx context.Context) bool {
	open := r.open()
	return len(open) == 0 || slices.ContainsFunc(open, func(item wire.OrderItem) bool { return !r.held(ctx, item) })
}

// whileWanted gives a context that ends when an attempt is taken back.
func (s *session) whileWanted(ctx context.Context, attempt string) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fetching == nil {
		s.fetching = map[string]func(){}
	}
	s.fetching[attempt] = cancel
	return ctx, func() {
		cancel()
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.fetching, attempt)
	}
}

// reconsider is what a check-in does about an order that is held: what was taken back meanwhile ends, and the worker goes on with the rest.
func (l *loop) reconsider(ctx context.Context, reply wire.CheckinReply) {
	if reply.State != patch.Admitted || !l.unfinished() {
		return
	}
	before := len(l.left())
	if err := l.askStanding(ctx); err != nil && ctx.Err() == nil {
		l.log.Warn("cannot ask what of the order still stands", "err", err)
	}
	if len(l.left()) < before {
		l.ask(task{order: true})
	}
}

// left lists the items of the newest order without an outcome.
func (s *session) left() []wire.OrderItem {
	c := s.journal.newest()
	if c == nil {
		return nil
	}
	var out []wire.OrderItem
	for _, item := range c.Order.Items {
		if _, ended := c.outcome(item.Attempt); !ended {
			out = append(out, item)
		}
	}
	return out
}

// ahead fetches what an order needs whose window is still to come, so that no connection is needed when it opens. It says whether all is here.
func (s *session) ahead(ctx context.Context) bool {
	defer s.doing("")
	r := &run{session: s, order: s.journal.newest().Order}
	items := s.left()
	err := s.room(items)
	if f := (*host.Failure)(nil); errors.As(err, &f) {
		s.lacksNow(f.Text)
	} else {
		s.lacksNow("")
	}
	for _, item := range items {
		if err == nil {
			s.doing("fetching " + string(item.Patch) + " ahead of its window")
			err = r.bring(ctx, item, nil)
		}
	}
	if err != nil {
		if ctx.Err() == nil {
			s.log.Info("not everything is here ahead of the window; it is tried again", "order", r.order.ID, "err", err)
		}
		return false
	}
	if facts, err := s.cfg.Host.Facts(ctx); err == nil {
		r.vouch(ctx, facts, items) // what does not verify fails when the window is open
	}
	return true
}
