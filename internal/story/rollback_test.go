package story_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/approval"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/plan"
)

const (
	perlBefore = "5.36.0-7+deb12u3"
	perlAfter  = "5.36.0-7+deb12u4"
)

// patched is a site on whose machine Fettle has installed perl over the version that is on the list too.
func patched(t *testing.T) (*site, *box, patch.Deployment) {
	s := newSite(t)
	s.publish(bookworm, story()...)
	b := s.enrol("web-1", bookworm, "perl-base="+perlBefore, "curl=7.88.1-10")
	s.decide(patch.Approve, "all", perl)
	s.fetch(bookworm, perl, oldPerl)
	b.detect()
	dep := s.roll()
	if !b.work() || b.judged[perl] != patch.Patched {
		t.Fatal("perl is not installed")
	}
	s.later(time.Hour)
	b.checkin()
	return s, b, dep
}

func (s *site) rollback(r plan.Request) patch.Plan {
	s.t.Helper()
	if r.Rollback == nil {
		r.Rollback = &patch.Rollback{}
	}
	r.Rollback.Why = "the shop is slow"
	p, err := s.planner.Make(s.ctx(), s.admin, r)
	s.must(err)
	return p
}

func (s *site) held() *patch.Rollback {
	return &patch.Rollback{HoldUntil: s.now.Add(patch.HoldAfterRollback)}
}

// The whole story of a rollback: planned, carried out, proven, held and explained; and once the hold is lifted, deployed again.
func TestRollback(t *testing.T) {
	s, b, first := patched(t)
	r := s.held()
	r.Deployment = first.ID
	p := s.rollback(plan.Request{Rollback: r})
	item := p.Machines[0].Items[0]
	want := []patch.PlanPackage{{Name: "perl-base", Arch: "amd64", From: perlAfter, Version: perlBefore, SHA256: hashOf(s, oldPerl, "perl-base"), Size: 9000, Back: true, Origin: item.Packages[0].Origin}}
	if d := cmp.Diff(want, item.Packages); d != "" || item.Outcome != patch.WillGoBack || item.Decision != "" || item.Packages[0].Origin.Suite == "" {
		t.Fatalf("%s: %+v", d, item)
	}
	dep, err := s.deploy.Apply(t.Context(), s.admin, p)
	s.must(err)
	again, err := s.deploy.Apply(t.Context(), s.admin, p)
	if s.must(err); again.ID != dep.ID {
		t.Errorf("applied twice it is %s and %s", dep.ID, again.ID)
	}
	// The older file came after the machine had asked: it is called again, and not before its next check-in alone.
	var called []patch.MachineID
	s.deploy.Wake = func(id patch.MachineID) { called = append(called, id) }
	s.must(s.deploy.Arrived(t.Context(), []patch.ID{"bookworm-security/other/1"}))
	if len(called) != 0 {
		t.Errorf("files of another patch call %v", called)
	}
	if s.must(s.deploy.Arrived(t.Context(), []patch.ID{perl})); !slices.Equal(called, []patch.MachineID{b.id}) {
		t.Errorf("its files call %v", called)
	}
	if !b.work() || b.has("perl-base") != perlBefore || b.has("perl-extra") != perlAfter {
		t.Fatalf("perl-base is at %s, perl-extra at %s", b.has("perl-base"), b.has("perl-extra"))
	}
	called = nil
	if s.must(s.deploy.Arrived(t.Context(), []patch.ID{perl})); len(called) != 0 {
		t.Errorf("it is done, and %v are called", called)
	}
	progress, err := s.deploy.Watch(t.Context(), dep.ID)
	s.must(err)
	if c := progress.Counts; !progress.Ended || c.Verified != 1 || c.Unproven != 0 || !strings.HasPrefix(progress.Sentence.String(), "1 of 1 taken back, 1 verified") ||
		progress.Machines[0].Text.String() != "rolled back: perl-base "+perlAfter+" → "+perlBefore+", proven by snapshot 3" {
		t.Errorf("%s: %s, %+v", progress.Sentence, progress.Machines[0].Text, c)
	}
	isHeld(t, s, b, dep)
	if p := s.plan(); len(p.Machines) != 1 || len(p.Machines[0].Items) != 0 || p.Machines[0].Left[0].Gate != "hold/held" {
		t.Errorf("the next window would install %+v", p.Machines)
	}
	s.decide(patch.Clear, "rollback-"+strings.ToLower(dep.ID), perl)
	if a := s.explain(b, perl).Answer; !a.Deployable {
		t.Fatalf("the hold is lifted: %+v", a.Closed)
	}
	s.roll()
	if !b.work() || b.has("perl-base") != perlAfter {
		t.Fatalf("perl-base is at %s", b.has("perl-base"))
	}
	if ex := s.explain(b, perl); ex.Row.Effect != patch.EffectVerified || ex.Answer.Standing != "patched" || !strings.Contains(ex.Answer.Sentence.String(), "Fettle installed it") {
		t.Errorf("%s: %s", ex.Row.Effect, ex.Answer.Sentence)
	}
}

