package agent

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// rebootDue is a restart that an order permits, as the agent remembers it through everything: kills, restarts, failed patches.
type rebootDue struct {
	Order   string             `json:"order"`
	Policy  patch.RebootPolicy `json:"policy"`
	Window  patch.Window       `json:"window"`
	Since   time.Time          `json:"since"`
	At      time.Time          `json:"at,omitzero"`       // announced: not before this moment
	Put     patch.Number       `json:"put_off,omitempty"` // how often it was put off
	By      string             `json:"by,omitempty"`      // whom it was put off by last
	Until   time.Time          `json:"until,omitzero"`    // to then
	Told    int                `json:"told,omitempty"`    // minutes before At: the last of the countdown's warnings
	Ask     time.Time          `json:"ask,omitzero"`      // no leave from the appliance before
	Waits   string             `json:"waits,omitempty"`   // and why, as it said
	Boot    string             `json:"boot"`              // the boot that it ends
	Begun   time.Time          `json:"begun,omitzero"`    // the restart was begun
	Stopped string             `json:"stopped,omitempty"` // why it will not be tried again
}

// Bounds of restarts.
const (
	rebootReserve = 5 * time.Minute  // what a machine needs of its window to come back
	rebootTakes   = 10 * time.Minute // after which a restart that was begun and did not happen has failed
	rebootsADay   = 3                // the loop breaker
	rebootLook    = 5 * time.Second
	lastWarning   = time.Minute      // before a restart that comes later than it was announced
	justTold      = 30 * time.Second // an announcement is also the warning that would follow so soon

	ownerForbidsReboots = "the owner of this machine forbids reboots in its local policy file (no-reboot)"
)

// owes gives, at an order's end and whatever became of its items, the restart that it permits; what was due before stays due otherwise.
func (r *run) owes() *rebootDue {
	p := r.order.Reboot
	if p == nil || p.Mode == patch.RebootNever {
		return r.get().Reboot
	}
	done, tried := false, false
	for _, res := range r.journal.newest().Last {
		done, tried = done || res.State == patch.ExecDone, tried || res.State != patch.ExecWithdrawn
	}
	alone := slices.ContainsFunc(r.order.Items, func(i wire.OrderItem) bool { return i.Patch == patch.Restart })
	if !tried || (alone || p.Mode == patch.RebootForce) && !done { // what was taken back as a whole restarts nothing, nor a restart alone that failed
		return r.get().Reboot
	}
	return &rebootDue{Order: r.order.ID, Policy: *p, Window: r.order.Window, Since: r.clock(), Boot: r.cfg.Host.Boot()}
}

// takeRestart ends the item of an order that is for a restart alone. The restart itself is due once the order is closed, and is done when the machine comes
// from another boot.
func (r *run) takeRestart(item wire.OrderItem) error {
	failed := func(err error) error {
		f := failureOf(err)
		r.log.Warn("no restart", "cause", f.Cause, "text", f.Text)
		return r.result(item, patch.ExecFailed, func(res *wire.Result) { res.Cause, res.Text = f.Cause, f.Text })
	}
	policy := r.cfg.policy()
	if ok, word := policy.Deploys(); !ok {
		return failed(ownerForbids(word))
	} else if slices.Contains(policy.Words, PolicyNoReboot) {
		return failed(&host.Failure{Cause: patch.FailPolicy, Text: ownerForbidsReboots})
	}
	if why := r.closedNow(r.order); why != "" {
		return failed(&host.Failure{Cause: patch.FailWindow, Text: why})
	}
	if err := r.clockIsRight(); err != nil {
		return failed(err)
	}
	if r.order.Reboot.Mode != patch.RebootForce && !r.cfg.Host.Reboot().Owed {
		return r.result(item, patch.ExecWithdrawn, func(res *wire.Result) { res.Text = "no restart is owed any more" })
	}
	return r.result(item, patch.ExecDone, func(res *wire.Result) { res.RebootOwed = true })
}

// reboots brings a restart that is due to its end. While one is, it looks again and again: what is owed may be settled by others, windows open
// and close.
func (l *loop) reboots(ctx context.Context) error {
	wait := rebootLook
	if l.cfg.RebootLook > 0 {
		wait = l.cfg.RebootLook
	}
	said := ""
	for {
		if l.get().Reboot == nil {
			select {
			case <-ctx.Done():
				return nil
			case <-l.rebootDue:
			}
		}
		if sleep(ctx, wait) != nil {
			return nil
		}
		if l.get().Reboot == nil {
			continue
		}
		if err := l.rebootStep(ctx); err != nil && ctx.Err() == nil {
			l.log.Warn("cannot go on with a reboot", "err", err)
		}
		if text := l.rebootText(); text != said {
			said = text
			poke(l.wake) // the appliance says what a restart waits for as it is now, and not as it was a quarter of an hour ago
		}
	}
}

