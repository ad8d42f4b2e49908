package agent

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/patch"
)

// sharedBox is a box whose package manager another program uses.
type sharedBox struct {
	*box
	holder string
	waits  []time.Duration
	during func() // while it waits
	gives  bool   // the other program ends in time
}

func (s *sharedBox) Holder() (string, error) { return s.holder, nil }

func (s *sharedBox) Await(_ context.Context, wait time.Duration, tell func(string)) error {
	if s.holder == "" {
		return nil
	}
	s.waits = append(s.waits, wait)
	tell(s.holder)
	if s.during != nil {
		s.during()
	}
	if s.gives {
		s.holder = ""
		return nil
	}
	return &host.Failure{Cause: patch.FailLock, Untouched: true, Text: "busy: " + s.holder}
}

func (s *sharedBox) upgrade(name string) {
	s.put(name, func(p *patch.Package) { p.Version = "1.0-2" })
}

func sharedSession(t *testing.T, names ...string) (*session, *sharedBox) {
	t.Helper()
	k, b := newKeys(t), newBox(names...)
	cfg := enrolled(t, k, b, nowhere)
	s := &sharedBox{box: b, holder: "unattended-upgr (pid 7)"}
	cfg.Installer = s
	var debs []deb
	for _, n := range names {
		debs = append(debs, newDeb(n, "1.0-1", "1.0-2"))
	}
	stock(t, cfg, debs...)
	ses := open(t, cfg)
	must(t, ses.acceptOrder(k.seal(t, newOrder(1, debs...))))
	return ses, s
}

// What another updater installs while an order waits for it is its own: the order says that the machine has drifted, and installs the rest.
func TestWaitsForAnotherUpdater(t *testing.T) {
	ses, s := sharedSession(t, "perl", "xz")
	s.gives = true
	s.during = func() {
		if got := ses.activity(); got != "locked by unattended-upgr (pid 7)" {
			t.Errorf("while it waits the agent says %q", got)
		}
		s.upgrade("perl")
	}
	ses.carryOut(t.Context())
	all := ses.journal.unsent(100)
	if r, _ := lastOf(all, "A1-0"); r.State != patch.ExecFailed || r.Cause != patch.FailDrift || !strings.Contains(r.Text, "perl:amd64 is at 1.0-2, and the order assumed 1.0-1") {
		t.Errorf("%+v", r)
	}
	if r, _ := lastOf(all, "A1-1"); r.State != patch.ExecDone {
		t.Errorf("%+v", r)
	}
	if s.runs["A1-0"] != 0 || s.runs["A1-1"] != 1 {
		t.Errorf("%v", s.runs)
	}
}

// The wait is bounded for the whole order, uses no attempt up, and names who was at work.
func TestDoesNotWaitForEver(t *testing.T) {
	ses, s := sharedSession(t, "perl", "xz")
	clock := time.Now()
	ses.cfg.Now, ses.cfg.LockWait = func() time.Time { return clock }, 5*time.Minute
	s.gives = true
	s.during = func() { clock, s.gives = clock.Add(3*time.Minute), len(s.waits) == 1 }
	s.trouble = func(step string) error {
		if step == "plan" {
			s.holder = "apt-get (pid 8)" // comes while the first item is installed
		}
		return nil
	}
	ses.carryOut(t.Context())
	all := ses.journal.unsent(100)
	if r, _ := lastOf(all, "A1-0"); r.State != patch.ExecDone {
		t.Errorf("%+v", r)
	}
	if r, _ := lastOf(all, "A1-1"); r.Cause != patch.FailLock || r.Cause.UsesUp() || r.Text != "busy: apt-get (pid 8)" {
		t.Errorf("%+v", r)
	}
	if len(s.waits) != 2 || s.waits[0] != 5*time.Minute || s.waits[1] != 2*time.Minute {
		t.Errorf("it waited %v", s.waits)
	}
}

