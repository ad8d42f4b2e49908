package story_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/approval"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/lint"
	"github.com/fettle-project/fettle/internal/patch"
)

func TestDecisionsThatAreRefused(t *testing.T) {
	s, _ := ready(t)
	for name, c := range map[string]struct {
		r    approval.Request
		kind patch.Kind
	}{
		"no patch":           {approval.Request{Label: "all", Verb: patch.Approve}, patch.Invalid},
		"unknown patch":      {approval.Request{Patches: []patch.ID{perl, "x/y/1"}, Label: "all", Verb: patch.Approve}, patch.NotFound},
		"no label":           {approval.Request{Patches: []patch.ID{perl}, Verb: patch.Approve}, patch.Invalid},
		"unknown label":      {approval.Request{Patches: []patch.ID{perl}, Label: "moon", Verb: patch.Approve}, patch.NotFound},
		"unknown verb":       {approval.Request{Patches: []patch.ID{perl}, Label: "all", Verb: "destroy"}, patch.Invalid},
		"hold in the past":   {approval.Request{Patches: []patch.ID{perl}, Label: "all", Verb: patch.Hold, Until: s.now}, patch.Invalid},
		"hold without end":   {approval.Request{Patches: []patch.ID{perl}, Label: "all", Verb: patch.Hold}, patch.Invalid},
		"approval that ends": {approval.Request{Patches: []patch.ID{perl}, Label: "all", Verb: patch.Approve, Until: s.now.Add(time.Hour)}, patch.Invalid},
		"approval's owner":   {approval.Request{Patches: []patch.ID{perl}, Label: "all", Verb: patch.Approve, Owner: "j.lind"}, patch.Invalid},
		"long owner":         {approval.Request{Patches: []patch.ID{perl}, Label: "all", Verb: patch.Hold, Until: s.now.Add(time.Hour), Owner: strings.Repeat("x", 300)}, patch.Invalid},
		"long reason":        {approval.Request{Patches: []patch.ID{perl}, Label: "all", Verb: patch.Approve, Why: strings.Repeat("x", 3000)}, patch.Invalid},
	} {
		if _, err := s.desk.Decide(t.Context(), s.admin, c.r); patch.KindOf(err) != c.kind || err == nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := s.desk.Preview(t.Context(), c.r); err == nil {
			t.Errorf("%s has a preview", name)
		}
	}
	if all, err := s.store.ListDecisions(t.Context(), patch.DecisionFilter{}); err != nil || len(all) != 0 {
		t.Errorf("%v, %d decisions", err, len(all))
	}
}

// A hold says what it waits for; its preview needs not. Its owner is whoever decides it, if nobody else is named.
func TestHoldHasAReason(t *testing.T) {
	s, b := ready(t)
	r := approval.Request{Patches: []patch.ID{perl}, Label: "all", Verb: patch.Hold, Until: s.now.Add(time.Hour), Why: " \n"}
	for name, decide := range map[string]func() error{
		"decided":  func() error { _, err := s.desk.Decide(t.Context(), s.admin, r); return err },
		"proposed": func() error { _, err := s.desk.Submit(t.Context(), s.admin, r); return err },
	} {
		if err := decide(); patch.KindOf(err) != patch.Invalid || err == nil || !strings.Contains(err.Error(), "a hold needs a reason") {
			t.Errorf("%s without a reason: %v", name, err)
		}
	}
	if _, err := s.desk.Preview(t.Context(), r); err != nil {
		t.Errorf("it has no preview: %v", err)
	}
	r.Why = "the till"
	made, err := s.desk.Decide(t.Context(), s.admin, r)
	s.must(err)
	if made[0].Owner != "m.keller" {
		t.Errorf("its owner is %q", made[0].Owner)
	}
	old := made[0]
	old.ID, old.Patch, old.Why, old.Owner = "old", curl, "", ""
	s.must(s.store.PutDecisions(t.Context(), s.admin, []patch.Decision{old})) // as they were made before
	if a := s.explain(b, curl).Answer; a.Closed.Code != gate.CodeHeld || !strings.Contains(a.Sentence.String(), "Held back") {
		t.Errorf("an old hold: %s", a.Sentence)
	}
	found, err := s.linter().Lint(t.Context())
	s.must(err)
	for subject, says := range map[patch.ID]string{perl: "; the reason was: the till", curl: "; no reason was given"} {
		if !slices.ContainsFunc(found, func(f lint.Finding) bool {
			return f.Code == lint.HoldEnding && f.Subject == string(subject) && strings.HasSuffix(f.Text.String(), says) && strings.HasPrefix(f.Do.String(), "Ask m.keller.")
		}) {
			t.Errorf("lint does not say %q of %s: %+v", says, subject, found)
		}
	}
}

// Whoever comes upon a hold is told whom to ask; it ends by itself, and then the patch waits for a decision again.
func TestHoldHasAnOwner(t *testing.T) {
	s, b := ready(t)
	_, err := s.desk.Decide(t.Context(), s.admin, approval.Request{Patches: []patch.ID{perl}, Label: "all", Verb: patch.Hold, Until: s.now.Add(time.Hour), Owner: " j.lind ", Why: "the till"})
	s.must(err)
	all, err := s.store.ListDecisions(t.Context(), patch.DecisionFilter{})
	if err != nil || len(all) != 1 || all[0].Owner != "j.lind" || all[0].By != "m.keller" {
		t.Errorf("%v %+v", err, all)
	}
	if a := s.explain(b, perl).Answer; a.Closed.Code != gate.CodeHeld || !strings.Contains(a.Sentence.String(), "(the till) until") || !strings.Contains(a.Sentence.String(), "(ask j.lind)") {
		t.Errorf("%s: %s", a.Closed.Code, a.Sentence)
	}
	found, err := s.linter().Lint(t.Context())
	s.must(err)
	if i := slices.IndexFunc(found, func(f lint.Finding) bool { return f.Code == lint.HoldEnding }); i < 0 || !strings.HasPrefix(found[i].Do.String(), "Ask j.lind.") {
		t.Errorf("%+v", found)
	}
	s.later(2 * time.Hour)
	b.detect()
	if a := s.explain(b, perl).Answer; a.Closed.Code != gate.CodeUndecided {
		t.Errorf("after its end: %s", a.Sentence)
	}
}

