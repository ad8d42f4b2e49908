package story_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/plan"
)

// An order goes out an hour before its window, so that a machine which is cut off by then can carry it out; until then it can be taken back.
func TestAnOrderGoesOutAheadOfItsWindow(t *testing.T) {
	s, b := ready(t, perl, curl)
	tonight := patch.Window{NotBefore: s.now.Add(3 * time.Hour), NotAfter: s.now.Add(9 * time.Hour)}
	p, err := s.planner.Make(t.Context(), s.admin, plan.Request{Label: "all", Window: tonight})
	s.must(err)
	dep, err := s.deploy.Apply(t.Context(), s.admin, p)
	s.must(err)
	for _, c := range []struct {
		later time.Duration
		want  bool
	}{{0, false}, {time.Hour, false}, {time.Hour + time.Minute, true}} {
		s.later(c.later)
		b.checkin()
		if _, ok := b.order(); ok != c.want {
			t.Fatalf("%s before the window: an order %v", tonight.NotBefore.Sub(s.now), ok)
		}
	}
	o, _ := b.order()
	if !o.Window.NotBefore.Equal(tonight.NotBefore) || o.Items[0].AskFirst {
		t.Errorf("%+v", o.Window)
	}
	stands := func(want ...patch.ID) {
		t.Helper()
		gone, err := s.deploy.Standing(t.Context(), b.id, o.ID)
		s.must(err)
		var got []patch.ID
		for _, item := range o.Items {
			for _, id := range gone {
				if id == item.Attempt {
					got = append(got, item.Patch)
				}
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Error(d)
		}
	}
	stands()
	s.decide(patch.Decline, "all", curl) // a decision reaches it as a halt does
	stands(curl)
	if _, err := s.deploy.Halt(t.Context(), s.admin, dep.ID); err != nil {
		t.Fatal(err)
	}
	gone, err := s.deploy.Standing(t.Context(), b.id, o.ID)
	s.must(err)
	if len(gone) != 2 {
		t.Errorf("%d of 2 were taken back", len(gone))
	}
	if _, err := s.deploy.Standing(t.Context(), "another", o.ID); patch.KindOf(err) != patch.NotFound {
		t.Errorf("another machine's order: %v", err)
	}
}

// What has begun is never taken back, whatever is halted.
func TestWhatHasBegunStands(t *testing.T) {
	s, b := ready(t, perl, curl)
	dep := s.roll()
	o, _ := b.order()
	b.report(o, o.Items[0], patch.ExecInstalling, "")
	b.report(o, o.Items[1], patch.ExecDownloading, "")
	_, err := s.deploy.Halt(t.Context(), s.admin, dep.ID)
	s.must(err)
	gone, err := s.deploy.Standing(t.Context(), b.id, o.ID)
	s.must(err)
	if d := cmp.Diff([]string{o.Items[1].Attempt}, gone); d != "" {
		t.Error(d)
	}
}

// A patch that a ring is still trying goes out at its time only, and is not begun without a word from the appliance.
func TestWhatIsBeingTriedAsksFirst(t *testing.T) {
	s, _, canary, early, rest := ringed(t, nil)
	s.step()
	o, ok := canary[0].order()
	if !ok || !o.Items[0].AskFirst {
		t.Fatalf("a canary's order: %v %+v", ok, o.Items)
	}
	for _, b := range canary {
		b.work()
	}
	comeBack(canary)
	s.step()
	s.hours(26, canary, early, rest)
	for _, b := range early {
		b.work()
	}
	s.hours(26, canary, early, rest)
	if o, ok := rest[0].order(); !ok || o.Items[0].AskFirst {
		t.Errorf("after all rings: %v %+v", ok, o.Items)
	}
}

// What waits for rings that soak for longer than anything else may wait is not given up for that.
func TestPatienceOutlastsTheRings(t *testing.T) {
	s, _, canary, early, rest := ringed(t, func(r *patch.Ring) { r.Soak = patch.Span(6 * 24 * time.Hour) })
	s.step()
	for _, b := range canary {
		b.work()
	}
	comeBack(canary)
	s.step()
	for range 9 {
		s.later(24 * time.Hour)
		for _, b := range append(append(canary, early...), rest...) {
			b.later(time.Second)
			b.checkin()
			b.detect()
		}
		s.step()
		s.must(s.deploy.Sweep(t.Context()))
		for _, b := range early {
			b.work()
		}
	}
	for _, a := range s.attempts(patch.AttemptFilter{Machine: rest[0].id}) {
		if a.State != patch.ExecWaiting {
			t.Errorf("after nine days of rings: %s, %s", a.State, a.Text)
		}
	}
	s.later(30 * 24 * time.Hour)
	s.must(s.deploy.Sweep(t.Context()))
	if a := s.attempts(patch.AttemptFilter{Machine: rest[0].id})[0]; a.State != patch.ExecWithdrawn {
		t.Errorf("after forty days: %s", a.State)
	}
}