// A window, the owner's word and what runs are looked at once more after another updater was waited for: by then they may be others.
func TestWhatWasWaitedForIsNotPastTheWindow(t *testing.T) {
	for _, c := range []struct {
		name  string
		while func(ses *session, clock *time.Time)
		want  patch.FailCause
	}{
		{"the window ended", func(_ *session, clock *time.Time) { *clock = clock.Add(4 * time.Minute) }, patch.FailWindow},
		{"too little of it is left", func(_ *session, clock *time.Time) { *clock = clock.Add(170 * time.Second) }, patch.FailWindow},
		{"the owner has forbidden it", func(ses *session, _ *time.Time) {
			must(t, os.WriteFile(ses.cfg.PolicyFile, []byte("no-deploy\n"), 0o600))
		}, patch.FailPolicy},
	} {
		t.Run(c.name, func(t *testing.T) {
			k, b := newKeys(t), newBox("perl", "xz")
			cfg := enrolled(t, k, b, nowhere)
			clock := time.Now()
			cfg.Now = func() time.Time { return clock }
			s := &sharedBox{box: b, gives: true}
			cfg.Installer = s
			perl, xz := newDeb("perl", "1.0-1", "1.0-2"), newDeb("xz", "1.0-1", "1.0-2")
			stock(t, cfg, perl, xz)
			ses := open(t, cfg)
			s.trouble = func(step string) error {
				if step == "plan" && len(s.waits) == 0 {
					s.holder = "apt-get (pid 8)" // comes while the first item is installed
				}
				return nil
			}
			s.during = func() { c.while(ses, &clock) }
			o := newOrder(1, perl, xz)
			o.Window.NotAfter = clock.Add(3*time.Minute + 30*time.Second)
			must(t, ses.acceptOrder(k.seal(t, o)))
			ses.carryOut(t.Context())
			if r, _ := lastOf(ses.journal.unsent(100), "A1-0"); r.State != patch.ExecDone || len(s.waits) != 1 {
				t.Fatalf("%+v, and it waited %v", r, s.waits)
			}
			if r, _ := lastOf(ses.journal.unsent(100), "A1-1"); r.Cause != c.want || s.runs["A1-1"] != 0 {
				t.Errorf("it was run %d times: %+v", s.runs["A1-1"], r)
			}
		})
	}
}

// Where it never ends, everything in the order says so at once.
func TestNobodyGetsThePackageManager(t *testing.T) {
	ses, s := sharedSession(t, "perl", "xz")
	ses.carryOut(t.Context())
	for _, attempt := range []string{"A1-0", "A1-1"} {
		if r, _ := lastOf(ses.journal.unsent(100), attempt); r.Cause != patch.FailLock || r.Text != "busy: unattended-upgr (pid 7)" {
			t.Errorf("%+v", r)
		}
	}
	if len(s.waits) != 1 || s.staged > 0 {
		t.Errorf("it waited %v and staged %d", s.waits, s.staged)
	}
}

// An installer that could not even start has installed nothing, whatever the machine has become by then.
func TestNotStartedIsNotDone(t *testing.T) {
	ses, s := sharedSession(t, "perl")
	s.holder = ""
	s.fail["perl"] = &host.Failure{Cause: patch.FailDrift, Untouched: true, Text: "another program changed packages"}
	s.trouble = func(step string) error {
		if step == "plan" {
			defer s.upgrade("perl") // after the plan, before the execution
		}
		return nil
	}
	ses.carryOut(t.Context())
	if r, _ := lastOf(ses.journal.unsent(100), "A1-0"); r.State != patch.ExecFailed || r.Cause != patch.FailDrift {
		t.Errorf("%+v", r)
	}
}

// A restart does not cut another updater off.
func TestRebootWaitsForAnotherUpdater(t *testing.T) {
	ses, s := sharedSession(t, "perl")
	s.holder = ""
	ses.carryOut(t.Context())
	due := rebootDue{Policy: patch.RebootPolicy{Mode: patch.RebootForce}, Boot: ses.cfg.Host.Boot()}
	if why := ses.rebootWaits(due, time.Now()); why != "" {
		t.Fatal(why)
	}
	s.holder = "unattended-upgr (pid 7)"
	if why := ses.rebootWaits(due, time.Now()); why != "unattended-upgr (pid 7) changes packages on this machine" {
		t.Error(why)
	}
}
