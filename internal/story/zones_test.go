package story_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
)

// clockAt moves the clock forward to a moment.
func (s *site) clockAt(day, hour, minute int) {
	s.t.Helper()
	to := time.Date(2026, 11, day, hour, minute, 0, 0, time.UTC)
	if to.Before(s.now) {
		s.t.Fatalf("it is %v already", s.now)
	}
	s.now = to
}

func TestWindowsInEachMachinesOwnTimeZone(t *testing.T) {
	s, berlin := ready(t, curl)
	york, nowhere := s.enrol("york", bookworm, "curl=7.88.1-10"), s.enrol("nowhere", bookworm, "curl=7.88.1-10")
	s.must(s.store.PutZone(t.Context(), berlin.id, "Europe/Berlin"))
	s.must(s.store.PutZone(t.Context(), york.id, "America/New_York"))
	c := s.calendar()
	s.schedule(c, patch.Schedule{Name: "night", Label: "all", Window: "daily 01:00-03:00 machine"})
	detects := func() {
		for _, b := range []*box{berlin, york, nowhere} {
			b.detect()
		}
	}
	detects()
	for b, want := range map[*box]int{berlin: 0, york: 6, nowhere: 1} {
		if a := s.explain(b, curl).Answer; a.NextAt.UTC().Hour() != want {
			t.Errorf("%s: next at %v", b.name, a.NextAt.UTC())
		}
	}
	if text := s.explain(nowhere, curl).Answer.Gate(gate.Window).Text; !strings.Contains(text.String(), "the machine's own is not known") {
		t.Errorf("%q", text)
	}
	list, err := c.List(t.Context())
	s.must(err)
	if !list[0].OfMachine || list[0].Zoneless != 1 {
		t.Errorf("%+v", list[0])
	}
	events, err := c.Between(t.Context(), s.now, s.now.AddDate(0, 0, 1))
	s.must(err)
	var when []string
	for _, e := range events {
		when = append(when, fmt.Sprint(e.Zone, " ", e.Start.UTC().Hour(), " ", e.Machines))
	}
	if !slices.Equal(when, []string{"Europe/Berlin 0 1", "UTC 1 1", "America/New_York 6 1"}) {
		t.Errorf("%v", when)
	}
	worked := func() (names []string) {
		s.must(c.Act(t.Context()))
		for _, b := range []*box{berlin, york, nowhere} {
			if b.work() {
				names = append(names, b.name)
			}
		}
		return names
	}
	for _, at := range []struct {
		hour, minute int
		want         []string
	}{{0, 30, []string{berlin.name}}, {1, 30, []string{"nowhere"}}, {4, 0, nil}, {6, 30, []string{"york"}}} {
		s.clockAt(25, at.hour, at.minute)
		detects()
		if got := worked(); !slices.Equal(got, at.want) {
			t.Errorf("at %02d:%02d: %v", at.hour, at.minute, got)
		}
	}
}

func TestMissedWindowIsMadeUpFor(t *testing.T) {
	for name, c := range map[string]struct {
		catchUp          int
		seen, back, then [2]int // hour and minute: last seen before, back again on the next day, and when the schedule is looked at
		deploys          bool
	}{
		"away for all of it, back in time": {8, [2]int{21, 0}, [2]int{6, 0}, [2]int{6, 5}, true},
		"back too late":                    {2, [2]int{21, 0}, [2]int{6, 0}, [2]int{6, 5}, false},
		"no catching up":                   {0, [2]int{21, 0}, [2]int{6, 0}, [2]int{6, 5}, false},
		"it was there when it opened":      {8, [2]int{22, 10}, [2]int{6, 0}, [2]int{6, 5}, false},
		"back before it closed":            {8, [2]int{21, 0}, [2]int{3, 0}, [2]int{6, 5}, false},
		"looked at too late":               {8, [2]int{21, 0}, [2]int{6, 0}, [2]int{12, 1}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s, b := ready(t, curl)
			d := s.calendar()
			s.schedule(d, patch.Schedule{Name: "nightly", Label: "all", Window: "daily 22:00-04:00", CatchUp: c.catchUp})
			s.clockAt(24, c.seen[0], c.seen[1])
			b.detect()
			s.clockAt(25, c.back[0], c.back[1])
			b.detect()
			s.clockAt(25, c.then[0], c.then[1])
			text := s.explain(b, curl).Answer.Gate(gate.Window).Text
			if strings.Contains(text.String(), "away for all of the window of the schedule nightly, which makes up for it until today 12:00") != c.deploys {
				t.Errorf("explain says %q", text)
			}
			s.must(d.Act(t.Context()))
			if got := b.work(); got != c.deploys {
				t.Fatalf("deployed: %v", got)
			}
			if !c.deploys {
				return
			}
			all, err := s.store.ListDeployments(t.Context(), 1)
			s.must(err)
			if w := all[0].Plan.Window; !w.NotAfter.Equal(time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)) || all[0].By != "schedule nightly" {
				t.Errorf("%+v by %s", w, all[0].By)
			}
		})
	}
}

func TestScheduleThatDetects(t *testing.T) {
	s, b := ready(t, curl)
	other := s.enrol("web-2", bookworm)
	c := s.calendar()
	var asked []string
	c.AskDetect = func(_ context.Context, id patch.MachineID, since time.Time) error {
		asked = append(asked, fmt.Sprint(id, " ", since.UTC().Format("15:04")))
		return nil
	}
	s.schedule(c, patch.Schedule{Name: "morning", Label: "all", Window: "daily 06:00-08:00", Detect: true})
	if a := s.explain(b, curl).Answer; a.Next.String() != "the next deployment installs it" {
		t.Errorf("a schedule that only detects deploys: %q", a.Next)
	}
	s.clockAt(25, 5, 0)
	s.must(c.Act(t.Context()))
	s.clockAt(25, 6, 0)
	s.must(c.Act(t.Context()))
	if len(asked) != 0 {
		t.Errorf("asked before its moment: %v", asked)
	}
	s.clockAt(25, 7, 0)
	s.must(c.Act(t.Context()))
	slices.Sort(asked)
	if !slices.Equal(asked, []string{string(b.id) + " 06:00", string(other.id) + " 06:00"}) {
		t.Errorf("%v", asked)
	}
	events, err := c.Between(t.Context(), s.now, s.now.AddDate(0, 0, 1))
	s.must(err)
	if len(events) == 0 || !events[0].Detect {
		t.Errorf("%+v", events)
	}
	for _, bad := range []patch.Schedule{{Name: "x", Label: "all", Window: "daily 1:00-2:00", Detect: true, CatchUp: 2}, {Name: "x", Label: "all", Window: "daily 1:00-2:00", CatchUp: -1}, {Name: "x", Label: "all", Window: "daily 1:00-2:00", CatchUp: 999}} {
		if _, err := c.Put(t.Context(), s.admin, bad); patch.KindOf(err) != patch.Invalid {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}
