package story_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/approval"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/plan"
)

func story() []src {
	return []src{
		{"bookworm", "perl", "5.36.0-7+deb12u3", []string{"perl-base", "perl"}},
		{"bookworm-security", "perl", "5.36.0-7+deb12u4", []string{"perl-base", "perl", "perl-extra<perl-base"}},
		{"bookworm-security", "openssl", "3.0.17-1~deb12u3", []string{"libssl3", "openssl"}},
		{"bookworm-security", "curl", "7.88.1-10+deb12u14", []string{"curl", "libcurl4"}},
		{"bookworm-security", "nginx", "1.22.1-9+deb12u3", []string{"nginx"}},
		{"bookworm", "bash", "5.2.15-2", []string{"bash"}},
	}
}

const (
	perl    patch.ID = "bookworm-security/perl/5.36.0-7+deb12u4"
	oldPerl patch.ID = "bookworm/perl/5.36.0-7+deb12u3"
	openssl patch.ID = "bookworm-security/openssl/3.0.17-1~deb12u3"
	curl    patch.ID = "bookworm-security/curl/7.88.1-10+deb12u14"
	nginx   patch.ID = "bookworm-security/nginx/1.22.1-9+deb12u3"
	bash    patch.ID = "bookworm/bash/5.2.15-2"
)

func web(s *site) *box {
	return s.enrol("web-1", bookworm, "perl-base=5.36.0-7", "libssl3=3.0.11-1", "curl=7.88.1-10", "bash=5.2.15-2")
}

// The whole story: detect, decide, plan, deploy, detect again, explain.
func TestStory(t *testing.T) {
	s := newSite(t)
	s.publish(bookworm, story()...)
	b := web(s)

	ex := s.explain(b, perl)
	if ex.Answer.Closed == nil || ex.Answer.Closed.Code != gate.CodeNever || ex.Row.Verdict != patch.Unknown {
		t.Fatalf("before any detect: %+v", ex.Answer.Closed)
	}
	b.detect()
	rows, sum, err := s.ledger.Rows(t.Context(), b.id, ledger.RowFilter{})
	s.must(err)
	if len(rows) != 6 || sum.Needed != 4 || sum.Verdicts != (patch.Counts{1, 4, 1, 0, 0}) || sum.Undecided != 4 {
		t.Fatalf("%d rows, %+v", len(rows), sum)
	}

	preview, err := s.desk.Preview(t.Context(), approval.Request{Patches: []patch.ID{perl, nginx}, Label: "all", Verb: patch.Approve})
	s.must(err)
	if p := preview; p.Machines != 1 || p.Patches[0].NotApplicable[0].Code != patch.ReasonNotInstalled || p.Patches[1].Deployable.Count != 1 || p.Bytes != 9000+10000 {
		t.Fatalf("preview %+v\n%s", p, p.Sentence)
	}
	s.decide(patch.Approve, "all", perl, oldPerl, nginx, openssl)
	s.decide(patch.Decline, "all", openssl)
	if a := s.explain(b, perl).Answer; a.Closed == nil || a.Closed.Code != gate.CodeFetching {
		t.Fatalf("without its files: %+v", a.Closed)
	}
	s.fetch(bookworm, perl, oldPerl, nginx)
	b.detect()

	p, err := s.planner.Make(t.Context(), s.admin, plan.Request{Label: "all"})
	s.must(err)
	want := []patch.PlanItem{{Patch: perl, Title: "perl 5.36.0-7+deb12u4: a program", Decision: p.Machines[0].Items[0].Decision, Packages: []patch.PlanPackage{
		{Name: "perl-base", Arch: "amd64", From: "5.36.0-7", Version: "5.36.0-7+deb12u4", SHA256: hashOf(s, perl, "perl-base"), Size: 9000, Origin: p.Machines[0].Items[0].Packages[0].Origin},
		{Name: "perl-extra", Arch: "amd64", Version: "5.36.0-7+deb12u4", SHA256: hashOf(s, perl, "perl-extra"), Size: 10000, Origin: p.Machines[0].Items[0].Packages[0].Origin},
	}, Outcome: p.Machines[0].Items[0].Outcome}}
	if got := p.Machines[0].Items[0].Outcome; got != "will-install" {
		t.Errorf("what comes of it is foretold as %q", got)
	}
	if d := cmp.Diff(want, p.Machines[0].Items); d != "" {
		t.Fatalf("the plan is not exactly the approved and eligible:\n%s", d)
	}
	left := map[patch.ID]string{}
	for _, l := range p.Machines[0].Left {
		left[l.Patch] = l.Gate
	}
	if d := cmp.Diff(map[patch.ID]string{oldPerl: "superseded/superseded", nginx: "prerequisites/not-installed"}, left); d != "" {
		t.Errorf("left out:\n%s", d)
	}

	dep, err := s.deploy.Apply(t.Context(), s.admin, p)
	s.must(err)
	if a := s.explain(b, perl).Answer; a.Closed == nil || a.Closed.Code != gate.CodeUnderWay || a.Standing != "deploying" {
		t.Errorf("while the order waits: %+v", a.Closed)
	}
	if !b.work() {
		t.Fatal("no order came")
	}
	if d := cmp.Diff([]string{"perl-base=5.36.0-7+deb12u4", "perl-extra=5.36.0-7+deb12u4"}, b.installed); d != "" {
		t.Errorf("installed is not exactly approved and eligible:\n%s", d)
	}
	progress, err := s.deploy.Watch(t.Context(), dep.ID)
	s.must(err)
	if !progress.Ended || progress.Counts.Verified != 1 || progress.Deployment.State != patch.Finished {
		t.Errorf("progress %s: %+v", progress.Deployment.State, progress.Counts)
	}
	explainAfter(t, s, b)
	if b.work() {
		t.Error("there was a second order")
	}
}