// isHeld holds that a patch that was taken back is explained as that, first of all by its hold, and that nothing of it is an alarm.
func isHeld(t *testing.T, s *site, b *box, dep patch.Deployment) {
	t.Helper()
	ex := s.explain(b, perl)
	a := ex.Answer
	if a.Closed == nil || a.Closed.Name != gate.Hold || a.Closed.Code != gate.CodeHeld || a.Standing != "rolled back" || ex.Row.Effect != patch.EffectRolledBack || ex.Row.Policy.Stand != patch.HeldBack {
		t.Errorf("closed is %+v, %s, effect %s", a.Closed, a.Standing, ex.Row.Effect)
	}
	for _, says := range []string{`Approved for "all", but held back for "rollback-`, "by " + s.admin.Name, "rolled back by deployment " + dep.ID + ": the shop is slow", " until ",
		"; rolled back by deployment " + dep.ID + ": perl-base " + perlAfter + " → " + perlBefore + ", proven by snapshot 3."} {
		if !strings.Contains(a.Sentence.String(), says) {
			t.Errorf("it does not say %q: %s", says, a.Sentence)
		}
	}
	if g := a.Gate(gate.Undone); g.State != gate.Unreached || !strings.Contains(g.Text.String(), "Fettle itself") {
		t.Errorf("%+v", g)
	}
	if g := a.Gate(gate.Verified); g.State != gate.Open || !strings.Contains(g.Text.String(), "proven by snapshot 3") {
		t.Errorf("%+v", g)
	}
	i := slices.IndexFunc(ex.Transitions, func(x patch.Transition) bool { return x.From == patch.Patched })
	if i < 0 || ex.Transitions[i].Cause != patch.ByFettle || !strings.HasPrefix(ex.Transitions[i].Note.String(), "rollback by deployment "+dep.ID) {
		t.Errorf("transitions %+v", ex.Transitions)
	}
	for _, at := range s.attempts(patch.AttemptFilter{Patch: perl}) {
		if !at.TakesBack() && at.Effect != patch.EffectVerified {
			t.Errorf("what was installed before is %q", at.Effect)
		}
	}
	if open, err := s.store.ListAlarms(t.Context(), true); err != nil || len(open) != 0 {
		t.Errorf("alarms %+v (%v)", open, err)
	}
}

// Taken back over and over, a patch is never called suspect: it was our own hand.
func TestRollbackIsNoFlapping(t *testing.T) {
	s, b, _ := patched(t)
	for range patch.MaxFlaps + 1 {
		p := s.rollback(plan.Request{Patches: []patch.ID{perl}, Label: "all"})
		_, err := s.deploy.Apply(t.Context(), s.admin, p)
		s.must(err)
		if !b.work() {
			t.Fatal("no order to go back")
		}
		if a := s.explain(b, perl).Answer; !a.Deployable || a.Sentence == "" {
			t.Fatalf("without a hold it is deployable: %+v", a.Closed)
		}
		s.roll()
		if !b.work() {
			t.Fatal("no order to install it")
		}
	}
}