// rebootStep does the next thing about a restart that is due.
func (s *session) rebootStep(ctx context.Context) error {
	due := *s.get().Reboot
	now := s.clock()
	switch {
	case s.cfg.Host.Boot() != due.Boot:
		s.log.Info("the machine has rebooted", "order", due.Order, "by_us", !due.Begun.IsZero())
		return s.set(func(st *state) { st.Reboot = nil })
	case due.Stopped != "":
		return nil
	case !due.Begun.IsZero():
		if now.Sub(due.Begun) > rebootTakes {
			return s.due(func(d *rebootDue) { d.Stopped = "the machine was told to reboot and did not" })
		}
		return nil
	case due.Policy.Mode != patch.RebootForce && !s.cfg.Host.Reboot().Owed:
		return s.set(func(st *state) { st.Reboot = nil }) // it is not owed, or not any more
	}
	if s.rebootHindered(due, now) != "" {
		return nil
	}
	if answered, err := s.hear(due, now); answered || err != nil {
		return err
	}
	if now.Before(due.Until) {
		return nil
	}
	if due.At.IsZero() {
		return s.announce(due, now)
	}
	if now.Before(due.At) {
		return s.countDown(due, now)
	}
	return s.restart(ctx, due, now)
}

// due changes the restart that is due.
func (s *session) due(change func(*rebootDue)) error {
	return s.set(func(st *state) {
		if st.Reboot != nil {
			d := *st.Reboot
			change(&d)
			st.Reboot = &d
		}
	})
}

// rebootWaits says what a restart waits for; empty where it may go on.
func (s *session) rebootWaits(due rebootDue, now time.Time) string {
	if why := s.rebootHindered(due, now); why != "" || !now.Before(due.Until) {
		return why
	}
	until, latest := due.Until.UTC().Format("15:04 UTC"), clockText(due.latest())
	if due.By != "" {
		return fmt.Sprintf("put off until %s by %s (%d of %d); at the latest it comes at %s", until, due.By, due.Put, due.Policy.Snoozes, latest)
	}
	return fmt.Sprintf("put off until %s (%d of %d); at the latest it comes at %s", until, due.Put, due.Policy.Snoozes, latest)
}

// latest is when a restart that is asked for comes, whatever anybody answers.
func (due rebootDue) latest() time.Time {
	at := due.Policy.DeadlineOf(due.Since)
	if end := due.Window.NotAfter.Add(-rebootReserve); !due.Window.NotAfter.IsZero() && end.Before(at) {
		return end
	}
	return at
}

// rebootHindered says what a restart waits for that nobody at the machine has a say in; empty where nothing is.
func (s *session) rebootHindered(due rebootDue, now time.Time) string {
	w := due.Window
	switch {
	case due.Stopped != "":
		return due.Stopped
	case slices.Contains(s.cfg.policy().Words, PolicyNoReboot):
		return ownerForbidsReboots
	case !w.NotBefore.IsZero() && now.Before(w.NotBefore):
		return "its window begins only at " + clockText(w.NotBefore)
	case !w.NotAfter.IsZero() && now.Add(rebootReserve).After(w.NotAfter):
		return "its window is over; it stays owed until another plan restarts it, or somebody does"
	case s.loops(now):
		return fmt.Sprintf("Fettle restarted it %d times within a day and does not do so again before %s", rebootsADay, clockText(s.mayAgain(now)))
	case s.unfinishedOrder():
		return "an order is carried out"
	case s.busyWith() != "":
		return s.busyWith() + " changes packages on this machine"
	}
	return ""
}

// busyWith names another program that uses the package manager: a restart would cut it off in the middle.
func (s *session) busyWith() string {
	if shared, ok := s.cfg.Installer.(Shared); ok {
		if who, err := shared.Holder(); err == nil {
			return who
		}
	}
	return ""
}

// loops is the loop breaker: it counts restarts by us, over restarts.
func (s *session) loops(now time.Time) bool { return now.Before(s.mayAgain(now)) }

// mayAgain is when the loop breaker lets go.
func (s *session) mayAgain(now time.Time) time.Time {
	var day []time.Time // in which they were
	for _, at := range s.get().Reboots {
		if now.Sub(at) < 24*time.Hour {
			day = append(day, at)
		}
	}
	if len(day) < rebootsADay {
		return now
	}
	slices.SortFunc(day, time.Time.Compare)
	return day[len(day)-rebootsADay].Add(24 * time.Hour)
}

func (s *session) unfinishedOrder() bool {
	if s.journal == nil {
		return true // what was begun is not certain
	}
	c := s.journal.newest()
	return c != nil && !c.Closed
}