func TestDecisionIsAuditedWithItsReach(t *testing.T) {
	s, _ := ready(t)
	s.enrol("web-2", bookworm)
	got, err := s.desk.Decide(t.Context(), s.admin, approval.Request{Patches: []patch.ID{perl, curl, perl}, Label: "all", Verb: patch.Approve, Why: " CVE-2025-1 "})
	s.must(err)
	if len(got) != 2 || got[0].Members != 2 || got[0].By != "m.keller" || got[0].Why != "CVE-2025-1" {
		t.Errorf("%+v", got)
	}
	log, err := s.store.ListAudit(t.Context(), time.Time{}, 1)
	if err != nil || len(log) != 1 || log[0].Action != "decide.approve" || !strings.Contains(log[0].Detail, `"members":2`) {
		t.Errorf("%v %+v", err, log)
	}
}

func TestPreview(t *testing.T) {
	s, b := ready(t)
	stale := s.enrol("stale", bookworm, "perl-base=5.36.0-7")
	stale.detect()
	s.later(73 * time.Hour)
	b.detect()
	s.enrol("never", bookworm, "perl-base=5.36.0-7")
	s.publish(trixie, src{"trixie", "zsh", "5.9-4", []string{"zsh"}})
	s.enrol("thirteen", trixie).detect()
	done := s.enrol("done", bookworm, "perl-base=5.36.0-7+deb12u4")
	done.detect()
	bare := s.enrol("bare", bookworm)
	bare.detect()
	owner := s.enrol("owner", bookworm, "perl-base=5.36.0-7!")
	owner.detect()
	shut := s.enrol("shut", bookworm, "perl-base=5.36.0-7")
	shut.detect()
	shut.counter++
	s.must(s.store.PutCheckin(t.Context(), shut.id, patch.CheckinUpdate{At: s.now, Counter: shut.counter, OS: bookworm, Hostname: "shut", Policy: "detect-only"}))

	p, err := s.desk.Preview(t.Context(), approval.Request{Patches: []patch.ID{perl}, Label: "all", Verb: patch.Approve})
	s.must(err)
	c := p.Patches[0].Tally
	if p.Members != 8 || p.Machines != 1 || c.Total != 8 || c.Eligible.Count != 2 || c.Deployable.Count != 1 || c.Patched.Count != 1 || c.Stale.Count != 1 || c.Unknown.Count != 1 || c.OtherOS.Count != 1 || len(c.NotApplicable) != 2 {
		t.Errorf("%+v", c)
	}
	if len(c.StaysClosed) != 1 || c.StaysClosed[0].Gate != gate.Preflight || c.StaysClosed[0].Names[0] != "shut" {
		t.Errorf("%+v", c.StaysClosed)
	}
	want := `Approve perl 5.36.0-7+deb12u4 for "all" (8 machines) — now: 1 machine will get it with the next deployment, it does not apply to 2 (1 held on machine, 1 not installed), 1 has it already, 1 needs it and is kept from it, 1 was not detected lately, 1 was never detected, 1 runs another OS.`
	if p.Sentence.String() != want {
		t.Errorf("%s", p.Sentence)
	}
	if len(p.OSes) != 2 || p.OSes[0].Total != 7 {
		t.Errorf("%+v", p.OSes)
	}
	if all, err := s.store.ListDecisions(t.Context(), patch.DecisionFilter{}); err != nil || len(all) != 0 {
		t.Errorf("a preview decided: %v %v", err, all)
	}
	several := approval.Request{Patches: []patch.ID{perl, curl}, Label: "all", Verb: patch.Approve}
	want = `Approve 2 patches for "all" (8 machines) — now, each patch counted on each machine: 2 will be installed on 1 machine with the next deployment, 6 do not apply (5 not installed, 1 held on machine), 1 is installed already, 1 is needed and kept back, 2 were not judged lately, 2 were never judged, 2 are for another OS.`
	if p, err = s.desk.Preview(t.Context(), several); err != nil || p.Sentence.String() != want {
		t.Errorf("%v %s", err, p.Sentence)
	}
	s.must(s.book.Put(t.Context(), s.admin, patch.Label{Name: "one", Members: []patch.MachineID{done.id}}))
	several.Label = "one"
	want = `Approve 2 patches for "one" (1 machine) — now: none will be installed with the next deployment, 1 does not apply (not installed), 1 is installed already.`
	if p, err = s.desk.Preview(t.Context(), several); err != nil || p.Sentence.String() != want {
		t.Errorf("%v %s", err, p.Sentence)
	}
	// Declining shows what it would take away; approving for a label without members says so.
	if p, err = s.desk.Preview(t.Context(), approval.Request{Patches: []patch.ID{perl, curl}, Label: "all", Verb: patch.Decline}); err != nil || p.Machines != 0 {
		t.Errorf("%v %s", err, p.Sentence)
	}
	s.must(s.book.Put(t.Context(), s.admin, patch.Label{Name: "empty"}))
	if p, err = s.desk.Preview(t.Context(), approval.Request{Patches: []patch.ID{perl}, Label: "empty", Verb: patch.Approve}); err != nil || !strings.Contains(p.Sentence.String(), "no machine carries that label") {
		t.Errorf("%v %s", err, p.Sentence)
	}
}
