package gate

import (
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// ringsBefore are the rings of a machine in the second of two.
func ringsBefore(passed bool, unproven int) []RingFact {
	canary := RingFact{Ring: patch.Ring{Name: "canary", Label: "canary"}.WithDefaults()}
	if passed {
		canary.Progress.PassedAt = now.Add(-time.Hour)
	}
	early := RingFact{Ring: patch.Ring{Name: "early", Label: "early"}.WithDefaults(), Own: true, Load: patch.RingLoad{Unproven: unproven}}
	return []RingFact{canary, early}
}

func TestRingsThatAreOpen(t *testing.T) {
	for name, change := range map[string]func(*World){
		"no rings":                  func(w *World) { w.Rings = nil },
		"the one before has passed": func(*World) {},
		"a place is left":           func(w *World) { w.Rings[1].Load.Unproven = 4 },
		"proofs make room": func(w *World) {
			w.Rings[1].Load.Unproven, w.Rings[1].Progress.Proven = 8, 9
		},
		"a place that it has stays its own": func(w *World) {
			w.Rings[1].Load.Unproven, w.Own = 50, "a1"
			w.Attempts = []patch.Attempt{{ID: "a1", State: patch.ExecWaiting, Ring: "early"}}
		},
		"no ring of its own, and all have passed": func(w *World) { w.Rings = w.Rings[:1] },
	} {
		t.Run(name, func(t *testing.T) {
			w := good()
			w.Rings = ringsBefore(true, 0)
			change(&w)
			if a := Walk(w); !a.Deployable || a.Queues() {
				t.Errorf("closed: %+v", a.Closed)
			}
		})
	}
}

// A deployment takes along what only waits for its ring or its turn, and nothing else.
func TestQueues(t *testing.T) {
	waiting := func(w *World) { w.Rings = ringsBefore(false, 0) }
	for name, c := range map[string]struct {
		change func(*World)
		queues bool
	}{
		"an earlier ring comes first": {waiting, true},
		"its turn comes":              {func(w *World) { w.Turn = now.Add(time.Hour) }, true},
		"both":                        {func(w *World) { waiting(w); w.Turn = now.Add(time.Hour) }, true},
		"nothing":                     {func(*World) {}, false},
		"halted": {func(w *World) {
			w.Rings, w.Quarantine = ringsBefore(true, 0), &patch.RingProgress{Ring: "canary", HaltedAt: now}
		}, false},
		"and it is held": {func(w *World) {
			waiting(w)
			w.Policy = PolicyOf([]string{"web"}, []patch.Decision{approve("all"), decide(patch.Hold, "web", now.Add(24*time.Hour))}, now)
		}, false},
		"and the payload is missing": {func(w *World) { waiting(w); w.Payloads[0].State = patch.PayloadWanted }, false},
	} {
		w := good()
		c.change(&w)
		if a := Walk(w); a.Queues() != c.queues {
			t.Errorf("%s: queues %v, closed %+v", name, a.Queues(), a.Closed)
		}
	}
}

// What waits in a deployment while it is halted has no order to wait for, and a person ends that; an order that is out is still the machine's.
func TestAnAttemptThatWaitsWhileItIsHalted(t *testing.T) {
	for order, want := range map[string]struct {
		says  string
		actor Actor
	}{"": {"no order for it goes out while it is halted", Person}, "o1": {"the order waits for the machine", Agent}} {
		w := good()
		w.Rings, w.Quarantine = ringsBefore(true, 0), &patch.RingProgress{Ring: "canary", HaltedAt: now}
		w.Attempts = []patch.Attempt{{ID: "a", State: patch.ExecWaiting, Order: order}}
		g := attempts(&w)
		if g.Code != CodeUnderWay || !strings.Contains(g.Text.String(), want.says) || g.Actor != want.actor {
			t.Errorf("order %q: %s, actor %s", order, g.Text, g.Actor)
		}
	}
}
