package story_test

import (
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/deploy"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/plan"
)

// Why is this deployment stuck? The answer names what each install waits for, and when that ends.
func TestStuckDeploymentIsExplained(t *testing.T) {
	s, b := ready(t, perl, curl)
	open := plan.Request{Label: "all", Window: patch.Window{NotBefore: s.now.Add(3*time.Hour + time.Minute), NotAfter: s.now.Add(9 * time.Hour)}}
	p, err := s.planner.Make(t.Context(), s.admin, open)
	s.must(err)
	dep, err := s.deploy.Apply(t.Context(), s.admin, p)
	s.must(err)
	why := func(code, says string, actor gate.Actor) deploy.Explanation {
		t.Helper()
		ex, err := s.deploy.Explain(t.Context(), dep.ID)
		s.must(err)
		if len(ex.Groups) == 0 || ex.Groups[0].Code != code || !strings.Contains(ex.Sentence.String(), says) || ex.Actor != actor || ex.Next == "" {
			t.Errorf("want %s, %q:\n%s\n%+v", code, says, ex.Sentence, ex.Groups)
		}
		t.Log(ex.Sentence, "| next:", ex.Next)
		return ex
	}
	ex := why(gate.CodeNotYet, "(in 3 hours)", gate.Time)
	if w := ex.Groups[0]; w.Count != 2 || w.Attempts[1].Rank != 2 || w.Attempts[1].Of != 2 {
		t.Errorf("%+v", w)
	}
	s.later(4 * time.Hour)
	b.checkin()
	why("order-waits", "ready, and taken at the machines' next check-ins", gate.Agent)
	b.busy = "locked by unattended-upgr (pid 4711)"
	b.checkin()
	why(gate.CodeLocked, "package manager is locked", gate.Agent)
	b.busy = ""
	b.checkin()
	o, ok := b.order()
	if !ok {
		t.Fatal("no order")
	}
	b.report(o, o.Items[0], patch.ExecDownloading, "")
	b.report(o, o.Items[0], patch.ExecInstalling, "")
	s.later(2 * time.Hour)
	ex, err = s.deploy.Explain(t.Context(), dep.ID)
	s.must(err)
	found := false
	for _, g := range ex.Groups {
		found = found || g.Code == "silent-under-way" && strings.Contains(g.Text.String(), "not been heard of for 2 hours") && g.Actor == gate.Owner
	}
	if !found {
		t.Errorf("a machine that went silent: %+v", ex.Groups)
	}
	for _, item := range o.Items {
		b.report(o, item, patch.ExecDone, "")
	}
	if ex, err = s.deploy.Explain(t.Context(), dep.ID); err != nil || len(ex.Groups) != 0 || !strings.HasPrefix(ex.Sentence.String(), "Nothing is stuck") {
		t.Errorf("%s %v", ex.Sentence, err)
	}
	b.fails[curl] = patch.FailPatch
	s.decide(patch.Approve, "all", curl)
	s.fetch(bookworm, curl)
	b.detect()
	dep = s.roll()
	b.work()
	if ex, err = s.deploy.Explain(t.Context(), dep.ID); err != nil || ex.Actor != gate.Person || !strings.Contains(ex.Next.String(), "fettle deploy log "+dep.ID+" --failed") {
		t.Errorf("what failed is not told: %s (%s) %v", ex.Next, ex.Actor, err)
	}
	if _, err := s.deploy.Explain(t.Context(), "nothing"); patch.KindOf(err) != patch.NotFound {
		t.Error(err)
	}
}

// Several machines that wait for the same thing are not told as if the first of them were all.
func TestStuckMachinesAreTogether(t *testing.T) {
	s, b := ready(t, perl, curl)
	c := s.enrol("web-2", bookworm, "perl-base=5.36.0-7", "curl=7.88.1-10")
	c.detect()
	p, err := s.planner.Make(t.Context(), s.admin, plan.Request{Label: "all"})
	s.must(err)
	dep, err := s.deploy.Apply(t.Context(), s.admin, p)
	s.must(err)
	if ex, err := s.deploy.Explain(t.Context(), dep.ID); err != nil || len(ex.Groups) != 1 || ex.Groups[0].Count != 4 || !strings.HasPrefix(ex.Groups[0].Text.String(), "for example: nothing stands in its way: web-") {
		t.Errorf("two of each machine: %+v, %v", ex.Groups, err)
	}
	for _, m := range []*box{b, c} {
		o, ok := m.order()
		if !ok {
			t.Fatal("no order")
		}
		for _, item := range o.Items {
			m.report(o, item, patch.ExecDownloading, "")
		}
	}
	ex, err := s.deploy.Explain(t.Context(), dep.ID)
	s.must(err)
	if len(ex.Groups) != 1 || ex.Groups[0].Count != 4 || !strings.HasPrefix(ex.Groups[0].Text.String(), "for example: web-") {
		t.Errorf("%+v", ex.Groups)
	}
}

// A machine that has taken its order and is cut off may be carrying it out: it is not said to wait for the order, nor that it never began, and what it reports later counts.
func TestWhoHoldsAnOrderMayBeAtIt(t *testing.T) {
	s, b := ready(t, curl)
	p, err := s.planner.Make(t.Context(), s.admin, plan.Request{Label: patch.LabelAll, Window: patch.Window{NotAfter: s.now.Add(time.Hour)}})
	s.must(err)
	dep, err := s.deploy.Apply(t.Context(), s.admin, p)
	s.must(err)
	told := func(want string) {
		t.Helper()
		w, err := s.deploy.Watch(t.Context(), dep.ID)
		s.must(err)
		if got := w.Machines[0].Items[0].Text.String(); !strings.Contains(got, want) {
			t.Errorf("it says %q, not %q", got, want)
		}
	}
	told("waits for the machine to fetch the order")
	o, ok := b.order()
	if !ok {
		t.Fatal("no order")
	}
	told("the machine holds the order, and has not said yet that it began")
	s.later(20 * time.Minute)
	ex, err := s.deploy.Explain(t.Context(), dep.ID)
	s.must(err)
	if g := ex.Groups[0]; g.Code != "order-there" || !strings.Contains(g.Text.String(), "holds the order, carries it out connected or not, and has not said yet that it began; it was last seen 20 minutes ago") {
		t.Errorf("%s: %s", g.Code, g.Text)
	}
	s.later(time.Hour)
	s.must(s.deploy.Sweep(t.Context()))
	told("the window ended, and the machine holds the order and has not said that it began")
	b.report(o, o.Items[0], patch.ExecDone, "")
	told("installed")
}
