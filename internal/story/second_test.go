package story_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/approval"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
)

func (s *site) submit(who patch.Caller, verb patch.Verb, label string, ids ...patch.ID) approval.Outcome {
	s.t.Helper()
	r := approval.Request{Patches: ids, Label: label, Verb: verb}
	if verb == patch.Hold {
		r.Until, r.Why = s.now.Add(24*time.Hour), "the till"
	}
	s.later(time.Millisecond)
	out, err := s.desk.Submit(s.ctx(), who, r)
	s.must(err)
	return out
}

func colleague() patch.Caller {
	return patch.Caller{Name: "j.weber", Role: patch.Operator, From: "local", Via: "cli"}
}

func TestApprovalWaitsForASecondPerson(t *testing.T) {
	s, b := ready(t)
	s.desk.TwoPerson = approval.TwoPerson{On: true}
	out := s.submit(s.admin, patch.Approve, "all", perl, curl)
	if len(out.Decisions) != 0 || out.Proposal == nil || len(out.Proposal.Patches) != 2 {
		t.Fatalf("%+v", out)
	}
	a := s.explain(b, perl).Answer
	if a.Closed == nil || a.Closed.Name != gate.Policy || a.Closed.Code != gate.CodeProposed || a.Actor != gate.Person || !strings.Contains(a.Sentence.String(), "it waits for a second person: proposed by m.keller today") {
		t.Errorf("%+v", a.Closed)
	}
	if n := len(s.plan().Machines); n != 0 {
		t.Errorf("what waits for a second person is planned for %d machines", n)
	}
	id := out.Proposal.ID
	if _, err := s.desk.Confirm(t.Context(), s.admin, id, ""); patch.KindOf(err) != patch.Forbidden {
		t.Errorf("the proposer confirmed it: %v", err)
	}
	if _, err := s.desk.Decide(t.Context(), s.admin, approval.Request{Patches: []patch.ID{perl}, Label: "all", Verb: patch.Approve}); patch.KindOf(err) != patch.Forbidden {
		t.Errorf("decided alone: %v", err)
	}
	made, err := s.desk.Confirm(t.Context(), colleague(), id, "looked at it")
	s.must(err)
	if len(made) != 2 || made[0].By != "m.keller" || made[0].Second != "j.weber" || made[0].Scope == "" {
		t.Errorf("%+v", made)
	}
	if a := s.explain(b, perl).Answer; !a.Deployable || !strings.Contains(a.Gate(gate.Policy).Text.String(), "by m.keller and j.weber") {
		t.Errorf("%s; %s", a.Sentence, a.Gate(gate.Policy).Text)
	}
	if _, err := s.desk.Confirm(t.Context(), colleague(), id, ""); patch.KindOf(err) != patch.Conflict {
		t.Errorf("confirmed twice: %v", err)
	}
	var actions []string
	log, err := s.store.ListAudit(t.Context(), time.Time{}, 0)
	s.must(err)
	for _, e := range log {
		actions = append(actions, e.Action+" by "+e.Who)
	}
	for _, want := range []string{"proposal.put by m.keller", "proposal.confirmed by j.weber"} {
		if !slices.Contains(actions, want) {
			t.Errorf("%q is not in the audit log: %v", want, actions)
		}
	}
}

// What was decided after a proposal is not undone by whoever confirms it without having seen that.
func TestProposalIsOvertakenByADecision(t *testing.T) {
	s, b := ready(t)
	s.desk.TwoPerson = approval.TwoPerson{On: true}
	both, one := s.submit(s.admin, patch.Approve, "all", perl, curl).Proposal, s.submit(s.admin, patch.Approve, "all", openssl).Proposal
	s.decide(patch.Decline, "all", curl)
	s.later(time.Second)
	_, err := s.desk.Confirm(t.Context(), colleague(), both.ID, "")
	if patch.KindOf(err) != patch.Conflict || err == nil || !strings.Contains(err.Error(), string(curl)) {
		t.Errorf("confirmed over a refusal: %v", err)
	}
	if a := s.explain(b, curl).Answer; a.Closed.Code != gate.CodeDeclined {
		t.Errorf("it is %s: %s", a.Closed.Code, a.Sentence)
	}
	if _, err := s.desk.Confirm(t.Context(), colleague(), one.ID, ""); err != nil {
		t.Errorf("one about another patch: %v", err)
	}
	again := s.submit(s.admin, patch.Approve, "all", openssl).Proposal
	twice := s.submit(s.admin, patch.Approve, "all", openssl).Proposal
	for _, p := range []*patch.Proposal{again, twice} {
		s.later(time.Second)
		if _, err := s.desk.Confirm(t.Context(), colleague(), p.ID, ""); err != nil {
			t.Errorf("what says the same is overtaken: %v", err)
		}
	}
}

