package story_test

import (
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/plan"
)

// A halt reaches the restarts of a deployment too, also where all of it is installed, and a blackout that was announced meanwhile keeps them back.
func TestAHaltCallsRestartsOff(t *testing.T) {
	s, b := ready(t, curl)
	p, err := s.planner.Make(t.Context(), s.admin, plan.Request{Label: "all", Reboot: &patch.RebootPolicy{Mode: patch.RebootIfNeeded}})
	s.must(err)
	dep, err := s.deploy.Apply(t.Context(), s.admin, p)
	s.must(err)
	o, _ := b.order()
	b.work()
	may := func(want string, never bool) {
		t.Helper()
		text, got, err := s.deploy.MayRestart(t.Context(), b.id, o.ID)
		s.must(err)
		if (want == "") != (text == "") || !strings.Contains(text, want) || got != never {
			t.Errorf("%q, never %v", text, got)
		}
	}
	may("", false)
	s.freeze("fair", "2026-11-24 09:00", "2026-11-24 20:00", "")
	s.clockAt(24, 11, 0)
	may("blackout until 2026-11-24 20:00Z, by m.keller: Closing the books.", false)
	s.clockAt(24, 20, 1)
	may("", false)
	s.must(s.deploy.Sweep(t.Context()))
	if d, err := s.deploy.Watch(t.Context(), dep.ID); err != nil || d.Deployment.State != patch.Finished {
		t.Fatalf("%+v %v", d.Deployment.State, err)
	}
	dep, err = s.deploy.Halt(t.Context(), s.admin, dep.ID)
	if err != nil || dep.State != patch.Halted {
		t.Fatalf("%s %v", dep.State, err)
	}
	may("the deployment "+dep.ID+" was halted", true)
	if text, never, err := s.deploy.MayRestart(t.Context(), b.id, "an order of before a backup"); text != "" || never || err != nil {
		t.Errorf("%q %v %v", text, never, err)
	}
}

// What restarts nothing cannot be halted once it has finished.
func TestAFinishedDeploymentIsNotHalted(t *testing.T) {
	s, b := ready(t, curl)
	dep := s.roll()
	b.work()
	s.must(s.deploy.Sweep(t.Context()))
	if _, err := s.deploy.Halt(t.Context(), s.admin, dep.ID); patch.KindOf(err) != patch.Conflict {
		t.Errorf("%v", err)
	}
}
