package story_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/calendar"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/plan"
	"github.com/fettle-project/fettle/internal/whatif"
)

func (s *site) freeze(name, from, until, label string) patch.Blackout {
	s.t.Helper()
	b, err := s.calendar().PutBlackout(s.ctx(), s.admin, calendar.BlackoutDraft{Name: name, From: from, Until: until, Label: label, Reason: "Closing the books."})
	s.must(err)
	return b
}

func TestNothingIsDeployedInAChangeFreeze(t *testing.T) {
	s, b := ready(t, curl)
	before := s.roll() // applied before the freeze, and waits for the machine
	s.freeze("year-end", "2026-11-24 10:00", "2026-11-25 10:00", "")
	s.clockAt(24, 11, 0)
	b.detect()
	a := s.explain(b, curl).Answer
	frozen := a.Gate(gate.Freeze)
	if frozen.State != gate.Closed || frozen.Code != gate.CodeFrozen || frozen.Text.String() != "blackout until tomorrow 10:00, by m.keller: closing the books" || frozen.Actor != gate.Time || !frozen.NextAt.Equal(time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)) || frozen.Evidence.String() != "blackout year-end" {
		t.Fatalf("%+v", frozen)
	}
	if b.work() {
		t.Fatal("an order began in the freeze")
	}
	if n := len(s.attempts(patch.AttemptFilter{Deployment: before.ID, Open: true})); n != 1 {
		t.Fatalf("%d attempts wait for the end of the freeze", n)
	}
	ex, err := s.deploy.Explain(s.ctx(), before.ID)
	s.must(err)
	if len(ex.Groups) != 1 || ex.Groups[0].Code != gate.CodeFrozen {
		t.Errorf("the deployment waits for %+v", ex.Groups)
	}
	s.clockAt(25, 10, 1)
	if !b.work() || b.has("curl") != "7.88.1-10+deb12u14" {
		t.Fatalf("after the freeze curl is at %s", b.has("curl"))
	}
}

func TestPlansLeaveOutWhatIsFrozen(t *testing.T) {
	s, b := ready(t, curl)
	other := s.enrol("web-2", bookworm, "curl=7.88.1-10")
	other.detect()
	s.hand("books", b.id)
	s.freeze("books", "2026-11-24", "2026-11-24", "books")
	p := s.plan()
	if len(p.Machines) != 2 || len(p.Machines[0].Items) != 0 || p.Machines[0].Left[0].Gate != "freeze/frozen" || len(p.Machines[1].Items) != 1 {
		t.Fatalf("%+v", p.Machines)
	}
	// Tonight is planned today: what counts is when the window opens.
	p, err := s.planner.Make(s.ctx(), s.admin, plan.Request{Label: "all", Window: patch.Window{NotBefore: time.Date(2026, 11, 25, 1, 0, 0, 0, time.UTC)}})
	s.must(err)
	if len(p.Machines[0].Items) != 1 {
		t.Fatalf("after the freeze: %+v", p.Machines[0])
	}
}

// An order that goes out before a freeze ends where it begins: the agent keeps to that without asking anybody.
func TestOrdersEndWhereAFreezeBegins(t *testing.T) {
	s, b := ready(t, curl)
	s.freeze("noon", "2026-11-24 12:00", "2026-11-24 18:00", "")
	s.roll()
	o, ok := b.order()
	if noon := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC); !ok || !o.Window.NotAfter.Equal(noon) || o.Expires.After(noon) {
		t.Fatalf("%v: the order's window is %+v, it expires %v", ok, o.Window, o.Expires)
	}
}

func TestAWindowThatAFreezeTookIsMadeUpFor(t *testing.T) {
	for name, c := range map[string]struct {
		catchUp int
		until   string
		at      [2]int // on the day after
		deploys bool
		next    string
	}{
		"caught up after it":          {8, "2026-11-25 10:00", [2]int{10, 5}, true, "makes up from today 10:00 until today 18:00 for a window that the blackout books took"},
		"it still lasts":              {8, "2026-11-25 12:00", [2]int{10, 5}, false, "makes up from today 12:00 until today 20:00"},
		"no catching up":              {0, "2026-11-25 10:00", [2]int{10, 5}, false, "opens today 22:00"},
		"too late":                    {2, "2026-11-25 10:00", [2]int{12, 1}, false, "opens today 22:00"},
		"it ended within the window":  {8, "2026-11-25 03:00", [2]int{3, 5}, true, "open until today 04:00"},
		"a part was open: not missed": {8, "2026-11-25 03:00", [2]int{4, 5}, false, "opens today 22:00"},
	} {
		t.Run(name, func(t *testing.T) {
			s, b := ready(t, curl)
			d := s.calendar()
			s.schedule(d, patch.Schedule{Name: "nightly", Label: "all", Window: "daily 22:00-04:00", CatchUp: c.catchUp})
			s.freeze("books", "2026-11-24 20:00", c.until, "")
			s.clockAt(24, 22, 30)
			b.detect()
			s.must(d.Act(t.Context()))
			if b.work() {
				t.Fatal("deployed in the freeze")
			}
			s.clockAt(25, c.at[0], c.at[1])
			b.detect()
			a := s.explain(b, curl).Answer
			if text := a.Gate(gate.Window).Text; !strings.Contains(text.String(), c.next) {
				t.Errorf("explain says %q", text)
			}
			s.must(d.Act(t.Context()))
			if got := b.work(); got != c.deploys {
				t.Fatalf("deployed: %v", got)
			}
		})
	}
}

