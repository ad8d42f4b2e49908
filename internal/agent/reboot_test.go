package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// rebootWorld is a machine with one order behind it, and a clock.
type rebootWorld struct {
	t     *testing.T
	a     *appliance
	b     *box
	s     *session
	cfg   Config
	now   time.Time
	users int
	told  []string
	began int      // restarts
	taken []string // attempts that the appliance takes back before they begin
	alone bool     // the order is for a restart, and for nothing else
}

// newRebootWorld carries an order out that permits a reboot by a policy, in a window that ends after a while (0: none).
func newRebootWorld(t *testing.T, p patch.RebootPolicy, window time.Duration, prepare ...func(*rebootWorld)) *rebootWorld {
	t.Helper()
	w := &rebootWorld{t: t, a: newAppliance(t), b: newBox("curl", "perl"), now: time.Now()}
	w.b.owes = true
	curl, perl := newDeb("curl", "1.0-1", "1.0-2"), newDeb("perl", "1.0-1", "1.0-2")
	w.a.publish(t, w.now, curl, perl)
	w.cfg = w.a.joined(t, w.b)
	w.cfg.Now = func() time.Time { return w.now }
	w.cfg.Terminals = func() []string { return make([]string, w.users) }
	w.cfg.Announce = func(_ []string, text string) { w.told = append(w.told, text) }
	w.cfg.Restart = func(context.Context) error { w.began++; return nil }
	for _, f := range prepare {
		f(w)
	}
	w.s = open(t, w.cfg)
	o := newOrder(1, curl, perl)
	o.Expires = w.now.Add(100 * time.Hour)
	o.Reboot = &p
	if w.alone {
		o.Items = []wire.OrderItem{{Attempt: "A1-0", Patch: patch.Restart, Title: "Restart"}}
	}
	if window != 0 {
		o.Window.NotAfter = w.now.Add(window)
	}
	must(t, w.s.acceptOrder(w.a.seal(t, o)))
	must(t, w.s.takeBack(o.ID, w.taken))
	w.s.carryOut(context.Background())
	if c := w.s.journal.newest(); !c.Closed {
		t.Fatal("the order stayed open: " + w.s.get().LastError)
	}
	return w
}

// steps lets the agent look after the restart for some minutes.
func (w *rebootWorld) steps(minutes int) {
	w.t.Helper()
	for range minutes {
		for range 3 {
			if w.s.get().Reboot != nil {
				must(w.t, w.s.rebootStep(context.Background()))
			}
		}
		w.now = w.now.Add(time.Minute)
	}
}

func (w *rebootWorld) owner(words string) {
	must(w.t, os.WriteFile(w.cfg.PolicyFile, []byte(words), 0o600))
}

// knew changes what the agent's run before has left.
func (w *rebootWorld) knew(change func(*state)) {
	w.t.Helper()
	var st state
	if _, err := readJSON(layout{dir: w.cfg.StateDir}.state(), &st); err != nil {
		w.t.Fatal(err)
	}
	change(&st)
	must(w.t, writeJSON(layout{dir: w.cfg.StateDir}.state(), st))
}

