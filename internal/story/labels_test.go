package story_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/approval"
	"github.com/fettle-project/fettle/internal/patch"
)

func (s *site) patchLabel(name, expr string, by ...patch.ID) {
	s.t.Helper()
	s.must(s.book.Put(s.ctx(), s.admin, patch.Label{Name: name, Of: patch.OfPatches, Expr: expr, Patches: by, CreatedAt: s.now}))
}

func TestDecisionAboutALabelOfPatches(t *testing.T) {
	s, _ := ready(t)
	s.patchLabel("core", `patch.source in ["perl", "openssl"]`)
	r := approval.Request{Patches: []patch.ID{"label:core", curl}, Label: "all", Verb: patch.Approve}
	look, err := s.desk.Preview(t.Context(), r)
	s.must(err)
	made, err := s.desk.Decide(t.Context(), s.admin, r)
	s.must(err)
	via := map[patch.ID]string{}
	for _, d := range made {
		via[d.Patch] = d.Via
	}
	if d := cmp.Diff(map[patch.ID]string{perl: "core", oldPerl: "core", openssl: "core", curl: ""}, via); d != "" || len(look.Patches) != len(made) {
		t.Errorf("%d previewed:\n%s", len(look.Patches), d)
	}
	all, err := s.store.ListDecisions(t.Context(), patch.DecisionFilter{Patch: perl})
	s.must(err)
	if len(all) != 1 || all[0].Via != "core" {
		t.Errorf("stored as %+v", all)
	}
	for name, ids := range map[string][]patch.ID{"no such label": {"label:none"}, "a label of machines": {"label:all"}} {
		if _, err := s.desk.Decide(t.Context(), s.admin, approval.Request{Patches: ids, Label: "all", Verb: patch.Approve}); err == nil || patch.KindOf(err) == patch.Internal {
			t.Errorf("%s: %v", name, err)
		}
	}
	s.patchLabel("none", `false`)
	if _, err := s.desk.Decide(t.Context(), s.admin, approval.Request{Patches: []patch.ID{"label:none"}, Label: "all", Verb: patch.Approve}); patch.KindOf(err) != patch.Invalid {
		t.Errorf("a label that no patch carries: %v", err)
	}
	if _, err := s.desk.Decide(t.Context(), s.admin, approval.Request{Patches: []patch.ID{curl}, Label: "core", Verb: patch.Approve}); patch.KindOf(err) != patch.Invalid {
		t.Errorf("decided for a label of patches: %v", err)
	}
}

func TestRuleKeepsToALabelOfPatches(t *testing.T) {
	s, _ := ready(t)
	x := s.rules()
	s.patchLabel("few", "", curl)
	s.rule(x, patch.Rule{Name: "few", Label: "all", Verb: patch.Approve, Patches: "few"})
	got := s.standing("all")
	if len(got) != 1 || got[curl] != "approve by rule few v1" {
		t.Fatalf("%v", got)
	}
	s.patchLabel("few", "", curl, openssl)
	s.must(x.Run(t.Context())) // what carries the label later is decided later
	if got := s.standing("all"); got[openssl] == "" || len(got) != 2 {
		t.Errorf("%v", got)
	}
	s.must(s.book.Remove(t.Context(), s.admin, "few"))
	s.must(x.Run(t.Context()))
	if got := s.standing("all"); len(got) != 2 {
		t.Errorf("a rule of a label that is gone decided: %v", got)
	}
	if _, err := x.Put(t.Context(), s.admin, patch.Rule{Name: "none", Label: "all", Verb: patch.Approve, Patches: "none"}); patch.KindOf(err) != patch.NotFound {
		t.Errorf("a rule of no label: %v", err)
	}
}

func TestWhoCarriedTheLabelIsRecordedWithTheDecision(t *testing.T) {
	s, b := ready(t)
	other := s.enrol("web-2", bookworm)
	s.hand("few", b.id)
	made, err := s.desk.Decide(t.Context(), s.admin, approval.Request{Patches: []patch.ID{curl}, Label: "few", Verb: patch.Approve})
	s.must(err)
	s.hand("few", other.id)
	d, err := s.store.FindDecision(t.Context(), made[0].ID)
	s.must(err)
	r, err := s.desk.Recall(t.Context(), d)
	s.must(err)
	if !r.Recorded || !slices.Equal(r.Then, []patch.MachineID{b.id}) || !slices.Equal(r.Now, []patch.MachineID{other.id}) || !slices.Equal(r.Joined, r.Now) || !slices.Equal(r.Left, r.Then) {
		t.Errorf("%+v", r)
	}
	if r.Names[b.id] != "web-1" || r.Names[other.id] != "web-2" || len(r.Names) != 2 {
		t.Errorf("they are called %v", r.Names)
	}
	s.must(s.book.Remove(t.Context(), s.admin, "few"))
	if r, err = s.desk.Recall(t.Context(), d); err != nil || !r.Gone || len(r.Then) != 1 || len(r.Now) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	s.rule(s.rules(), patch.Rule{Name: "all", Label: "all", Verb: patch.Approve, Expr: `patch.source == "openssl"`})
	all, err := s.store.ListDecisions(t.Context(), patch.DecisionFilter{Patch: openssl})
	s.must(err)
	if r, err = s.desk.Recall(t.Context(), all[0]); err != nil || !r.Recorded || len(r.Then) != 2 {
		t.Errorf("a rule's decision: %+v, %v", r, err)
	}
	s.must(s.store.SetMachineState(t.Context(), s.admin, b.id, patch.Revoked))
	if r, err = s.desk.Recall(t.Context(), d); err != nil || r.Names[b.id] != "web-1" {
		t.Errorf("who is shut out by now is called %v, %v", r.Names, err)
	}
}
