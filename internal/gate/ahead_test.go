package gate

import (
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// An attempt that ended while the appliance's clock was ahead holds its machine neither until that time nor for a while after it: nobody knows when it was.
func TestAnAttemptOfATimeToComeHoldsNothing(t *testing.T) {
	ended := func(state patch.Execution, cause patch.FailCause) patch.Attempt {
		return patch.Attempt{ID: "a", Number: 1, State: state, Cause: cause, CreatedAt: now.Add(-time.Hour), EndedAt: now.Add(60 * 24 * time.Hour)}
	}
	tried := func(as ...patch.Attempt) func(*World) { return func(w *World) { w.Attempts = as } }
	failed := func(cause patch.FailCause) func(*World) { return tried(ended(patch.ExecFailed, cause)) }
	done := func(seq uint64, effect patch.Effect, owed bool) patch.Attempt {
		a := ended(patch.ExecDone, "")
		a.VerifiedSeq, a.Effect, a.RebootOwed = seq, effect, owed
		return a
	}
	thrice := []patch.Attempt{ended(patch.ExecFailed, patch.FailPatch), ended(patch.ExecFailed, patch.FailPatch), ended(patch.ExecFailed, patch.FailPatch)}
	for name, c := range map[string]struct {
		change func(*World)
		code   string // of the first closed gate; empty where none is
	}{
		"a lock":           {func(w *World) { a := ended(patch.ExecFailed, patch.FailLock); w.Blocked = &a }, ""},
		"a full disk":      {func(w *World) { a := ended(patch.ExecFailed, patch.FailDisk); w.Blocked = &a }, ""},
		"a dependency":     {failed(patch.FailDependency), ""},
		"not verified":     {failed(patch.FailUntrusted), ""},
		"an owner":         {failed(patch.FailPolicy), ""},
		"a program":        {failed(patch.FailBlocker), ""},
		"no room":          {failed(patch.FailRoom), ""},
		"drift":            {failed(patch.FailDrift), ""},
		"it is not judged": {tried(done(0, "", false)), CodeAwaiting},
		"it is judged":     {tried(done(7, patch.EffectNotEffective, false)), ""},
		"out of attempts":  {tried(thrice...), CodeOutOf},
		"and they are reset": {func(w *World) {
			w.Attempts, w.Reset = thrice, patch.Reset{By: "ann", At: now.Add(-time.Minute), Why: "mended"}
		}, ""},
	} {
		w := good()
		c.change(&w)
		switch a := Walk(w); {
		case c.code == "" && !a.Deployable:
			t.Errorf("%s: closed: %+v", name, a.Closed)
		case c.code != "" && (a.Deployable || a.Closed.Code != c.code):
			t.Errorf("%s: %+v", name, a.Closed)
		}
	}
	w := good()
	w.Verdict, w.Attempts = patch.Patched, []patch.Attempt{done(7, patch.EffectNeedsReboot, true)}
	if g := Walk(w).Gate(Reboot); g.State != Open {
		t.Errorf("the machine says that it owes no restart: %+v", g)
	}
	w.Machine.RebootOwed = true
	if g := Walk(w).Gate(Reboot); g.Code != CodeRebootOwed {
		t.Errorf("the machine says that it owes one: %+v", g)
	}
}