func TestReboots(t *testing.T) {
	needed := patch.RebootPolicy{Mode: patch.RebootIfNeeded}
	force := patch.RebootPolicy{Mode: patch.RebootForce}
	for _, c := range []struct {
		name    string
		policy  patch.RebootPolicy
		window  time.Duration
		prepare func(*rebootWorld)
		during  func(*rebootWorld)
		began   int
		says    string
	}{
		{"needed, and nobody works there", needed, 0, nil, nil, 1, "reboot under way"},
		{"never", patch.RebootPolicy{Mode: patch.RebootNever}, 0, nil, nil, 0, ""},
		{"needed, and not owed", needed, 0, func(w *rebootWorld) { w.b.owes = false }, nil, 0, ""},
		{"the signal clears itself", needed, 0, func(w *rebootWorld) { w.a.noLeave = true }, func(w *rebootWorld) { w.b.owes = false }, 0, ""},
		{"force, and not owed", force, 0, func(w *rebootWorld) { w.b.owes = false }, nil, 1, "reboot under way"},
		{"force, and nothing was installed", force, 0, func(w *rebootWorld) {
			w.b.fail["curl"], w.b.fail["perl"] = &host.Failure{Cause: patch.FailPatch}, &host.Failure{Cause: patch.FailPatch}
		}, nil, 0, ""},
		{"owed after a partial failure", needed, 0, func(w *rebootWorld) { w.b.fail["curl"] = &host.Failure{Cause: patch.FailPatch} }, nil, 1, "reboot under way"},
		{"the owner forbids it", needed, 0, func(w *rebootWorld) { w.owner("no-reboot\n") }, nil, 0, "the owner of this machine forbids reboots"},
		{"the owner allows it later", needed, 0, func(w *rebootWorld) { w.owner("no-reboot\n") }, func(w *rebootWorld) { w.owner("") }, 1, "reboot under way"},
		{"no reserve is left in the window", needed, 6 * time.Minute, func(w *rebootWorld) { w.a.noLeave = true }, func(w *rebootWorld) { w.a.noLeave = false; w.now = w.now.Add(2 * time.Minute) }, 0, "stays owed"},
		{"others reboot now", needed, 0, func(w *rebootWorld) { w.a.noLeave = true }, nil, 0, "reboot waits: others reboot"},
		{"it is called off", force, 0, func(w *rebootWorld) { w.a.calledOff = true }, func(w *rebootWorld) { w.a.calledOff = false }, 0, "reboot is not made: it was halted"},
		{"all of the order was taken back", needed, 0, func(w *rebootWorld) { w.taken = []string{"A1-0", "A1-1"} }, nil, 0, ""},
		{"and then it may", needed, 0, func(w *rebootWorld) { w.a.noLeave = true }, func(w *rebootWorld) { w.a.noLeave = false }, 1, "reboot under way"},
		{"somebody else rebooted it", needed, 0, func(w *rebootWorld) { w.a.noLeave = true }, func(w *rebootWorld) { w.b.boots++ }, 0, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newRebootWorld(t, c.policy, c.window, func(w *rebootWorld) {
				if c.prepare != nil {
					c.prepare(w)
				}
			})
			w.steps(1)
			if c.during != nil {
				c.during(w)
				w.steps(3)
			}
			if got := w.s.rebootText(); w.began != c.began || (c.says == "") != (got == "") || !strings.Contains(got, c.says) {
				t.Errorf("restarted %d times, not %d; it says %q", w.began, c.began, got)
			}
		})
	}
}

// An order that comes while the appliance is asked for leave is not cut off by the restart, and none is begun once the restart has been.
func TestRestartDoesNotCutAnOrderOff(t *testing.T) {
	w := newRebootWorld(t, patch.RebootPolicy{Mode: patch.RebootIfNeeded}, 0)
	xz := newDeb("xz", "1.0-1", "1.0-2")
	o := newOrder(2, xz)
	o.Expires = w.now.Add(100 * time.Hour)
	w.a.onReboot = func() { must(t, w.s.acceptOrder(w.a.seal(t, o))) }
	w.steps(1)
	if w.began != 0 || w.s.get().Reboot == nil || !w.s.get().Reboot.Begun.IsZero() {
		t.Fatalf("it restarted %d times with an order open: %+v", w.began, w.s.get().Reboot)
	}
	w.a.onReboot = nil
	w.s.carryOut(t.Context())
	w.steps(2)
	o.ID, o.Number, o.Items[0].Attempt = "O3", 3, "A3-0"
	if err := w.s.acceptOrder(w.a.seal(t, o)); w.began != 1 || !errors.Is(err, errRestarts) {
		t.Errorf("it restarted %d times, and takes an order while it does: %v", w.began, err)
	}
	w.b.boots++
	if err := w.s.acceptOrder(w.a.seal(t, o)); err != nil {
		t.Errorf("after the restart: %v", err)
	}
}

// Without its journal the agent does not know whether an order is open, and restarts nothing.
func TestWithoutAJournalNothingRestarts(t *testing.T) {
	w := newRebootWorld(t, patch.RebootPolicy{Mode: patch.RebootForce}, 0)
	w.s.journal = nil
	if w.steps(2); w.began != 0 || w.s.rebootText() != "reboot waits: an order is carried out" {
		t.Errorf("restarted %d times: %q", w.began, w.s.rebootText())
	}
}