// Whatever cannot go back is left out, with the gate that says why.
func TestRollbackLeavesOut(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*site, *box)
		gate   string
		says   string
	}{
		"the version before is nowhere to be had": {func(s *site, _ *box) {
			s.cat.newest[bookworm].files[oldPerl] = nil
		}, "previous/previous-lost", "perl-base " + perlBefore + " is nowhere to be had"},
		"a newer version is there": {func(_ *site, b *box) { b.set("perl-base=5.36.0-9"); b.detect() }, "previous/changed-since", "is at 5.36.0-9 by now, and the patch brought " + perlAfter},
		"it is gone already":       {func(_ *site, b *box) { b.set("perl-base=" + perlBefore); b.detect() }, "installed-test/not-there", "nothing to take back"},
		"what is installed needs the newer version": {func(s *site, _ *box) {
			s.cat.needs = []patch.Need{{By: patch.InstalledPackage{Name: "curl", Version: "7.88.1-10"}, AnyOf: []patch.Relation{{Name: "perl-base", Op: ">=", Version: perlAfter}, {Name: "perl-none"}}}}
		}, "previous/needed", "curl 7.88.1-10, which is installed, needs perl-base >= " + perlAfter + " or perl-none"},
		"the owner forbids it": {func(s *site, b *box) {
			b.counter++
			s.must(s.store.PutCheckin(s.ctx(), b.id, patch.CheckinUpdate{At: s.now, Counter: b.counter, OS: bookworm, Hostname: b.name, Policy: "detect-only"}))
		}, "preflight/owner-forbids", "does not allow"},
		"a blackout": {func(s *site, _ *box) {
			s.must(s.store.PutBlackout(s.ctx(), s.admin, patch.Blackout{Name: "year-end", From: s.now.Add(-time.Hour), Until: s.now.Add(time.Hour), Label: "all", Reason: "r", Owner: "o", CreatedAt: s.now}))
		}, "freeze/frozen", "blackout until"},
		"nobody has seen it lately": {func(s *site, _ *box) { s.later(30 * time.Hour) }, "machine/silent", "last seen"},
	} {
		t.Run(name, func(t *testing.T) {
			s, b, _ := patched(t)
			c.change(s, b)
			p := s.rollback(plan.Request{Patches: []patch.ID{perl}, Machines: []patch.MachineID{b.id}})
			if len(p.Machines) != 1 || len(p.Machines[0].Items) != 0 || p.Machines[0].Left[0].Gate != c.gate || !strings.Contains(p.Machines[0].Left[0].Text.String(), c.says) {
				t.Errorf("%+v", p.Machines)
			}
			if l := p.Machines[0].Left[0]; l.Next == "" {
				t.Errorf("it does not say what ends it: %+v", l)
			}
		})
	}
	s, b, _ := patched(t)
	b.set("curl=7.88.1-10+deb12u14")
	b.detect()
	p := s.rollback(plan.Request{Patches: []patch.ID{curl}, Machines: []patch.MachineID{b.id}})
	if l := p.Machines[0].Left[0]; l.Gate != "previous/not-ours" || !strings.Contains(l.Text.String(), "Fettle did not install it") {
		t.Errorf("%+v", l)
	}
}

// A dependency that the version before satisfies too, one of a version that is not installed, and one that was broken already keep nothing.
func TestRollbackIsNotKeptByOtherNeeds(t *testing.T) {
	s, b, _ := patched(t)
	perlBase := func(op, v string) []patch.Relation { return []patch.Relation{{Name: "perl-base", Op: op, Version: v}} }
	s.cat.needs = []patch.Need{{By: patch.InstalledPackage{Name: "curl", Version: "7.88.1-10"}, AnyOf: perlBase(">=", perlBefore)},
		{By: patch.InstalledPackage{Name: "curl", Version: "9"}, AnyOf: perlBase(">=", perlAfter)}, {By: patch.InstalledPackage{Name: "curl", Version: "7.88.1-10"}, AnyOf: perlBase(">=", "9")}}
	if p := s.rollback(plan.Request{Patches: []patch.ID{perl}, Machines: []patch.MachineID{b.id}}); len(p.Machines[0].Items) != 1 {
		t.Errorf("%+v", p.Machines[0].Left)
	}
}

