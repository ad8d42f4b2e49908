package story_test

import (
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/approval"
	"github.com/fettle-project/fettle/internal/patch"
)

func (s *site) rules() *approval.Rules {
	return &approval.Rules{Desk: s.desk, Store: s.store, OSes: s.store.ListOSes}
}

func (s *site) rule(x *approval.Rules, r patch.Rule) patch.Rule {
	s.t.Helper()
	stored, err := x.Put(s.ctx(), s.admin, r)
	s.must(err)
	return stored
}

// standing lists what counts now for a label: patch ID → verb and who.
func (s *site) standing(label string) map[patch.ID]string {
	s.t.Helper()
	all, err := s.store.ListDecisions(s.ctx(), patch.DecisionFilter{Label: label})
	s.must(err)
	out := map[patch.ID]string{}
	for _, d := range all {
		out[d.Patch] = string(d.Verb) + " by " + d.By
	}
	return out
}

func TestRuleDecidesWhatMeetsItsConditions(t *testing.T) {
	s, b := ready(t)
	x := s.rules()
	r := s.rule(x, patch.Rule{Name: "security", Label: "all", Verb: patch.Approve, Expr: `patch.category == "security" && patch.source in ["perl", "openssl"]`, Note: "the round"})
	got := s.standing("all")
	if r.Version != 1 || got[perl] != "approve by rule security v1" || got[openssl] == "" || got[curl] != "" || got[oldPerl] != "" {
		t.Errorf("version %d decided %v", r.Version, got)
	}
	if ex := s.explain(b, perl); ex.Row.Policy.Stand != patch.Approved {
		t.Errorf("explain says %s", ex.Row.Policy.Stand)
	}
	s.must(x.Run(t.Context())) // nothing new
	history, err := s.store.DecisionHistory(t.Context(), perl)
	s.must(err)
	if len(history) != 1 || history[0].Why != "the round" {
		t.Errorf("%+v", history)
	}
}

func TestPeopleStandAboveRules(t *testing.T) {
	s, _ := ready(t)
	x := s.rules()
	s.decide(patch.Decline, "all", perl)
	s.decide(patch.Approve, "all", curl)
	s.decide(patch.Clear, "all", curl)
	s.rule(x, patch.Rule{Name: "everything", Label: "all", Verb: patch.Approve})
	got := s.standing("all")
	if got[perl] != "decline by m.keller" || got[curl] != "" || got[openssl] != "approve by rule everything v1" {
		t.Errorf("%v", got)
	}
	s.decide(patch.Clear, "all", openssl)
	s.must(x.Run(t.Context()))
	if got := s.standing("all"); got[openssl] != "" {
		t.Errorf("what a person took back is decided again: %v", got)
	}
}

func TestRuleWaitsUntilAPatchHasSoaked(t *testing.T) {
	s, _ := ready(t)
	x := s.rules()
	for i := range s.cat.newest[bookworm].patches {
		s.cat.newest[bookworm].patches[i].Released = s.now.Add(-time.Hour)
	}
	look, err := x.Look(t.Context(), patch.Rule{Name: "slow", Label: "all", Verb: patch.Approve, SoakDays: 3})
	s.must(err)
	if len(look.Now) != 0 || len(look.Waiting) == 0 || !strings.Contains(look.Sentence.String(), "have been out for 3 days") {
		t.Errorf("%+v", look)
	}
	s.rule(x, patch.Rule{Name: "slow", Label: "all", Verb: patch.Approve, SoakDays: 3})
	if got := s.standing("all"); len(got) != 0 {
		t.Errorf("decided at once: %v", got)
	}
	s.later(3 * 24 * time.Hour)
	s.must(x.Run(t.Context()))
	if got := s.standing("all"); got[perl] == "" || got[oldPerl] != "" {
		t.Errorf("after three days: %v", got)
	}
}

// A patch is proven by the first ring for days before a rule approves it for all, and one that is halted meanwhile never is.
func TestRuleWaitsForARing(t *testing.T) {
	s, _, canary, early, _ := ringed(t, nil)
	x := s.rules()
	s.decide(patch.Clear, "all", perl)
	s.decide(patch.Approve, "canary", perl)
	s.later(time.Second)
	rule := patch.Rule{Name: "proven", Label: "others", Verb: patch.Approve, AfterRing: "canary", SoakDays: 3}
	look, err := x.Look(t.Context(), rule)
	s.must(err)
	if len(look.Now) != 0 || len(look.Waiting) == 0 || !look.Waiting[0].Due.IsZero() || !strings.Contains(look.Sentence.String(), "when they passed the ring canary 3 days ago") {
		t.Errorf("%s %+v", look.Sentence, look)
	}
	s.rule(x, rule)
	s.step()
	for _, b := range canary {
		if !b.work() {
			t.Fatalf("%s of the first ring got nothing", b.name)
		}
	}
	s.hours(26, canary, early)
	look, err = x.Look(t.Context(), rule)
	s.must(err)
	if len(look.Now) != 0 || look.Waiting[0].Patch != perl || look.Waiting[0].Due.Before(s.now.AddDate(0, 0, 2)) || !look.Waiting[len(look.Waiting)-1].Due.IsZero() {
		t.Errorf("it has passed the ring: %+v", look)
	}
	s.hours(2*24, canary, early)
	s.must(x.Run(t.Context()))
	if got := s.standing("others"); len(got) != 0 {
		t.Errorf("decided after two days: %v", got)
	}
	halted := func(halt bool) {
		t.Helper()
		s.hours(25, canary, early)
		if halt {
			s.must(s.rings.Halt(s.ctx(), s.admin, perl, "a customer calls"))
		} else {
			s.must(s.rings.Resume(s.ctx(), s.admin, perl, "it was something else"))
		}
		s.must(x.Run(t.Context()))
	}
	halted(true)
	if got := s.standing("others"); len(got) != 0 {
		t.Errorf("decided while it is halted: %v", got)
	}
	halted(false)
	if got := s.standing("others"); len(got) != 1 || got[perl] != "approve by rule proven v1" {
		t.Errorf("after three days: %v", got)
	}
	_, err = x.Put(t.Context(), s.admin, patch.Rule{Name: "x", Label: "all", Verb: patch.Approve, AfterRing: "gone"})
	if patch.KindOf(err) != patch.NotFound || !strings.Contains(err.Error(), "gone") {
		t.Errorf("a ring that is not there: %v", err)
	}
}