// Without a word of the appliance nobody knows how many others restart now, so nothing does.
func TestWithoutTheAppliancesLeaveNothingRestarts(t *testing.T) {
	w := newRebootWorld(t, patch.RebootPolicy{Mode: patch.RebootForce}, 0)
	w.a.tricks = func(rw http.ResponseWriter, r *http.Request) bool {
		if r.Method+" "+r.URL.Path == wire.PathReboot {
			refuse(rw, http.StatusInternalServerError, patch.Internal, "the database is away")
			return true
		}
		return false
	}
	must(t, w.s.rebootStep(t.Context())) // announces it
	if err := w.s.rebootStep(t.Context()); err == nil || w.began != 0 || !w.s.get().Reboot.Begun.IsZero() {
		t.Errorf("%v: restarted %d times, %+v", err, w.began, w.s.get().Reboot)
	}
	w.a.tricks = nil
	if w.steps(1); w.began != 1 {
		t.Errorf("with leave: %q", w.s.rebootText())
	}
}

// Whoever put a restart off is left alone until then.
func TestWhatIsPutOffIsNotAnnounced(t *testing.T) {
	w := newRebootWorld(t, patch.RebootPolicy{Mode: patch.RebootAsk, Snooze: 30, Snoozes: 1, Deadline: 240}, 0, func(w *rebootWorld) { w.users = 1 })
	w.steps(1)
	if _, err := w.s.takeAnswer(false, "ada"); err != nil {
		t.Fatal(err)
	}
	if w.steps(30); len(w.told) != 1 {
		t.Errorf("while it is put off: %q", w.told)
	}
	if w.steps(1); len(w.told) != 2 {
		t.Errorf("afterwards: %q", w.told)
	}
}

// Calling one restart off leaves another one as it is, and one that has begun.
func TestWhatIsCalledOffIsOneRestart(t *testing.T) {
	w := newRebootWorld(t, patch.RebootPolicy{Mode: patch.RebootForce}, 0)
	must(t, w.s.callOff("the order before", "it was halted"))
	if due := w.s.get().Reboot; due.Stopped != "" || len(w.told) > 0 {
		t.Errorf("another one is: %+v, people were told %q", due, w.told)
	}
	w.steps(1)
	w.a.calledOff, w.told = true, nil
	stood := w.a.stood
	w.s.restartStands(t.Context())
	if w.a.stood != stood {
		t.Error("the appliance is asked whether a restart that has begun is still wanted")
	}
	must(t, w.s.callOff(w.s.get().Reboot.Order, "it was halted"))
	if due := w.s.get().Reboot; w.began != 1 || due.Stopped != "" || len(w.told) > 0 {
		t.Errorf("restarted %d times, %+v, people were told %q", w.began, due, w.told)
	}
}

// What is asked for comes at the end of its window at the latest, where that is before the policy's deadline.
func TestTheLatestMomentKeepsToTheWindow(t *testing.T) {
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	for end, want := range map[time.Time]time.Time{{}: now.Add(2 * time.Hour), now.Add(time.Hour): now.Add(time.Hour - rebootReserve), now.Add(5 * time.Hour): now.Add(2 * time.Hour)} {
		due := rebootDue{Policy: patch.RebootPolicy{Mode: patch.RebootAsk, Deadline: 120}, Since: now, Window: patch.Window{NotAfter: end}}
		if got := due.latest(); !got.Equal(want) {
			t.Errorf("in a window until %s it comes at %s, not %s", end, got, want)
		}
	}
}

// The last warning of a restart that had to wait is left out where its minute would cost the window.
func TestTheLastWarningDoesNotCostTheWindow(t *testing.T) {
	w := newRebootWorld(t, patch.RebootPolicy{Mode: patch.RebootIfNeeded, Warn: 1}, 10*time.Minute, func(w *rebootWorld) { w.users, w.a.noLeave = 1, true })
	w.steps(5)
	w.a.noLeave = false
	if w.steps(1); w.began != 1 {
		t.Errorf("restarted %d times: %q; people were told %q", w.began, w.s.rebootText(), w.told)
	}
}