// What has drifted since a rollback was planned stops it: nothing happens, and it is named.
func TestRollbackDrift(t *testing.T) {
	for name, c := range map[string]struct {
		drift func(*site, *box)
		says  string
	}{
		"another version": {func(_ *site, b *box) { b.set("perl-base=5.36.0-9"); b.detect() }, "is at 5.36.0-9 by now"},
		"gone":            {func(_ *site, b *box) { b.set("perl-base=" + perlBefore); b.detect() }, "nothing to take back"},
		"another file": {func(s *site, _ *box) {
			s.cat.newest[bookworm].files[oldPerl][0].SHA256 = hashOf(s, curl, "curl")
			s.fetch(bookworm, oldPerl)
		}, "another one now"},
		"offered no more":  {func(s *site, _ *box) { s.cat.newest[bookworm].files[oldPerl] = nil }, "nowhere to be had"},
		"changed by hands": {func(*site, *box) {}, "this is not the plan that was made"},
	} {
		t.Run(name, func(t *testing.T) {
			s, b, _ := patched(t)
			p := s.rollback(plan.Request{Patches: []patch.ID{perl}, Label: "all", Rollback: s.held()})
			if c.drift(s, b); name == "changed by hands" {
				p.Machines[0].Items[0].Packages[0].Version = "5.36.0-1"
			}
			_, err := s.deploy.Apply(t.Context(), s.admin, p)
			if patch.KindOf(err) != patch.Conflict || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v; want it to say %q", err, c.says)
			}
			if open := s.attempts(patch.AttemptFilter{Open: true}); len(open) != 0 {
				t.Errorf("%+v", open)
			}
			if all, err := s.store.ListDecisions(t.Context(), patch.DecisionFilter{}); err != nil || len(all) != 1 {
				t.Errorf("%d decisions: a hold without a rollback (%v)", len(all), err)
			}
		})
		t.Run(name+", handed out", func(t *testing.T) {
			if name == "changed by hands" {
				t.SkipNow()
			}
			s, b, _ := patched(t)
			_, err := s.deploy.Apply(t.Context(), s.admin, s.rollback(plan.Request{Patches: []patch.ID{perl}, Label: "all"}))
			s.must(err)
			c.drift(s, b)
			if _, ok := b.order(); ok {
				t.Error("it was handed out all the same")
			}
			a := s.attempts(patch.AttemptFilter{Patch: perl})
			if last := a[len(a)-1]; last.State != patch.ExecWithdrawn || last.Cause != patch.FailDrift || !strings.Contains(last.Text.String(), c.says) {
				t.Errorf("%+v", last)
			}
		})
	}
}

// A rollback is proven by the exact versions alone: missing again at another one is not it, and without facts nothing is proven.
func TestRollbackIsProvenExactly(t *testing.T) {
	s, b, _ := patched(t)
	dep, err := s.deploy.Apply(t.Context(), s.admin, s.rollback(plan.Request{Patches: []patch.ID{perl}, Label: "all"}))
	s.must(err)
	b.later(time.Minute)
	b.checkin()
	o, _ := b.order()
	b.report(o, o.Items[0], patch.ExecInstalling, "")
	b.set("perl-base=5.36.0-1")
	b.report(o, o.Items[0], patch.ExecDone, "")
	b.later(time.Second)
	_, err = s.ledger.Accept(t.Context(), b.snapshot(o.ID)) // its facts do not arrive
	s.must(err)
	one := func() patch.Attempt { return s.attempts(patch.AttemptFilter{Deployment: dep.ID})[0] }
	if a := one(); a.VerifiedSeq != 0 || a.Effect != patch.EffectNone {
		t.Errorf("without facts it is proven: %+v", a)
	}
	b.detect()
	if a := one(); a.VerifiedSeq == 0 || a.Effect != patch.EffectNotEffective {
		t.Errorf("at another version it is %q by snapshot %d", a.Effect, a.VerifiedSeq)
	}
	if open, err := s.store.ListAlarms(t.Context(), true); err != nil || len(open) != 0 {
		t.Errorf("alarms %+v (%v)", open, err)
	}
}

// The snapshot that closes a rollback may come before its results: what was installed before is not called undone for that.
func TestRollbackWhoseSnapshotComesFirst(t *testing.T) {
	s, b, first := patched(t)
	_, err := s.deploy.Apply(t.Context(), s.admin, s.rollback(plan.Request{Rollback: &patch.Rollback{Deployment: first.ID}}))
	s.must(err)
	b.later(time.Minute)
	b.checkin()
	o, _ := b.order()
	b.report(o, o.Items[0], patch.ExecInstalling, "")
	b.set("perl-base=" + perlBefore)
	b.detectFor(o.ID)
	b.report(o, o.Items[0], patch.ExecDone, "")
	s.must(s.ledger.Settle(t.Context(), b.id))
	for _, a := range s.attempts(patch.AttemptFilter{Patch: perl}) {
		if want := map[bool]patch.Effect{true: patch.EffectRolledBack, false: patch.EffectVerified}[a.TakesBack()]; a.Effect != want {
			t.Errorf("back %v: %q", a.TakesBack(), a.Effect)
		}
	}
	if ts := s.explain(b, perl).Transitions; ts[0].Cause != patch.ByFettle {
		t.Errorf("%+v", ts[0])
	}
}