func TestOlderPatchIsDecidedWhileItsSuccessorWaits(t *testing.T) {
	s, _ := ready(t)
	x := s.rules()
	for i := range s.cat.newest[bookworm].patches {
		p := &s.cat.newest[bookworm].patches[i]
		p.Released = s.now.AddDate(0, 0, -30)
		if p.ID == perl {
			p.Released = s.now
		}
	}
	s.rule(x, patch.Rule{Name: "slow", Label: "all", Verb: patch.Approve, SoakDays: 3})
	if got := s.standing("all"); got[oldPerl] == "" || got[perl] != "" {
		t.Errorf("%v", got)
	}
}

func TestPausedRuleAndRuleOfALabelThatIsGoneDecideNothing(t *testing.T) {
	s, _ := ready(t)
	x := s.rules()
	s.rule(x, patch.Rule{Name: "off", Label: "all", Verb: patch.Approve, Paused: true})
	s.must(s.book.Put(s.ctx(), s.admin, patch.Label{Name: "few", Members: []patch.MachineID{"id-web-1"}, CreatedAt: s.now}))
	s.rule(x, patch.Rule{Name: "few", Label: "few", Verb: patch.Approve, Expr: "false"})
	s.must(s.book.Remove(s.ctx(), s.admin, "few"))
	s.rule(x, patch.Rule{Name: "none", Label: "all", Verb: patch.Approve, Expr: "false"})
	s.must(x.Run(t.Context()))
	if got := s.standing("all"); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

// An expression may fail while it is evaluated: an index beyond the end.
func TestRuleWhoseConditionFailsDecidesNothing(t *testing.T) {
	s, _ := ready(t)
	s.rule(s.rules(), patch.Rule{Name: "first", Label: "all", Verb: patch.Approve, Expr: `patch.cves[7] == "CVE-2026-1"`})
	if got := s.standing("all"); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

func TestRemovingARuleTakesBackOnlyWhenAsked(t *testing.T) {
	s, _ := ready(t)
	x := s.rules()
	s.decide(patch.Approve, "all", curl)
	for _, takeBack := range []bool{false, true} {
		s.rule(x, patch.Rule{Name: "security", Label: "all", Verb: patch.Approve, Expr: `patch.source == "perl"`})
		n, err := x.Remove(t.Context(), s.admin, "security", takeBack)
		s.must(err)
		got := s.standing("all")
		if (got[perl] == "") != takeBack || (n == 1) != takeBack || got[curl] == "" {
			t.Errorf("take back %t: %d, %v", takeBack, n, got)
		}
	}
	if _, err := x.Remove(t.Context(), s.admin, "security", false); patch.KindOf(err) != patch.NotFound {
		t.Error(err)
	}
}

func TestRulesThatCannotBeAreRefused(t *testing.T) {
	s, _ := ready(t)
	x := s.rules()
	for why, r := range map[string]patch.Rule{
		"a name has":            {Name: "Some Rule", Label: "all", Verb: patch.Approve},
		"approves or declines":  {Name: "x", Label: "all", Verb: patch.Hold},
		"no label is called":    {Name: "x", Label: "nobody", Verb: patch.Approve},
		"from 0 to 365":         {Name: "x", Label: "all", Verb: patch.Approve, SoakDays: -1},
		"there is no field":     {Name: "x", Label: "all", Verb: patch.Approve, Expr: "patch.colour == 1"},
		"it gives no yes or no": {Name: "x", Label: "all", Verb: patch.Approve, Expr: "patch.id"},
		"is not known":          {Name: "x", Label: "all", Verb: patch.Approve, Expr: "machine.id == ''"},
		"its note is longer th": {Name: "x", Label: "all", Verb: patch.Approve, Note: strings.Repeat("x", 2001)},
	} {
		if _, err := x.Put(t.Context(), s.admin, r); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%+v: %v", r, err)
		}
		if _, err := x.Look(t.Context(), r); err == nil {
			t.Errorf("%+v can be looked at", r)
		}
	}
}