// An order for a restart alone is held against the machine as every restart is, changes no package, and leaves a restart that is due only where it was taken.
func TestRestartAlone(t *testing.T) {
	needed, force := patch.RebootPolicy{Mode: patch.RebootIfNeeded}, patch.RebootPolicy{Mode: patch.RebootForce}
	for _, c := range []struct {
		name    string
		policy  patch.RebootPolicy
		window  time.Duration
		prepare func(*rebootWorld)
		state   patch.Execution
		text    string
		began   int
	}{
		{"owed", needed, 0, nil, patch.ExecDone, "", 1},
		{"not owed any more", needed, 0, func(w *rebootWorld) { w.b.owes = false }, patch.ExecWithdrawn, "no restart is owed any more", 0},
		{"not owed, and forced", force, 0, func(w *rebootWorld) { w.b.owes = false }, patch.ExecDone, "", 1},
		{"the owner forbids restarts", force, 0, func(w *rebootWorld) { w.owner("no-reboot\n") }, patch.ExecFailed, "(no-reboot)", 0},
		{"the owner forbids deploys", force, 0, func(w *rebootWorld) { w.owner("detect-only\n") }, patch.ExecFailed, "(detect-only)", 0},
		{"one is owed, and the owner forbids deploys", needed, 0, func(w *rebootWorld) { w.owner("detect-only\n") }, patch.ExecFailed, "(detect-only)", 0},
		{"the window is over", needed, -time.Minute, nil, patch.ExecFailed, "the window ended at", 0},
		{"the window has too little left", needed, 4 * time.Minute, nil, patch.ExecDone, "", 0},
		{"it was taken back", needed, 0, func(w *rebootWorld) { w.taken = []string{"A1-0"} }, patch.ExecWithdrawn, "", 0},
		{"a clock that is wrong", needed, 0, func(w *rebootWorld) { w.knew(func(st *state) { st.Skew = 3600 }) }, patch.ExecFailed, "1h0m0s behind the appliance's", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newRebootWorld(t, c.policy, c.window, func(w *rebootWorld) {
				w.alone = true
				if c.prepare != nil {
					c.prepare(w)
				}
			})
			r, _ := w.s.journal.newest().outcome("A1-0")
			if r.State != c.state || !strings.Contains(r.Text, c.text) || r.RebootOwed != (c.state == patch.ExecDone) {
				t.Errorf("%+v", r)
			}
			if w.steps(3); w.began != c.began || len(w.b.runs) > 0 {
				t.Errorf("restarted %d times, not %d; %q; it ran %v", w.began, c.began, w.s.rebootText(), w.b.runs)
			}
		})
	}
}

// A restart that cut the command off which asked for it has not failed, and once the machine is back it is not told as waiting any more.
func TestARestartCutsItsOwnCommandOff(t *testing.T) {
	w := newRebootWorld(t, patch.RebootPolicy{Mode: patch.RebootIfNeeded}, 0)
	ctx, stop := context.WithCancel(t.Context())
	w.s.cfg.Restart = func(context.Context) error { w.began++; stop(); return fmt.Errorf("signal: killed") }
	for range 3 {
		must(t, w.s.rebootStep(ctx))
	}
	if got := w.s.rebootText(); w.began != 1 || got != "reboot under way" {
		t.Errorf("restarted %d times: %q", w.began, got)
	}
	w.b.boots++
	if got := w.s.rebootText(); got != "" {
		t.Errorf("back, and it says %q", got)
	}
}

// A restart is proven by another boot; one that never came is not tried for ever; and whatever happens, three a day are enough.
func TestRebootIsProvenAndBounded(t *testing.T) {
	needed := patch.RebootPolicy{Mode: patch.RebootIfNeeded}
	w := newRebootWorld(t, needed, 0)
	w.steps(5)
	w.b.boots++
	w.b.owes = true // it still says so
	w.steps(5)
	if w.began != 1 || w.s.get().Reboot != nil || len(w.s.get().Reboots) != 1 {
		t.Errorf("restarted %d times: %+v", w.began, w.s.get().Reboot)
	}
	w = newRebootWorld(t, needed, 0)
	w.steps(30)
	if w.began != 1 || !strings.Contains(w.s.rebootText(), "was told to reboot and did not") {
		t.Errorf("restarted %d times: %q", w.began, w.s.rebootText())
	}
	w = newRebootWorld(t, needed, 0, func(w *rebootWorld) {
		w.knew(func(st *state) {
			st.Reboots = []time.Time{w.now.Add(-5 * time.Hour), w.now.Add(-2 * time.Hour), w.now.Add(-time.Hour)}
		})
	})
	w.steps(5)
	if w.began != 0 || !strings.HasPrefix(w.s.rebootText(), "reboot waits: Fettle restarted it 3 times within a day") { // by which the appliance knows it
		t.Errorf("the fourth in a day: restarted %d times: %q", w.began, w.s.rebootText())
	}
	w.now = w.now.Add(20 * time.Hour)
	w.steps(1)
	if w.began != 1 {
		t.Errorf("a day later: %q", w.s.rebootText())
	}
}