func hashOf(s *site, id patch.ID, name string) patch.Hash {
	for _, f := range s.cat.newest[bookworm].files[id] {
		if f.Name == name {
			return f.SHA256
		}
	}
	return ""
}

func explainAfter(t *testing.T, s *site, b *box) {
	t.Helper()
	for id, want := range map[patch.ID]struct {
		standing, code, says string
		verdict              patch.Verdict
		effect               patch.Effect
	}{
		perl:    {"patched", gate.CodePatched, "Fettle installed it", patch.Patched, patch.EffectVerified},
		oldPerl: {"patched", gate.CodePatched, "Patched", patch.Patched, patch.EffectNone},
		nginx:   {"not applicable", patch.ReasonNotInstalled, `Approved for "all", but`, patch.NotApplicable, patch.EffectNone},
		openssl: {"not deployed", gate.CodeDeclined, `Declined for "all" by m.keller`, patch.NotPatched, patch.EffectNone},
		curl:    {"not deployed", gate.CodeUndecided, "nobody has decided", patch.NotPatched, patch.EffectNone},
	} {
		ex := s.explain(b, id)
		if ex.Answer.Standing.String() != want.standing || ex.Answer.Closed.Code != want.code || ex.Row.Verdict != want.verdict || ex.Row.Effect != want.effect {
			t.Errorf("%s: %s, %s, %s, effect %q", id, ex.Answer.Standing, ex.Answer.Closed.Code, ex.Row.Verdict, ex.Row.Effect)
		}
		if !strings.Contains(ex.Answer.Sentence.String(), want.says) {
			t.Errorf("%s: %s", id, ex.Answer.Sentence)
		}
		if ex.Proof.Outcome != ledger.Reproduced {
			t.Errorf("%s: %+v", id, ex.Proof)
		}
		t.Logf("%-45s %-15s %s", id, ex.Answer.Standing, ex.Answer.Sentence)
	}
	ex := s.explain(b, perl)
	if i := slices.IndexFunc(ex.Transitions, func(x patch.Transition) bool { return x.To == patch.Patched }); i < 0 || ex.Transitions[i].Cause != patch.ByFettle {
		t.Errorf("transitions %+v", ex.Transitions)
	}
	for _, g := range []gate.Name{gate.Installed, gate.Reboot, gate.Verified, gate.Undone} {
		if got := ex.Answer.Gate(g); got.State != gate.Open {
			t.Errorf("gate %s is %s: %s", g, got.State, got.Text)
		}
	}
	together, err := s.ledger.ExplainLabel(t.Context(), "all", perl)
	s.must(err)
	if together.Sentence.String() != "Approved for 1: 1 patched." {
		t.Error(together.Sentence)
	}
	fleet, err := s.ledger.Status(t.Context())
	s.must(err)
	t.Log(fleet.Sentence)
	if fleet.Machines != 1 || fleet.Fresh != 1 || fleet.Needing != 1 || fleet.Undecided != 1 || fleet.Confirmed != 0 {
		t.Errorf("%+v", fleet)
	}
}
