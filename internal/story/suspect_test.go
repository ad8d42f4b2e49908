package story_test

import (
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/plan"
)

func (s *site) suspects() (out []patch.Alarm) {
	s.t.Helper()
	all, err := s.store.ListAlarms(s.ctx(), true)
	s.must(err)
	for _, a := range all {
		if a.Kind == "suspect" {
			out = append(out, a)
		}
	}
	return out
}

// Something takes the patch away each time that Fettle has installed it. After the third time Fettle stops, says so, and goes on only when a
// person has approved it again.
func TestFlappingPatchIsHeld(t *testing.T) {
	s, b := ready(t, perl)
	for round := 1; round <= 3; round++ {
		if a := s.explain(b, perl).Answer; !a.Deployable {
			t.Fatalf("before round %d: %s", round, a.Sentence)
		}
		s.roll()
		if !b.work() {
			t.Fatalf("round %d brought no order", round)
		}
		s.later(time.Hour)
		b.set("perl-base=5.36.0-7")
		b.history = append([]patch.PkgChange{{At: s.now, Action: "downgrade", Name: "perl-base", By: "unattended-upgrades", Who: patch.DoerService}}, b.history...)
		b.detect()
		if n := len(s.suspects()); n != round/3 {
			t.Errorf("after round %d there are %d alarms", round, n)
		}
	}
	a := s.explain(b, perl).Answer
	g := a.Gate(gate.Hold)
	if a.Deployable || a.Closed.Code != gate.CodeSuspect || a.Actor != gate.Person || !strings.Contains(g.Evidence.String(), "attempt 3 ended well") || !strings.Contains(g.Evidence.String(), "unattended-upgrades") {
		t.Errorf("%s\n%s", a.Sentence, g.Evidence)
	}
	s.accounts([]patch.MachineID{b.id}, []patch.ID{perl})
	t.Log(a.Sentence)
	t.Log(g.Evidence)
	p, err := s.planner.Make(t.Context(), s.admin, plan.Request{Label: patch.LabelAll})
	s.must(err)
	if len(p.Machines) > 0 && len(p.Machines[0].Items) > 0 {
		t.Errorf("it is planned once more: %+v", p.Machines[0].Items)
	}
	if al := s.suspects(); len(al) != 1 || !strings.Contains(al[0].Text.String(), "definition suspect") {
		t.Errorf("%+v", al)
	}
	s.must(s.ledger.ClearSuspects(t.Context()))
	if len(s.suspects()) != 1 {
		t.Error("the alarm ended by itself")
	}
	s.decide(patch.Approve, "all", perl)
	s.must(s.ledger.ClearSuspects(t.Context()))
	if a := s.explain(b, perl).Answer; !a.Deployable || len(s.suspects()) != 0 {
		t.Errorf("approved again: %s, %d alarms", a.Sentence, len(s.suspects()))
	}
}