// Whoever works there is told, may put it off as often as the policy says, and not beyond its deadline.
func TestRebootIsAskedFor(t *testing.T) {
	ask := patch.RebootPolicy{Mode: patch.RebootAsk, Message: "Patch day.", Warn: 5, Snooze: 30, Snoozes: 2, Deadline: 120}
	users := func(w *rebootWorld) { w.users = 1 }
	w := newRebootWorld(t, ask, 0, users)
	w.steps(1)
	if len(w.told) != 1 || !strings.Contains(w.told[0], "Patch day.") || !strings.Contains(w.told[0], "2 of 2 times left") || w.began != 0 {
		t.Fatalf("%q, restarted %d times", w.told, w.began)
	}
	for n := range 2 {
		if _, err := AnswerReboot(w.cfg, false); err != nil {
			t.Fatal(err)
		}
		w.steps(2)
		if got := w.s.rebootText(); !strings.Contains(got, "put off until") {
			t.Errorf("put off %d times: %q", n+1, got)
		}
		w.steps(30)
	}
	if _, err := AnswerReboot(w.cfg, false); patch.KindOf(err) != patch.Exhausted {
		t.Errorf("a third time: %v", err)
	}
	must(t, writeJSON(layout{dir: w.cfg.StateDir}.answer(), rebootAnswer{At: w.now.Add(time.Second)})) // past the command
	if w.steps(2); strings.Contains(w.s.rebootText(), "put off until") {
		t.Errorf("put off a third time: %q", w.s.rebootText())
	}
	w.steps(48)
	if w.began != 0 {
		t.Error("it restarted before its deadline")
	}
	w.steps(10)
	if w.began != 1 {
		t.Errorf("it did not restart at its deadline: %q", w.s.rebootText())
	}
	w = newRebootWorld(t, ask, 0, users)
	w.steps(1)
	if _, err := AnswerReboot(w.cfg, true); err != nil {
		t.Fatal(err)
	}
	w.steps(2)
	if w.began != 1 {
		t.Errorf("now means now: %q", w.s.rebootText())
	}
	w = newRebootWorld(t, ask, 0) // nobody to ask
	w.steps(1)
	if w.began != 1 {
		t.Errorf("nobody works there: %q", w.s.rebootText())
	}
	w = newRebootWorld(t, patch.RebootPolicy{Mode: patch.RebootIfNeeded, Warn: 10}, 0, users)
	w.steps(9)
	if _, err := AnswerReboot(w.cfg, false); w.began != 0 || patch.KindOf(err) != patch.Forbidden {
		t.Errorf("restarted %d times, and could be put off: %v", w.began, err)
	}
	if w.steps(3); w.began != 1 {
		t.Errorf("after the warning: %q", w.s.rebootText())
	}
}

