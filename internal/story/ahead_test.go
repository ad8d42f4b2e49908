package story_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/calendar"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// early is a site whose nightly schedule plans an hour before its window, at half past nine, with the order that its machine holds.
func early(t *testing.T) (*site, *box, *calendar.Desk, wire.Order) {
	t.Helper()
	s, b := ready(t, perl, curl)
	c := s.calendar()
	c.Ahead = time.Hour
	s.hand("desks", b.id)
	s.schedule(c, patch.Schedule{Name: "nightly", Label: "desks", Window: "daily 22:00-04:00"})
	s.until(20)
	s.later(59 * time.Minute)
	b.detect()
	s.must(c.Act(t.Context()))
	if n := len(s.attempts(patch.AttemptFilter{})); n != 0 {
		t.Fatalf("%d attempts more than an hour before the window", n)
	}
	s.later(31 * time.Minute)
	for range 5 {
		s.must(c.Act(t.Context()))
		s.later(time.Minute)
	}
	b.checkin()
	o, ok := b.order()
	if !ok || len(o.Items) != 2 || o.Window.NotBefore.Hour() != 22 || o.Window.NotAfter.Hour() != 4 {
		t.Fatalf("%v %+v", ok, o)
	}
	return s, b, c, o
}

// A machine that is away when a window opens acts inside it by the order that it holds, and reports when it is back.
func TestAScheduleHandsItsOrdersOutAheadOfTheWindow(t *testing.T) {
	s, b, c, o := early(t)
	if text := s.explain(b, perl).Answer.Sentence.String(); !strings.Contains(text, "the order was handed over today 21:3") || !strings.Contains(text, "and begins today 22:00") {
		t.Errorf("explain says %q", text)
	}
	why, err := s.deploy.Explain(t.Context(), o.Deployment)
	s.must(err)
	if len(why.Groups) != 1 || why.Groups[0].Code != "order-held" || why.NextAt.Hour() != 22 || !strings.Contains(why.Groups[0].Text.String(), "connected or not") {
		t.Errorf("the deployment waits for %+v", why.Groups)
	}
	for range 40 { // it is away; the appliance goes on
		s.later(time.Minute)
		s.must(c.Act(t.Context()))
		s.must(s.deploy.Sweep(t.Context()))
	}
	if n := len(s.attempts(patch.AttemptFilter{})); n != 2 {
		t.Fatalf("%d attempts for 2 patches", n)
	}
	for _, item := range o.Items { // what it did meanwhile, told late and in order
		b.report(o, item, patch.ExecInstalling, "")
		for _, p := range item.Packages {
			b.set(p.Name + "=" + p.Version)
		}
		b.report(o, item, patch.ExecDone, "")
	}
	b.detectFor(o.ID)
	for _, a := range s.attempts(patch.AttemptFilter{}) {
		if a.State != patch.ExecDone || a.Effect != patch.EffectVerified {
			t.Errorf("%s: %s %s", a.Patch, a.State, a.Effect)
		}
	}
}

