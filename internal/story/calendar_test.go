package story_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/calendar"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/plan"
)

func (s *site) calendar() *calendar.Desk {
	return &calendar.Desk{Store: s.store, Blackouts: s.store, Labels: s.book, Machines: s.store, Deploy: s.deploy, Deployments: s.store, Zone: time.UTC, Now: func() time.Time { return s.now }, Log: slog.New(slog.DiscardHandler),
		Plan: func(ctx context.Context, caller patch.Caller, of calendar.Scope, w patch.Window) (patch.Plan, error) {
			return s.planner.Make(ctx, caller, plan.Request{Label: of.Label, Machines: of.Machines, Window: w, Reboot: of.Reboot, Manner: of.Manner})
		}}
}

// until moves the clock to the next time that it shows hour o'clock.
func (s *site) until(hour int) {
	next := time.Date(s.now.Year(), s.now.Month(), s.now.Day(), hour, 0, 0, 0, time.UTC)
	if !next.After(s.now) {
		next = next.AddDate(0, 0, 1)
	}
	s.later(next.Sub(s.now))
}

func (s *site) schedule(c *calendar.Desk, v patch.Schedule) {
	s.t.Helper()
	_, err := c.Put(s.ctx(), s.admin, v)
	s.must(err)
}

func TestScheduleDeploysWhenItsWindowOpensAndNotBefore(t *testing.T) {
	s, b := ready(t, perl)
	c := s.calendar()
	s.until(12)
	b.detect()
	s.schedule(c, patch.Schedule{Name: "nightly", Label: "all", Window: "daily 22:00-04:00"})
	s.must(c.Act(t.Context()))
	if n := len(s.attempts(patch.AttemptFilter{})); n != 0 {
		t.Fatalf("%d attempts ten hours before the window", n)
	}
	ex := s.explain(b, perl).Answer
	if !ex.Deployable || ex.Next.String() != "the schedule nightly installs it" || ex.NextAt.UTC().Hour() != 22 || ex.Actor != gate.Appliance {
		t.Errorf("deployable %t, next %q at %v by %q", ex.Deployable, ex.Next, ex.NextAt, ex.Actor)
	}
	if w := ex.Gate(gate.Window); !strings.Contains(w.Text.String(), "the schedule nightly opens") {
		t.Errorf("the window gate says %q", w.Text)
	}
	s.until(22)
	b.checkin()
	s.must(c.Act(t.Context()))
	if !b.work() || b.has("perl-base") != "5.36.0-7+deb12u4" {
		t.Fatalf("perl-base is at %s", b.has("perl-base"))
	}
	all, err := s.store.ListDeployments(t.Context(), 10)
	s.must(err)
	if len(all) != 1 || all[0].By != "schedule nightly" || all[0].Plan.Window.NotAfter.Hour() != 4 {
		t.Errorf("%+v", all)
	}
	// What is approved while the window is open comes with it; what nobody approved does not.
	s.decide(patch.Approve, "all", curl)
	s.later(11 * time.Minute)
	b.checkin()
	s.must(c.Act(t.Context()))
	if !b.work() || b.work() || len(b.installed) != 3 {
		t.Errorf("installed %v", b.installed)
	}
}

func TestScheduleActsOnceForAWindowThatHasNothingNew(t *testing.T) {
	s, b := ready(t, perl)
	c := s.calendar()
	s.until(22)
	b.detect()
	s.schedule(c, patch.Schedule{Name: "nightly", Label: "all", Window: "every day 22:00-04:00"})
	for range 30 {
		s.must(c.Act(t.Context()))
		s.must(s.calendar().Act(t.Context())) // another appliance on the same store
		s.later(time.Minute)
	}
	if n := len(s.attempts(patch.AttemptFilter{})); n != 1 {
		t.Errorf("%d attempts", n)
	}
}

// An appliance whose clock was ahead for a while acts again when it is put right, and not only when that time has come.
func TestSchedulesActAfterAClockWasAhead(t *testing.T) {
	s, b := ready(t, perl)
	c := s.calendar()
	s.until(22)
	b.detect()
	s.schedule(c, patch.Schedule{Name: "nightly", Label: "all", Window: "every day 22:00-04:00"})
	right := s.now
	s.later(365 * 24 * time.Hour)
	s.must(c.Act(t.Context()))
	if n := len(s.attempts(patch.AttemptFilter{})); n != 0 {
		t.Fatalf("%d attempts by a detect of last year", n)
	}
	s.now = right
	s.must(c.Act(t.Context()))
	if !b.work() {
		t.Error("nothing is deployed until the time comes that the clock once showed")
	}
}