func TestCalendarShowsFreezes(t *testing.T) {
	s, b := ready(t, curl)
	s.enrol("web-2", bookworm, "curl=7.88.1-10")
	s.hand("books", b.id)
	c := s.calendar()
	s.schedule(c, patch.Schedule{Name: "nightly", Label: "all", Window: "daily 22:00-04:00", CatchUp: 6})
	s.schedule(c, patch.Schedule{Name: "look", Label: "all", Window: "daily 08:00-09:00", Detect: true})
	s.freeze("close", "2026-11-24 20:00", "2026-11-25 06:00", "books")
	s.freeze("short", "2026-11-26 02:00", "2026-11-26 07:00", "")
	from := s.now.Add(3 * time.Hour)
	all, err := c.Between(s.ctx(), from, from.Add(48*time.Hour))
	s.must(err)
	var got []string
	for _, e := range all {
		got = append(got, strings.TrimSpace(fmt.Sprint(e.Start.UTC().Format("2 15:04-"), e.End.UTC().Format("2 15:04 "), e.Schedule, e.Blackout, " ", e.Machines, " ", strings.TrimSpace(e.Frozen+" "+e.CutBy+" "+e.MovedBy))))
	}
	want := []string{"24 20:00-25 06:00 close 1", "24 22:00-25 04:00 nightly 1", "24 22:00-25 04:00 nightly 1 close", "25 06:00-25 12:00 nightly 1 close", "25 08:00-25 09:00 look 2",
		"25 22:00-26 02:00 nightly 2 short", "26 02:00-26 07:00 short 2", "26 08:00-26 09:00 look 2"}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestWhatIfThereWereAFreeze(t *testing.T) {
	s, b := ready(t, curl)
	draft, err := s.calendar().DraftBlackout(s.ctx(), s.admin, calendar.BlackoutDraft{Name: "now", From: "2026-11-24", Until: "2026-11-24", Reason: "why not"})
	s.must(err)
	got := s.whatIf(whatif.Change{Blackout: &draft})
	if got.Closes.Pairs != 1 || got.Moves[0].After.Code != gate.CodeFrozen {
		t.Errorf("%+v", got)
	}
	if !s.explain(b, curl).Answer.Deployable {
		t.Error("what was supposed was stored")
	}
	s.freeze("now", "2026-11-24", "2026-11-24", "")
	if got = s.whatIf(whatif.Change{RemoveBlackout: "now"}); got.Opens.Pairs != 1 {
		t.Errorf("%+v", got)
	}
	back, err := s.calendar().RemoveBlackout(s.ctx(), s.admin, "now")
	s.must(err)
	if back.Name != "now" || !s.explain(b, curl).Answer.Deployable {
		t.Errorf("%+v", back)
	}
}

func TestBlackoutsThatAreRefused(t *testing.T) {
	s, _ := ready(t)
	good := calendar.BlackoutDraft{Name: "x", From: "2026-12-20", Until: "2027-01-02", Reason: "rest"}
	for name, c := range map[string]func(*calendar.BlackoutDraft){
		"a bad name":       func(d *calendar.BlackoutDraft) { d.Name = "A b" },
		"no day":           func(d *calendar.BlackoutDraft) { d.From = "soon" },
		"no reason":        func(d *calendar.BlackoutDraft) { d.Reason = " " },
		"over":             func(d *calendar.BlackoutDraft) { d.From, d.Until = "2026-01-01", "2026-01-02" },
		"the wrong order":  func(d *calendar.BlackoutDraft) { d.Until = "2026-12-18" },
		"longer than good": func(d *calendar.BlackoutDraft) { d.Until = "2028-12-18" },
	} {
		bad := good
		c(&bad)
		if _, err := s.calendar().PutBlackout(s.ctx(), s.admin, bad); patch.KindOf(err) != patch.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.calendar().PutBlackout(s.ctx(), s.admin, calendar.BlackoutDraft{Name: "x", From: "2026-12-20", Until: "2027-01-02", Reason: "rest", Label: "none"}); patch.KindOf(err) != patch.NotFound {
		t.Errorf("a label that is not there: %v", err)
	}
	// Days are the organisation's, and the last one is part of it.
	d := s.calendar()
	d.Zone = time.FixedZone("there", 2*3600)
	b, err := d.PutBlackout(s.ctx(), s.admin, good)
	s.must(err)
	if !b.From.Equal(time.Date(2026, 12, 19, 22, 0, 0, 0, time.UTC)) || !b.Until.Equal(time.Date(2027, 1, 2, 22, 0, 0, 0, time.UTC)) || b.Label != "all" || b.Owner != "m.keller" {
		t.Errorf("%+v", b)
	}
}
