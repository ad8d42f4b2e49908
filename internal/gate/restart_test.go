package gate

import (
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// A restart alone asks for what a restart needs, and for nothing that a patch does: no feed, list, detect or approval.
func TestRestartGates(t *testing.T) {
	now := time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		change func(*World)
		closed Name
		code   string
	}{
		"it owes one":        {func(*World) {}, "", ""},
		"it owes none":       {func(w *World) { w.Machine.RebootOwed = false }, Owed, CodeNotOwed},
		"it owes none; ask":  {func(w *World) { w.Machine.RebootOwed, w.Restart = false, patch.RebootAsk }, Owed, CodeNotOwed},
		"none, and forced":   {func(w *World) { w.Machine.RebootOwed, w.Restart = false, patch.RebootForce }, "", ""},
		"a blackout":         {func(w *World) { w.Freezes = []patch.Blackout{{From: now.Add(-time.Hour), Until: now.Add(time.Hour)}} }, Freeze, CodeFrozen},
		"its window is over": {func(w *World) { w.Window.NotAfter = now.Add(-time.Minute) }, Window, CodeWindowOver},
		"not seen":           {func(w *World) { w.Machine.SeenAt = now.Add(-25 * time.Hour) }, Machine, CodeSilent},
		"not admitted":       {func(w *World) { w.Machine.State = patch.Pending }, Machine, CodePending},
		"no-reboot":          {func(w *World) { w.Machine.Policy = "no-takeover,no-reboot" }, Preflight, CodeOwner},
		"detect-only":        {func(w *World) { w.Machine.Policy = "detect-only" }, Preflight, CodeOwner},
		"no-takeover":        {func(w *World) { w.Machine.Policy = "no-takeover" }, "", ""},
		"an order is out":    {func(w *World) { w.Attempts = []patch.Attempt{{ID: "a", State: patch.ExecWaiting}} }, Attempts, CodeUnderWay},
		"that very order":    {func(w *World) { w.Attempts, w.Own = []patch.Attempt{{ID: "a", State: patch.ExecWaiting}}, "a" }, "", ""},
		"one was taken":      {func(w *World) { w.Attempts = []patch.Attempt{{ID: "a", State: patch.ExecDone}} }, "", ""},
		"one is due":         {func(w *World) { w.RestartDue = &patch.Attempt{ID: "a", State: patch.ExecDone} }, Attempts, CodeUnderWay},
		"it restarts now":    {func(w *World) { w.Machine.Busy = "reboot under way since 03:12Z" }, Attempts, CodeUnderWay},
		"it is announced":    {func(w *World) { w.Machine.Busy = "reboot announced for 2026-11-27 18:38Z" }, Attempts, CodeUnderWay},
		"it loops": {func(w *World) {
			w.Machine.Busy = "reboot waits: Fettle restarted it 3 times within a day and does not do so again before 2026-11-28 03:12Z"
		}, Attempts, CodeUnderWay},
		"it is handed out": {func(w *World) { w.Machine.Busy, w.Own = "reboot due", "a" }, "", ""},
		"one is not made": {func(w *World) {
			w.Machine.Busy, w.RestartDue = "reboot is not made: the machine was told to reboot and did not", &patch.Attempt{ID: "a", State: patch.ExecDone}
		}, "", ""},
	} {
		w := World{Now: now, Limits: DefaultLimits(), Restart: patch.RebootIfNeeded, OS: "debian-12-amd64",
			Machine: patch.Machine{Name: "web-1", State: patch.Admitted, SeenAt: now, RebootOwed: true}}
		c.change(&w)
		a := Walk(w)
		if got := Sketch(&w); got.Deployable != a.Deployable || got.Standing != a.Standing {
			t.Errorf("%s: a sketch says %+v", name, got)
		}
		switch {
		case c.closed == "" && (!a.Deployable || a.Standing != "may restart"), a.Next == "", a.Sentence == "":
			t.Errorf("%s: %+v", name, a)
		case c.closed != "" && (a.Deployable || a.Closed.Name != c.closed || a.Closed.Code != c.code || a.Closed.Next == ""):
			t.Errorf("%s: %+v", name, a.Closed)
		}
	}
}

// A restart that is owed says who can act: nobody's hand brings one that no plan permits any more.
func TestWhoRestarts(t *testing.T) {
	for busy, want := range map[string]Actor{
		"":                  Person,
		"locked by apt (7)": Person,
		"reboot is not made: the deployment 01J was halted; what the machine owes stays owed":                         Person,
		"reboot waits: its window is over; it stays owed until another plan restarts it, or somebody does":            Person,
		"reboot waits: the owner of this machine forbids reboots in its local policy file (no-reboot)":                Owner,
		"reboot waits: web-2 (03:12Z) restarts now, and 1 of the ring web may at once; it is number 2 of 3 that wait": Agent,
		"reboot announced for 2026-11-27 18:38Z, and whoever works there is asked (put off 0 of 2 times)":             Agent,
		"reboot waits: Fettle restarted it 3 times within a day and does not do so again before 2026-11-28 03:12Z":    Person,
		"reboot under way since 03:12Z": Agent,
		"reboot due":                    Agent,
	} {
		if next, who := Restarts(patch.Machine{Busy: busy}); who != want || next == "" {
			t.Errorf("%q: %s by %q, not %q", busy, next, who, want)
		}
	}
}