func TestScheduleDoesNotActWhere(t *testing.T) {
	for name, change := range map[string]func(*site, *calendar.Desk){
		"it is paused": func(s *site, c *calendar.Desk) {
			s.schedule(c, patch.Schedule{Name: "nightly", Label: "all", Window: "every day 22:00-04:00", Paused: true})
		},
		"its label is gone": func(s *site, c *calendar.Desk) {
			s.must(s.book.Put(s.ctx(), s.admin, patch.Label{Name: "few", Members: []patch.MachineID{"id-web-1"}, CreatedAt: s.now}))
			s.schedule(c, patch.Schedule{Name: "nightly", Label: "few", Window: "every day 22:00-04:00"})
			s.must(s.book.Remove(s.ctx(), s.admin, "few"))
		},
		"the day is excepted": func(s *site, c *calendar.Desk) {
			s.schedule(c, patch.Schedule{Name: "nightly", Label: "all", Window: "every day 22:00-04:00 except " + s.now.Format(time.DateOnly)})
		},
		"the window is about to end": func(s *site, c *calendar.Desk) {
			s.schedule(c, patch.Schedule{Name: "nightly", Label: "all", Window: "every day 20:00-22:04"})
		},
		"it was removed": func(s *site, c *calendar.Desk) {
			s.schedule(c, patch.Schedule{Name: "nightly", Label: "all", Window: "every day 22:00-04:00"})
			s.must(c.Remove(s.ctx(), s.admin, "nightly"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, b := ready(t, perl)
			c := s.calendar()
			s.until(22)
			b.detect()
			change(s, c)
			s.must(c.Act(t.Context()))
			if n := len(s.attempts(patch.AttemptFilter{})); n != 0 {
				t.Errorf("%d attempts", n)
			}
			if w := s.explain(b, perl).Answer.Gate(gate.Window); name != "the window is about to end" && name != "the day is excepted" && !strings.Contains(w.Text.String(), "no window is set") {
				t.Errorf("the window gate says %q", w.Text)
			}
		})
	}
}

func TestCalendarListsWindowsToCome(t *testing.T) {
	s, _ := ready(t)
	c := s.calendar()
	s.schedule(c, patch.Schedule{Name: "weekly", Label: "all", Window: "sunday 02:00-06:00"})
	s.schedule(c, patch.Schedule{Name: "nightly", Label: "all", Window: "every day 22:00-04:00"})
	s.schedule(c, patch.Schedule{Name: "off", Label: "all", Window: "every day 10:00-11:00", Paused: true})
	got, err := c.Between(t.Context(), s.now, s.now.AddDate(0, 0, 14))
	s.must(err)
	counts := map[string]int{}
	for i, e := range got {
		counts[e.Schedule]++
		if e.Machines != 1 || i > 0 && e.Start.Before(got[i-1].Start) {
			t.Errorf("%+v", e)
		}
	}
	if counts["weekly"] != 2 || counts["nightly"] < 14 || counts["off"] != 0 {
		t.Errorf("%v", counts)
	}
}

func TestSchedulesThatCannotBeAreRefused(t *testing.T) {
	s, _ := ready(t)
	c := s.calendar()
	for why, v := range map[string]patch.Schedule{
		"its name must be":     {Name: "Every Night", Label: "all", Window: "every day 22:00-04:00"},
		"no label is called":   {Name: "x", Label: "nobody", Window: "every day 22:00-04:00"},
		"cannot read the":      {Name: "x", Label: "all", Window: "sometimes"},
		"its window never ope": {Name: "x", Label: "all", Window: "every day 22:00-04:00 except 2020-01-01..2099-12-31"},
	} {
		if _, err := c.Put(t.Context(), s.admin, v); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%+v: %v", v, err)
		}
	}
}

func TestAScheduleRestartsByItsOwnPolicy(t *testing.T) {
	s, b := ready(t, perl)
	c := s.calendar()
	s.until(12)
	s.schedule(c, patch.Schedule{Name: "nightly", Label: "all", Window: "daily 22:00-04:00", Reboot: &patch.RebootPolicy{Mode: patch.RebootAsk, Deadline: 120}})
	for _, bad := range []patch.Schedule{{Name: "x", Label: "all", Window: "daily 1:00-2:00", Reboot: &patch.RebootPolicy{Mode: "sometimes"}},
		{Name: "x", Label: "all", Window: "daily 1:00-2:00", Detect: true, Reboot: &patch.RebootPolicy{Mode: patch.RebootForce}}} {
		if _, err := c.Put(t.Context(), s.admin, bad); patch.KindOf(err) != patch.Invalid {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	s.until(22)
	b.checkin()
	b.detect()
	s.must(c.Act(t.Context()))
	if o, ok := b.order(); !ok || o.Reboot == nil || o.Reboot.Mode != patch.RebootAsk || o.Reboot.Deadline != 120 {
		t.Errorf("%v %+v", ok, o.Reboot)
	}
}

// A schedule's orders carry its manner as those of a deployment by hand do, and the calendar says so for every window.
func TestScheduleCarriesItsManner(t *testing.T) {
	s, b := ready(t, perl)
	c := s.calendar()
	s.until(12)
	b.detect()
	manner := &patch.Manner{Before: []string{"drain"}, After: []string{"fill"}, Blockers: []string{"backup"}, Services: []string{"nginx.service"}}
	s.schedule(c, patch.Schedule{Name: "nightly", Label: "all", Window: "daily 22:00-04:00", Manner: manner})
	events, err := c.Between(t.Context(), s.now, s.now.AddDate(0, 0, 3))
	s.must(err)
	for _, e := range events {
		if diff := cmp.Diff(manner, e.Manner); diff != "" {
			t.Errorf("the calendar says of %v: %s", e.Start, diff)
		}
	}
	if len(events) != 3 {
		t.Errorf("%d events", len(events))
	}
	s.until(22)
	b.checkin()
	s.must(c.Act(t.Context()))
	o, ok := b.order()
	if !ok {
		t.Fatal("no order")
	}
	if diff := cmp.Diff(manner, o.Manner); diff != "" {
		t.Error(diff)
	}
	for why, v := range map[string]patch.Schedule{
		"a detect has a manner":     {Name: "x", Label: "all", Window: "daily 22:00-04:00", Detect: true, Manner: manner},
		"a hook is a path":          {Name: "x", Label: "all", Window: "daily 22:00-04:00", Manner: &patch.Manner{Before: []string{"/bin/sh"}}},
		"a service takes all along": {Name: "x", Label: "all", Window: "daily 22:00-04:00", Manner: &patch.Manner{Services: []string{"dbus.service"}}},
	} {
		if _, err := c.Put(s.ctx(), s.admin, v); patch.KindOf(err) != patch.Invalid {
			t.Errorf("%s: %v", why, err)
		}
	}
}