func TestProposalIsRejectedOrWithdrawn(t *testing.T) {
	s, b := ready(t)
	s.desk.TwoPerson = approval.TwoPerson{On: true}
	one, other := s.submit(s.admin, patch.Approve, "all", perl).Proposal, s.submit(s.admin, patch.Approve, "all", curl).Proposal
	p, err := s.desk.Reject(t.Context(), colleague(), one.ID, "after the sale")
	s.must(err)
	q, err := s.desk.Reject(t.Context(), s.admin, other.ID, "")
	s.must(err)
	if p.State != patch.Rejected || q.State != patch.Withdrawn || p.Answer != "after the sale" {
		t.Errorf("%+v %+v", p, q)
	}
	if a := s.explain(b, perl).Answer; a.Closed.Code != gate.CodeUndecided {
		t.Errorf("%+v", a.Closed)
	}
}

// Whatever can let a patch through needs two; whatever keeps it back needs one.
func TestOnlyWhatLoosensNeedsASecondPerson(t *testing.T) {
	s, _ := ready(t)
	s.decide(patch.Decline, "all", perl)
	s.decide(patch.Hold, "all", curl)
	s.decide(patch.Approve, "all", openssl)
	s.desk.TwoPerson = approval.TwoPerson{On: true}
	for _, c := range []struct {
		verb   patch.Verb
		id     patch.ID
		second bool
	}{{patch.Decline, openssl, false}, {patch.Clear, perl, true}, {patch.Clear, curl, true}, {patch.Hold, perl, true}, {patch.Hold, curl, false}, {patch.Approve, curl, true}, {patch.Clear, oldPerl, false}} {
		if out := s.submit(s.admin, c.verb, "all", c.id); (out.Proposal != nil) != c.second || (len(out.Decisions) == 1) == c.second {
			t.Errorf("%s %s: %+v", c.verb, c.id, out)
		}
	}
	if _, err := s.desk.Submit(t.Context(), s.admin, approval.Request{Patches: []patch.ID{curl}, Label: "all", Verb: patch.Hold, Until: s.now.Add(time.Hour), Why: "the till"}); err != nil {
		t.Fatal(err)
	}
	open, err := s.store.ListProposals(t.Context(), true)
	s.must(err)
	if open[0].Verb != patch.Hold || open[0].Patches[0] != curl {
		t.Errorf("a hold that is shortened was not proposed: %+v", open[0])
	}
}

func TestTwoPersonsForSomeLabelsOnly(t *testing.T) {
	s, b := ready(t)
	other := s.enrol("web-2", bookworm)
	s.hand("production", b.id)
	s.hand("web", b.id, other.id)
	s.hand("test", other.id)
	s.desk.TwoPerson = approval.TwoPerson{On: true, Labels: []string{"production"}}
	for label, second := range map[string]bool{"production": true, "web": true, "all": true, "test": false} {
		if out := s.submit(s.admin, patch.Approve, label, perl); (out.Proposal != nil) != second {
			t.Errorf("%s: %+v", label, out)
		}
	}
}

func TestRuleProposesWhereTwoAreNeeded(t *testing.T) {
	s, _ := ready(t)
	s.desk.TwoPerson = approval.TwoPerson{On: true}
	x := s.rules()
	s.rule(x, patch.Rule{Name: "curl", Label: "all", Verb: patch.Approve, Expr: `patch.source == "curl"`})
	s.must(x.Run(t.Context()))
	open, err := s.store.ListProposals(t.Context(), false)
	s.must(err)
	if len(open) != 1 || open[0].By != "rule curl v1" || open[0].Author != "m.keller" || len(s.standing("all")) != 0 {
		t.Fatalf("%+v", open)
	}
	if _, err := s.desk.Confirm(t.Context(), s.admin, open[0].ID, ""); patch.KindOf(err) != patch.Forbidden {
		t.Errorf("whoever wrote the rule confirmed what it proposed: %v", err)
	}
	_, err = s.desk.Reject(t.Context(), colleague(), open[0].ID, "no")
	s.must(err)
	s.must(x.Run(t.Context()))
	if open, err = s.store.ListProposals(t.Context(), true); err != nil || len(open) != 0 {
		t.Errorf("what was rejected is proposed again: %+v, %v", open, err)
	}
	s.rule(x, patch.Rule{Name: "no", Label: "all", Verb: patch.Decline, Expr: `patch.source == "perl"`})
	if got := s.standing("all"); got[perl] == "" {
		t.Errorf("a rule that declines waits: %v", got)
	}
}