// A rollback for a label holds the patch for all that carries it, also later; one for machines for exactly those.
func TestRollbackHoldsExactly(t *testing.T) {
	s, b, _ := patched(t)
	other := s.enrol("web-2", bookworm, "perl-base="+perlBefore)
	other.detect()
	_, err := s.deploy.Apply(t.Context(), s.admin, s.rollback(plan.Request{Patches: []patch.ID{perl}, Machines: []patch.MachineID{b.id}, Rollback: s.held()}))
	s.must(err)
	if a := s.explain(other, perl).Answer; !a.Deployable {
		t.Errorf("the other machine: %+v", a.Closed)
	}
	s, b, _ = patched(t)
	s.must(s.book.Put(t.Context(), s.admin, patch.Label{Name: "web", Expr: `machine.name.startsWith("web-")`}))
	_, err = s.deploy.Apply(t.Context(), s.admin, s.rollback(plan.Request{Patches: []patch.ID{perl}, Label: "web", Rollback: s.held()}))
	s.must(err)
	b.work()
	later, db := s.enrol("web-3", bookworm, "perl-base="+perlBefore), s.enrol("db-1", bookworm, "perl-base="+perlBefore)
	later.detect()
	db.detect()
	if a := s.explain(later, perl).Answer; a.Deployable || a.Closed.Code != gate.CodeHeld {
		t.Errorf("a machine that came to the label: %+v", a.Closed)
	}
	if a := s.explain(db, perl).Answer; !a.Deployable {
		t.Errorf("a machine that is not in it: %+v", a.Closed)
	}
	_, err = s.desk.Decide(t.Context(), s.admin, approval.Request{Patches: []patch.ID{perl}, Label: "web", Verb: patch.Decline})
	s.must(err)
}

// Rollbacks that cannot be understood are refused with what to do.
func TestRollbackThatIsNone(t *testing.T) {
	s, b, first := patched(t)
	for says, r := range map[string]plan.Request{
		"a reason is missing":   {Rollback: &patch.Rollback{Deployment: first.ID}},
		"it needs a deployment": {Rollback: &patch.Rollback{Why: "w"}, Label: "all"},
		"not both":              {Rollback: &patch.Rollback{Why: "w"}, Label: "all", Machines: []patch.MachineID{b.id}, Patches: []patch.ID{perl}},
		"ends in the past":      {Rollback: &patch.Rollback{Why: "w", Deployment: first.ID, HoldUntil: s.now.Add(-time.Hour)}},
		"no label":              {Rollback: &patch.Rollback{Why: "w", Deployment: first.ID}, Label: "all"},
	} {
		if _, err := s.planner.Make(t.Context(), s.admin, r); patch.KindOf(err) != patch.Invalid || !strings.Contains(err.Error(), says) {
			t.Errorf("%v; want it to say %q", err, says)
		}
	}
	back, err := s.deploy.Apply(t.Context(), s.admin, s.rollback(plan.Request{Rollback: &patch.Rollback{Deployment: first.ID}}))
	s.must(err)
	b.work()
	if _, err := s.planner.Make(t.Context(), s.admin, plan.Request{Rollback: &patch.Rollback{Why: "w", Deployment: back.ID}}); patch.KindOf(err) != patch.Invalid {
		t.Errorf("a rollback of a rollback: %v", err)
	}
}

// rollbacks joins planner and deployments, as the program does.
type rollbacks struct{ *site }

func (r rollbacks) Again(ctx context.Context, caller patch.Caller, p patch.Proposal) (patch.Plan, error) {
	return r.planner.Make(ctx, caller, plan.Request{Label: p.Rollback.Label, Machines: p.Rollback.Machines, Patches: p.Patches, Rollback: &p.Rollback.Rollback})
}