// What changes between the order and its window reaches the machine that holds it.
func TestWhatReachesAnOrderThatASchedulePlannedAhead(t *testing.T) {
	nightly := patch.Schedule{Name: "nightly", Label: "desks", Window: "daily 22:00-04:00"}
	with := func(change func(*patch.Schedule)) func(*site, *box, *calendar.Desk, wire.Order) {
		return func(s *site, _ *box, c *calendar.Desk, _ wire.Order) {
			v := nightly
			change(&v)
			s.schedule(c, v)
		}
	}
	for name, x := range map[string]struct {
		change func(*site, *box, *calendar.Desk, wire.Order)
		gone   int // of two items
		acts   bool
	}{
		"nothing":         {func(*site, *box, *calendar.Desk, wire.Order) {}, 0, true},
		"a decline":       {func(s *site, _ *box, _ *calendar.Desk, _ wire.Order) { s.decide(patch.Decline, "all", curl) }, 1, false},
		"a hold":          {func(s *site, _ *box, _ *calendar.Desk, _ wire.Order) { s.decide(patch.Hold, "all", perl, curl) }, 2, false},
		"another note":    {with(func(v *patch.Schedule) { v.Note = "the round" }), 0, true},
		"a pause":         {with(func(v *patch.Schedule) { v.Paused = true }), 2, false},
		"another window":  {with(func(v *patch.Schedule) { v.Window = "daily 23:00-04:00" }), 2, false},
		"another end":     {with(func(v *patch.Schedule) { v.Window = "daily 22:00-03:00" }), 2, false},
		"another label":   {with(func(v *patch.Schedule) { v.Label = "all" }), 2, false},
		"a hook":          {with(func(v *patch.Schedule) { v.Manner = &patch.Manner{Before: []string{"drain"}} }), 2, false},
		"another restart": {with(func(v *patch.Schedule) { v.Reboot = &patch.RebootPolicy{Mode: patch.RebootForce} }), 2, false},
		"only detects":    {with(func(v *patch.Schedule) { v.Detect = true }), 2, false},
		"its removal":     {func(s *site, _ *box, c *calendar.Desk, _ wire.Order) { s.must(c.Remove(s.ctx(), s.admin, "nightly")) }, 2, false},
		"a machine leaves the label": {func(s *site, _ *box, c *calendar.Desk, _ wire.Order) {
			s.hand("desks")
			s.must(c.Act(s.ctx()))
		}, 2, false},
		"a halt": {func(s *site, _ *box, _ *calendar.Desk, o wire.Order) {
			_, err := s.deploy.Halt(s.ctx(), s.admin, o.Deployment)
			s.must(err)
		}, 2, false},
		"a freeze": {func(s *site, _ *box, _ *calendar.Desk, _ wire.Order) {
			day := s.now.Format(time.DateOnly)
			s.freeze("books", day+" 21:50", day+" 23:00", "")
		}, 2, false},
	} {
		t.Run(name, func(t *testing.T) {
			s, b, c, o := early(t)
			x.change(s, b, c, o)
			gone, err := s.deploy.Standing(t.Context(), b.id, o.ID)
			s.must(err)
			if len(gone) != x.gone {
				t.Errorf("%d of 2 were taken back", len(gone))
			}
			if !x.acts {
				return
			}
			s.until(22)
			again, ok := b.order()
			if !ok || again.ID != o.ID {
				t.Errorf("%v: the order is another one", ok)
			}
		})
	}
}

// A person who halts what a schedule deploys halts it for its window: it is not planned anew ten minutes later. The next window comes.
func TestAHaltedWindowStaysHalted(t *testing.T) {
	s, b, c, o := early(t)
	_, err := s.deploy.Halt(t.Context(), s.admin, o.Deployment)
	s.must(err)
	for range 12 * 6 {
		s.later(5 * time.Minute)
		s.must(c.Act(t.Context()))
	}
	if n := len(s.attempts(patch.AttemptFilter{Open: true})); n != 0 {
		t.Errorf("%d attempts in the window that was halted", n)
	}
	s.until(20)
	b.detect()
	s.until(22)
	s.must(c.Act(t.Context()))
	if n := len(s.attempts(patch.AttemptFilter{Open: true})); n != 2 {
		t.Errorf("%d attempts in the next one", n)
	}
}

// A schedule that is changed while a machine holds its order hands out another one, for the window as it is now.
func TestAChangedScheduleIsPlannedAnew(t *testing.T) {
	s, b, c, o := early(t)
	manner := &patch.Manner{Before: []string{"drain"}}
	s.schedule(c, patch.Schedule{Name: "nightly", Label: "desks", Window: "daily 22:00-04:00", Manner: manner})
	s.later(11 * time.Minute)
	s.must(c.Act(t.Context()))
	b.checkin()
	next, ok := b.order()
	if !ok || next.ID == o.ID || next.Number <= o.Number || next.Manner == nil || !slices.Equal(next.Manner.Before, manner.Before) || len(next.Items) != 2 {
		t.Errorf("%v %+v", ok, next)
	}
}