// A restart keeps to its window at both ends, does not cut an order off, and listens to no answer that was given to another one.
func TestRebootKeepsToItsTime(t *testing.T) {
	users := func(w *rebootWorld) { w.users = 1 }
	w := newRebootWorld(t, patch.RebootPolicy{Mode: patch.RebootIfNeeded}, 0)
	must(t, w.s.due(func(d *rebootDue) { d.Window.NotBefore = w.now.Add(30 * time.Minute) }))
	w.steps(29)
	if got := w.s.rebootText(); w.began != 0 || !strings.Contains(got, "its window begins only at") {
		t.Errorf("before its window: restarted %d times: %q", w.began, got)
	}
	if w.steps(3); w.began != 1 {
		t.Errorf("in its window: %q", w.s.rebootText())
	}

	w = newRebootWorld(t, patch.RebootPolicy{Mode: patch.RebootIfNeeded}, 0)
	must(t, w.s.acceptOrder(w.a.seal(t, newOrder(2, newDeb("perl", "1.0-2", "1.0-3")))))
	w.steps(5)
	if got := w.s.rebootText(); w.began != 0 || !strings.Contains(got, "an order is carried out") {
		t.Errorf("in an order: restarted %d times: %q", w.began, got)
	}

	ask := patch.RebootPolicy{Mode: patch.RebootAsk, Warn: 5, Snooze: 600, Snoozes: 2, Deadline: 600}
	w = newRebootWorld(t, ask, 2*time.Hour, users)
	if w.steps(114); w.began != 0 {
		t.Error("it did not wait as long as its window lets it")
	}
	if w.steps(2); w.began != 1 {
		t.Errorf("it waited for more than its window: %q", w.s.rebootText())
	}

	ask.Deadline = 120
	w = newRebootWorld(t, ask, 0, users)
	w.steps(1)
	must(t, writeJSON(layout{dir: w.cfg.StateDir}.answer(), rebootAnswer{At: w.s.get().Reboot.Since.Add(-time.Second), Now: true}))
	if w.steps(2); w.began != 0 {
		t.Error("an answer to an earlier restart began this one")
	}
	if _, err := AnswerReboot(w.cfg, false); err != nil {
		t.Fatal(err)
	}
	if w.steps(116); w.began != 0 {
		t.Error("it was put off and came before its deadline")
	}
	if w.steps(8); w.began != 1 { // announced once more
		t.Errorf("it was put off past its deadline: %q", w.s.rebootText())
	}
}

// Now means now for somebody who had put a restart off as well; who puts it off twice in a row is told so and loses nothing by it; and what stands
// in the way of the restart is not hidden from who answers.
func TestAnswersToARestart(t *testing.T) {
	ask := patch.RebootPolicy{Mode: patch.RebootAsk, Warn: 5, Snooze: 30, Snoozes: 2, Deadline: 120}
	users := func(w *rebootWorld) { w.users = 1 }
	w := newRebootWorld(t, ask, 0, users)
	w.steps(1)
	text, err := w.s.takeAnswer(false, "ada")
	if err != nil || !strings.Contains(text, "put off until") || !strings.Contains(text, "(1 of 2 times)") || !strings.Contains(text, "at the latest") {
		t.Errorf("%q, %v", text, err)
	}
	if got := w.s.rebootText(); !strings.Contains(got, "by ada (1 of 2); at the latest it comes at ") {
		t.Errorf("%q", got)
	}
	if text, err := w.s.takeAnswer(false, "ada"); patch.KindOf(err) != patch.Conflict || !strings.Contains(err.Error(), "already") || w.s.get().Reboot.Put != 1 {
		t.Errorf("twice in a row: %q, %v, %+v", text, err, w.s.get().Reboot)
	}
	if _, err := AnswerReboot(w.cfg, false); patch.KindOf(err) != patch.Conflict {
		t.Errorf("twice in a row, through a file: %v", err)
	}
	w.owner("no-reboot\n")
	if _, err := w.s.takeAnswer(true, "ada"); err == nil || !strings.Contains(err.Error(), "the owner of this machine forbids reboots") {
		t.Errorf("while the owner forbids it: %v", err)
	}
	w.owner("")
	if w.steps(1); w.began != 0 {
		t.Error("it restarted while it was put off")
	}
	if _, err := AnswerReboot(w.cfg, true); err != nil {
		t.Fatal(err)
	}
	if w.steps(1); w.began != 1 {
		t.Errorf("now, after it was put off: %q", w.s.rebootText())
	}

	w = newRebootWorld(t, ask, 0, users)
	w.steps(1)
	w.a.onReboot = func() { // somebody answers while the appliance is asked
		if _, err := w.s.takeAnswer(false, "ada"); err != nil {
			t.Error(err)
		}
	}
	must(t, w.s.due(func(d *rebootDue) { d.At = w.now }))
	must(t, w.s.rebootStep(t.Context()))
	if w.began != 0 || !strings.Contains(w.s.rebootText(), "put off until") {
		t.Errorf("restarted %d times though it was put off in time: %q", w.began, w.s.rebootText())
	}
}