func (r rollbacks) Carry(ctx context.Context, caller patch.Caller, p patch.Plan, confirmed patch.Proposal) (patch.Deployment, error) {
	return r.deploy.ApplySeconded(ctx, caller, p, confirmed)
}

// Where two persons decide, a rollback waits for the second one, and is exactly what was proposed or nothing.
func TestRollbackNeedsASecondPerson(t *testing.T) {
	s, b, first := patched(t)
	s.must(s.book.Put(t.Context(), s.admin, patch.Label{Name: "production", Members: []patch.MachineID{b.id}}))
	s.desk.TwoPerson, s.desk.Rollbacks, s.deploy.Second = approval.TwoPerson{On: true, Labels: []string{"production"}}, rollbacks{s}, s.desk.ProposeRollback
	propose := func() *patch.Proposal {
		t.Helper()
		r := s.held()
		r.Deployment = first.ID
		dep, err := s.deploy.Apply(t.Context(), s.admin, s.rollback(plan.Request{Rollback: r}))
		s.must(err)
		if dep.Proposal == nil || dep.State != patch.Suggested || len(s.attempts(patch.AttemptFilter{Open: true})) != 0 {
			t.Fatalf("one person alone began it: %+v", dep)
		}
		return dep.Proposal
	}
	p := propose()
	if _, err := s.desk.Confirm(t.Context(), s.admin, p.ID, ""); patch.KindOf(err) != patch.Forbidden {
		t.Errorf("whoever proposed it confirmed it: %v", err)
	}
	s.cat.newest[bookworm].files[oldPerl][0].SHA256 = hashOf(s, curl, "curl")
	s.fetch(bookworm, oldPerl)
	if _, err := s.desk.Confirm(t.Context(), colleague(), p.ID, ""); patch.KindOf(err) != patch.Conflict || !strings.Contains(err.Error(), "not the one that was proposed") {
		t.Errorf("another file: %v", err)
	}
	_, err := s.desk.Reject(t.Context(), s.admin, p.ID, "planned anew")
	s.must(err)
	p = propose()
	if again := propose(); again.ID == "" || again.Plan == p.Plan && again.ID != p.ID {
		t.Errorf("the same plan is two proposals: %s and %s", p.ID, again.ID)
	}
	_, err = s.desk.Confirm(t.Context(), colleague(), p.ID, "looked at it")
	s.must(err)
	if !b.work() || b.has("perl-base") != perlBefore {
		t.Fatalf("perl-base is at %s", b.has("perl-base"))
	}
	if text := s.explain(b, perl).Answer.Gate(gate.Hold).Text.String(); !strings.Contains(text, "by m.keller and j.weber") {
		t.Error(text)
	}
}

// A machine that took a patch back proves nothing for the rings any more, neither for it nor against it.
func TestARolledBackMachineProvesNothing(t *testing.T) {
	s, _, canary, _, _ := ringed(t, nil)
	b := canary[0]
	if !b.work() {
		t.Fatal("no order")
	}
	older := patch.PayloadFile{Payload: patch.Payload{Name: "perl-base", Arch: "amd64", Version: "5.36.0-7", Size: 9}, SHA256: hashOf(s, curl, "curl")}
	s.cat.newest[bookworm].files["bookworm/perl/5.36.0-7"] = []patch.PayloadFile{older}
	_, err := s.deploy.Apply(t.Context(), s.admin, s.rollback(plan.Request{Patches: []patch.ID{perl}, Machines: []patch.MachineID{b.id}, Rollback: s.held()}))
	s.must(err)
	if !b.work() || b.has("perl-base") != "5.36.0-7" {
		t.Fatalf("perl-base is at %s", b.has("perl-base"))
	}
	for range 6 {
		s.hours(1, canary)
	}
	if a := s.attempts(patch.AttemptFilter{Machine: b.id, Patch: perl})[0]; a.Proof != patch.ProofNone {
		t.Errorf("it proves %q: %s", a.Proof, a.ProofText)
	}
	all, err := s.store.ListRingProgress(t.Context(), perl)
	s.must(err)
	for _, p := range all {
		if p.Proven+p.Failed != 0 || !p.HaltedAt.IsZero() {
			t.Errorf("%+v", p)
		}
	}
}
