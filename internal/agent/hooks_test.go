package agent

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// hooks are those of a box: what ran, and what fails.
type hooks struct {
	b    *box
	ran  []string
	fail map[string]string
	none map[string]bool
}

func (h *hooks) Check(name string) error {
	if h.none[name] {
		return &host.Failure{Cause: patch.FailHook, Text: "this machine has no " + name}
	}
	return nil
}

func (h *hooks) Run(_ context.Context, c host.HookCall) (string, error) {
	if err := h.b.step("hook"); err != nil {
		return "", err
	}
	h.ran = append(h.ran, fmt.Sprintf("%s %s %s with perl at %s", c.Phase, c.Name, c.Outcome, h.b.version("perl")))
	if why := h.fail[c.Name]; why != "" {
		return "output of " + c.Name, &host.Failure{Cause: patch.FailHook, Text: why}
	}
	return "output of " + c.Name, h.b.step("hooked")
}

// hooked carries out an order for perl and xz with two hooks before and one after.
func hookedOrder(t *testing.T, change func(*hooks, *box, *wire.Order)) (*hooks, *box, []wire.Result) {
	t.Helper()
	k, b := newKeys(t), newBox("perl", "xz")
	cfg := enrolled(t, k, b, nowhere)
	h := &hooks{b: b, fail: map[string]string{}, none: map[string]bool{}}
	cfg.Hooks = h
	perl, xz := newDeb("perl", "1.0-1", "1.0-2"), newDeb("xz", "1.0-1", "1.0-2")
	stock(t, cfg, perl, xz)
	o := newOrder(1, perl, xz)
	o.Manner = &patch.Manner{Before: []string{"drain", "save"}, After: []string{"fill"}}
	if change != nil {
		change(h, b, &o)
	}
	s := open(t, cfg)
	must(t, s.acceptOrder(k.seal(t, o)))
	s.carryOut(t.Context())
	if c := s.journal.newest(); !c.Closed {
		t.Fatal("the order is open")
	}
	return h, b, s.journal.unsent(1000)
}

func lastOf(all []wire.Result, attempt string) (last wire.Result, adds []wire.Result) {
	for _, r := range all {
		switch {
		case r.Attempt != attempt:
		case r.Adds:
			adds = append(adds, r)
		default:
			last = r
		}
	}
	return last, adds
}

func TestHooksSurroundAnOrder(t *testing.T) {
	h, _, all := hookedOrder(t, nil)
	want := []string{"before drain none with perl at 1.0-1", "before save none with perl at 1.0-1", "after fill done with perl at 1.0-2"}
	if d := cmp.Diff(want, h.ran); d != "" {
		t.Error(d)
	}
	last, adds := lastOf(all, "A1-0")
	if last.State != patch.ExecDone || len(adds) != 1 || adds[0].State != patch.ExecDone {
		t.Fatalf("%+v %+v", last, adds)
	}
	for _, w := range []string{"the hook drain ran before it", "the hook fill ran after it"} {
		if !strings.Contains(adds[0].Text, w) {
			t.Errorf("%q lacks %q", adds[0].Text, w)
		}
	}
	if log := adds[0].Log; !strings.Contains(log, "--- hook save (before)\noutput of save\n--- hook fill (after)\noutput of fill") {
		t.Error(log)
	}
	if _, adds := lastOf(all, "A1-1"); len(adds) > 0 {
		t.Error("it is told twice")
	}
}

// A hook that fails before the installation stops the whole order with its own cause and uses no attempt up; what comes after runs all the same.
func TestHookStopsAnOrder(t *testing.T) {
	h, b, all := hookedOrder(t, func(h *hooks, _ *box, _ *wire.Order) { h.fail["drain"] = "the hook drain failed: exit status 1" })
	want := []string{"before drain none with perl at 1.0-1", "after fill failed with perl at 1.0-1"}
	if d := cmp.Diff(want, h.ran); d != "" {
		t.Error(d)
	}
	for i, attempt := range []string{"A1-0", "A1-1"} {
		last, _ := lastOf(all, attempt)
		if last.State != patch.ExecFailed || last.Cause != patch.FailHook || last.Cause.UsesUp() || last.Text != h.fail["drain"] || (last.Log != "") != (i == 0) {
			t.Errorf("%+v", last)
		}
	}
	if b.version("perl") != "1.0-1" || len(b.runs) > 0 {
		t.Error("something was installed")
	}
}

func TestHooksThatAreNotRun(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*hooks, *box, *wire.Order)
		cause  patch.FailCause
		state  patch.Execution
	}{
		"one of them is not there": {func(h *hooks, _ *box, _ *wire.Order) { h.none["fill"] = true }, patch.FailHook, patch.ExecFailed},
		"the machine has drifted": {func(_ *hooks, b *box, _ *wire.Order) {
			for _, n := range []string{"perl", "xz"} {
				b.put(n, func(p *patch.Package) { p.Version = "1.0-3" })
			}
		}, patch.FailDrift, patch.ExecFailed},
		"the window is too short": {func(_ *hooks, _ *box, o *wire.Order) { o.Window.NotAfter = time.Now().Add(time.Minute) }, patch.FailWindow, patch.ExecWithdrawn},
	} {
		t.Run(name, func(t *testing.T) {
			h, _, all := hookedOrder(t, c.change)
			if last, _ := lastOf(all, "A1-0"); last.State != c.state || last.Cause != c.cause || len(h.ran) > 0 {
				t.Errorf("%+v; %v", last, h.ran)
			}
		})
	}
}

// A hook that fails afterwards is told, and the installation stays what it is.
func TestHookFailsAfterwards(t *testing.T) {
	_, _, all := hookedOrder(t, func(h *hooks, _ *box, _ *wire.Order) { h.fail["fill"] = "the hook fill failed: exit status 1" })
	last, adds := lastOf(all, "A1-0")
	if last.State != patch.ExecDone || len(adds) != 1 || !strings.Contains(adds[0].Text, "the hook fill failed: exit status 1") {
		t.Errorf("%+v %+v", last, adds)
	}
}

// Whenever the agent is killed: a hook that ended is not run again, one that did not is, and those after it run in the end.
func TestHooksSurviveKills(t *testing.T) {
	fresh := func() (*world, *hooks) {
		w := newWorld(t, "perl")
		h := &hooks{b: w.box, fail: map[string]string{}, none: map[string]bool{}}
		w.cfg.Hooks, w.manner = h, &patch.Manner{Before: []string{"drain"}, After: []string{"fill"}}
		return w, h
	}
	w, _ := fresh()
	_, steps := w.live(t, 0, nil)
	again := 0
	for at := 1; at <= steps; at++ {
		w, h := fresh()
		w.live(t, at, nil)
		if closed, _ := w.live(t, 0, nil); !closed {
			t.Fatalf("killed at step %d, the order stayed open", at)
		}
		drains, fills := 0, 0
		for _, ran := range h.ran {
			if strings.HasPrefix(ran, "before drain") {
				drains++
			} else {
				fills++
			}
		}
		if last := h.ran[len(h.ran)-1]; drains < 1 || fills < 1 || drains+fills > 3 || !strings.HasPrefix(last, "after fill") {
			t.Errorf("killed at step %d: ran %v", at, h.ran)
		}
		again += drains + fills - 2
	}
	// Only from its start until its end is durable may a kill have a hook run again: four steps of each.
	if again < 2 || again > 8 {
		t.Errorf("hooks ran again at %d of %d steps", again, steps)
	}
}