// Everybody on a machine may put a restart off, through a socket, and is known by the kernel's word. Only who is root, or works there alone, has it
// restart now; and a stranger's words are no answer.
func TestAnswersThroughASocket(t *testing.T) {
	ask := patch.RebootPolicy{Mode: patch.RebootAsk, Warn: 5, Snooze: 30, Snoozes: 1, Deadline: 120}
	w := newRebootWorld(t, ask, 0, func(w *rebootWorld) { w.users, w.cfg.AnswerSocket = 1, w.cfg.StateDir+"/ask.sock" })
	w.steps(1)
	ctx, stop := context.WithCancel(t.Context())
	l := &loop{session: w.s, wake: make(chan struct{}, 1)}
	heard := make(chan error)
	go func() { heard <- l.listen(ctx) }()
	var c net.Conn
	for range 100 {
		var err error
		if c, err = net.Dial("unix", w.cfg.AnswerSocket); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	fmt.Fprint(c, "reboot -f; now\n")
	if b, _ := io.ReadAll(c); string(b) != "no that is not an answer\n" {
		t.Errorf("%q", b)
	}
	if text, err := AnswerReboot(w.cfg, false); err != nil || !strings.Contains(text, "put off until") {
		t.Errorf("%q, %v", text, err)
	}
	if by := w.s.get().Reboot.By; by == "" || len(l.wake) != 1 {
		t.Errorf("it was put off by %q, and the appliance is told: %d", by, len(l.wake))
	}
	if text, err := AnswerReboot(w.cfg, false); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("%q, %v", text, err)
	}
	stop()
	if err := <-heard; err != nil {
		t.Error(err)
	}
	must(t, w.s.due(func(d *rebootDue) { d.Until, d.At = time.Time{}, w.now.Add(time.Hour) }))
	if text, err := AnswerReboot(w.cfg, false); patch.KindOf(err) != patch.Exhausted { // no agent runs: by its state
		t.Errorf("%q, %v", text, err)
	}
}

// Whoever works there is told again while the moment comes nearer, each time once, and hears of it when nothing comes of it.
func TestRebootCountsDown(t *testing.T) {
	w := newRebootWorld(t, patch.RebootPolicy{Mode: patch.RebootForce, Warn: 90}, 0, func(w *rebootWorld) { w.users = 1 })
	w.steps(88)
	w.a.calledOff = true
	w.steps(5)
	var got []string
	for _, text := range w.told {
		line, _, _ := strings.Cut(text, "\n")
		line, _, _ = strings.Cut(line, " (")
		got = append(got, line)
	}
	want := []string{"This machine restarts in 1 hour 30 minutes", "This machine restarts in 1 hour", "This machine restarts in 15 minutes", "This machine restarts in 5 minutes", "This machine restarts in 1 minute",
		"The restart was called off."}
	if diff := cmp.Diff(want, got); diff != "" || w.began != 0 {
		t.Errorf("restarted %d times (-want +got)\n%s", w.began, diff)
	}
	w = newRebootWorld(t, patch.RebootPolicy{Mode: patch.RebootIfNeeded, Warn: 5}, 0, func(w *rebootWorld) { w.users = 1 })
	w.steps(6)
	if len(w.told) != 2 || w.began != 1 {
		t.Errorf("five minutes: restarted %d times: %q", w.began, w.told)
	}

	// What was announced a moment before a warning is the warning.
	w = newRebootWorld(t, patch.RebootPolicy{Mode: patch.RebootIfNeeded, Warn: 1}, 0, func(w *rebootWorld) { w.users = 1 })
	must(t, w.s.rebootStep(t.Context()))
	w.now = w.now.Add(2 * time.Second)
	must(t, w.s.rebootStep(t.Context()))
	if len(w.told) != 1 {
		t.Errorf("one minute: %q", w.told)
	}
}

// A restart that was announced and has to wait for leave does not come out of the blue: people are told that it waits, once, and a minute before it comes.
func TestARestartThatComesLaterIsAnnouncedAgain(t *testing.T) {
	w := newRebootWorld(t, patch.RebootPolicy{Mode: patch.RebootIfNeeded, Warn: 1}, 0, func(w *rebootWorld) { w.users, w.a.noLeave = 1, true })
	w.steps(20)
	w.a.noLeave = false
	w.steps(2)
	if w.began != 0 || len(w.told) != 3 {
		t.Fatalf("it restarted %d times, and people were told %q", w.began, w.told)
	}
	w.steps(1)
	want := []string{"This machine restarts in 1 minute (", "The restart does not come yet: it waits for the appliance's leave. It is announced again, a minute before it comes.", "This machine restarts in 1 minute ("}
	for i, text := range w.told {
		if i >= len(want) || !strings.HasPrefix(text, want[i]) {
			t.Errorf("%d: %q", i, text)
		}
	}
	if w.began != 1 {
		t.Errorf("it restarted %d times: %q", w.began, w.s.rebootText())
	}
}