func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// callOff ends a restart that the appliance does not permit any more.
func (s *session) callOff(order, why string) error {
	called := false
	err := s.due(func(d *rebootDue) {
		if called = d.Order == order && d.Begun.IsZero(); called {
			d.Stopped = clip(why, 300)
		}
	})
	if called {
		s.log.Info("the restart was called off", "order", order, "text", why)
		s.cfg.Announce(s.cfg.Terminals(), "The restart was called off.")
	}
	return err
}

// restartStands asks, at a check-in, whether a restart that is due is still wanted: people are warned of it for hours, and the appliance is asked for leave only
// at the end.
func (s *session) restartStands(ctx context.Context) {
	due := s.get().Reboot
	if due == nil || due.Stopped != "" || !due.Begun.IsZero() {
		return
	}
	asked, stop := context.WithTimeout(ctx, standingTime)
	defer stop()
	var reply wire.StandingReply
	_, err := s.client().call(asked, wire.PathStanding, "", wire.Standing{Order: due.Order}, &reply)
	if err == nil && reply.CalledOff != "" {
		err = s.callOff(due.Order, reply.CalledOff)
	}
	if err != nil && ctx.Err() == nil && patch.KindOf(err) != patch.NotFound {
		s.log.Warn("cannot ask whether the restart is still wanted", "err", err)
	}
}

// restart asks the appliance for leave, writes down what it is about to do, and restarts the machine. How it went is told by the boot that follows.
func (s *session) restart(ctx context.Context, due rebootDue, now time.Time) error {
	if now.Before(due.Ask) {
		return nil
	}
	asked, stop := context.WithTimeout(ctx, answerTimeout)
	defer stop()
	var leave wire.RebootReply
	if _, err := s.client().call(asked, wire.PathReboot, "", wire.RebootRequest{Boot: due.Boot, Order: due.Order}, &leave); err != nil {
		return err // without the appliance nobody knows how many others restart now
	}
	if leave.Stop {
		return s.callOff(due.Order, leave.Text)
	}
	if !leave.Granted {
		wait := time.Duration(min(max(leave.RetryAfter, 1), 3600)) * time.Second
		s.log.Info("no leave to reboot yet", "text", leave.Text, "again_in", wait)
		if due.Waits == "" {
			s.cfg.Announce(s.cfg.Terminals(), "The restart does not come yet: it waits for the appliance's leave. It is announced again, a minute before it comes.")
		}
		return s.due(func(d *rebootDue) { d.Ask, d.Waits = now.Add(wait), clip(leave.Text, 300) })
	}
	if terminals := s.cfg.Terminals(); len(terminals) > 0 && now.Sub(due.At) > lastWarning && s.rebootHindered(due, now.Add(lastWarning)) == "" {
		s.cfg.Announce(terminals, "This machine restarts "+whenIs(now.Add(lastWarning), now)+s.whatFor()+". Save your work.")
		return s.due(func(d *rebootDue) { d.At, d.Told, d.Ask = now.Add(lastWarning), warning(lastWarning), time.Time{} })
	}
	overtaken := false // meanwhile, by an answer or by an order
	err := s.set(func(st *state) {
		if overtaken = st.Reboot == nil || st.Reboot.Put != due.Put || s.unfinishedOrder(); overtaken {
			return
		}
		d := *st.Reboot
		d.Begun = now
		st.Reboot = &d
		st.Reboots = append(slices.DeleteFunc(slices.Clone(st.Reboots), func(t time.Time) bool { return now.Sub(t) > 24*time.Hour }), now)
	})
	if err != nil || overtaken {
		return err
	}
	s.log.Info("the machine reboots", "order", due.Order, "boot", due.Boot)
	if err := s.cfg.Restart(ctx); err != nil && ctx.Err() == nil { // an agent that is being stopped may be so by this very restart
		return s.due(func(d *rebootDue) {
			d.Stopped = "the machine did not take the order to reboot: " + clip(err.Error(), 300)
		})
	}
	return nil
}

// rebootText says how far a restart is, for check-ins and status; empty where none is due.
func (s *session) rebootText() string {
	due := s.get().Reboot
	if due == nil || due.Boot != s.cfg.Host.Boot() { // it has happened
		return ""
	}
	now := s.clock()
	if due.Stopped != "" {
		return "reboot is not made: " + due.Stopped
	}
	if why := s.rebootWaits(*due, now); why != "" {
		return "reboot waits: " + why
	}
	switch {
	case !due.Begun.IsZero():
		return "reboot under way"
	case now.Before(due.At) && due.Policy.Mode == patch.RebootAsk:
		return fmt.Sprintf("reboot announced for %s, and whoever works there is asked (put off %d of %d times)", clockText(due.At), due.Put, due.Policy.Snoozes)
	case now.Before(due.At):
		return "reboot announced for " + clockText(due.At)
	case now.Before(due.Ask) && due.Waits != "":
		return "reboot waits: " + due.Waits
	case now.Before(due.Ask):
		return "reboot waits for its turn among other machines"
	}
	return "reboot due"
}