// A restart that is called off hours before its time is told as that at the next contact: nobody is warned of it any more, and it stays as it is where the
// machine does nothing about it.
func TestARestartIsCalledOffEarly(t *testing.T) {
	ask := patch.RebootPolicy{Mode: patch.RebootAsk, Deadline: 120}
	w := newRebootWorld(t, ask, 0, func(w *rebootWorld) { w.users = 1 })
	w.steps(5)
	w.s.restartStands(t.Context())
	if text := w.s.rebootText(); len(w.told) != 1 || !strings.Contains(text, "reboot announced for ") {
		t.Fatalf("%q, %q", text, w.told)
	}
	w.a.calledOff = true
	w.s.restartStands(t.Context())
	w.s.restartStands(t.Context())
	w.steps(200)
	if len(w.told) != 2 || w.told[1] != "The restart was called off." || w.began != 0 || w.s.rebootText() != "reboot is not made: it was halted" {
		t.Errorf("it restarted %d times, says %q, and people were told %q", w.began, w.s.rebootText(), w.told)
	}
}

// Anybody on the machine may ask when it restarts, as long as an agent runs to tell them.
func TestWhenItRestarts(t *testing.T) {
	ask := patch.RebootPolicy{Mode: patch.RebootAsk, Message: "Patch day", Snooze: 30, Snoozes: 1, Deadline: 120}
	w := newRebootWorld(t, ask, 0, func(w *rebootWorld) { w.users, w.cfg.AnswerSocket = 1, w.cfg.StateDir+"/ask.sock" })
	if _, err := AskReboot(w.cfg); patch.KindOf(err) != patch.Unavailable {
		t.Errorf("without an agent: %v", err)
	}
	w.steps(1)
	ctx, stop := context.WithCancel(t.Context())
	heard := make(chan error)
	go func() { heard <- (&loop{session: w.s, wake: make(chan struct{}, 1)}).listen(ctx) }()
	defer func() { stop(); must(t, <-heard) }()
	for range 100 {
		if _, err := os.Stat(w.cfg.AnswerSocket); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	asked := func(want string) {
		t.Helper()
		text, err := AskReboot(w.cfg)
		if err != nil {
			text = err.Error()
		}
		if !strings.Contains(text, want) {
			t.Errorf("it says %q, not %q", text, want)
		}
	}
	asked("This machine restarts in 1 hour 59 minutes (at ")
	asked("Patch day\nRestart now: fettle-agent reboot now.\nBe asked again in 30 minutes (1 of 1 times left): fettle-agent reboot snooze.")
	w.owner("no-reboot\n")
	asked("The restart of this machine: waits: the owner of this machine forbids reboots")
	w.owner("")
	w.b.boots++
	asked("no restart of this machine is due")
}

// While a laptop sleeps the monotonic clock stands still: a moment that carries a reading of it would be as old as the laptop was awake.
func TestTheAgentsClockIsTheWalls(t *testing.T) {
	if now := (Config{}).withDefaults().Now(); now != now.Round(0) {
		t.Errorf("%v carries a reading of the monotonic clock", now)
	}
}

// Delays that are none are refused as a whole: none of them may mean "at once".
func TestRebootPolicies(t *testing.T) {
	for _, p := range []patch.RebootPolicy{{}, {Mode: "soon"}, {Mode: patch.RebootForce, Warn: -1}, {Mode: patch.RebootForce, Warn: 1 << 20}, {Mode: patch.RebootAsk, Snooze: -15},
		{Mode: patch.RebootAsk, Deadline: 1 << 30}, {Mode: patch.RebootIfNeeded, Snoozes: 3}, {Mode: patch.RebootForce, Message: "\x1b[2J"}, {Mode: patch.RebootForce, Message: strings.Repeat("x", 501)}} {
		o := newOrder(1, newDeb("curl", "1.0-1", "1.0-2"))
		o.Reboot = &p
		if err := checkOrder(o, "m1"); patch.KindOf(err) != patch.Invalid {
			t.Errorf("%+v: %v", p, err)
		}
	}
}
