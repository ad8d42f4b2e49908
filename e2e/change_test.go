package e2e

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/fettle-project/fettle/internal/debian/debtest"
	"github.com/fettle-project/fettle/internal/lab"
)

// What is declined for a label is not installed, though it is approved for another one.
func declined(t *testing.T, b *box) {
	s, till, door := b.s, wareID("shop-till"), wareID("shop-door")
	s.cli("labels", "put", "shops", "--expr", `machine.name == "web-1"`)
	s.cli("approve", till, "--label", "all")
	s.cli("decline", till, "--label", "shops", "--why", "the till is in use")
	s.approve(door)
	plan, planned := s.plan(b)
	if !slices.Equal(planned, []string{door}) {
		t.Errorf("the plan installs %v", planned)
	}
	s.ended(s.apply(plan)).verified(t)
	if v := b.version("shop-till"); v != "1.0-1" {
		t.Errorf("shop-till is at %s", v)
	}
	says(t, s.cli("explain", "web-1", till), "○ approved", `declined for "shops" by admin`, "the till is in use")
}

// A patch that needs another one which nobody approved is left out of plans before anything was tried, and the plan and explain name the other one
// and what to do. Nothing of that is installed, until it is approved too.
func foretold(t *testing.T, b *box) {
	s, front, core := b.s, wareID("shop-front"), wareID("shop-core")
	says(t, s.cli("approve", front, "--label", "all", "--preview"), front+" needs "+core+", undecided, on 1 machine (web-1)",
		"To decide about what they need too: fettle approve "+front+" "+core+" --label all --preview")
	s.approve(front)
	needs := "shop-front 1.0-2 needs shop-core (>= 1.0-2), which is patch " + core + ", "
	out, err := s.CLI(t.Context(), "deploy", "plan", "--machine", "web-1", "--patch", front)
	if no := (lab.NoError{}); !errors.As(err, &no) {
		t.Errorf("it is no answer \"no\": %v", err)
	}
	says(t, out, "left out on web-1 (needs a dependency)", needs+"undecided", "foretold from the vendor's index", "fettle approve "+core+" --label all")
	says(t, s.cli("explain", "web-1", front), needs+"undecided", "foretold from the vendor's index "+shopSuite+" main")
	s.cli("hold", core, "--label", "all", "--until", "1d", "--why", "the shop is open")
	out, _ = s.CLI(t.Context(), "deploy", "plan", "--machine", "web-1", "--patch", front)
	says(t, out, needs+"on hold until ")
	if v := b.version("shop-front") + b.version("shop-core"); v != "1.0-11.0-1" {
		t.Errorf("installed is %s", v)
	}
	if st := b.journal(); len(st.intents) != len(st.ended) {
		t.Errorf("something is under way: %+v", st)
	}
	s.cli("clear", core, "--label", "all")
	s.approve(core)
	out, _ = s.CLI(t.Context(), "deploy", "plan", "--machine", "web-1", "--patch", front)
	says(t, out, needs+"approved, and not in this plan")
	plan, planned := s.plan(b)
	if !slices.Equal(planned, []string{core, front}) {
		t.Fatalf("planned are %v", planned)
	}
	s.ended(s.apply(plan)).verified(t)
	if v := b.version("shop-front") + b.version("shop-core"); v != "1.0-21.0-2" {
		t.Errorf("installed is %s", v)
	}
}

// pair are wares of which one needs exactly the version of the other.
func pair(version string) []debtest.Package {
	return []debtest.Package{ware("shop-hinge", version, ""), ware("shop-leaf", version, "shop-hinge (= "+version+")")}
}

// What an installed package asks of others stands in no index any more. So a patch that it would not bear is tried, refused by the machine, and
// explain names what it needs.
func unapproved(t *testing.T, b *box) {
	s, hinge, leaf := b.s, wareID("shop-hinge"), wareID("shop-leaf")
	s.approve(hinge)
	plan, _ := s.plan(b, "--patch", hinge)
	p := s.ended(s.apply(plan))
	if a := p.attempts()[0]; a.State != "failed" || a.Cause != "dependency" || !strings.Contains(a.Text, "shop-leaf") {
		t.Errorf("%+v", a)
	}
	if v := b.version("shop-hinge") + b.version("shop-leaf"); v != "1.0-11.0-1" {
		t.Errorf("installed is %s", v)
	}
	says(t, s.cli("explain", "web-1", hinge), "shop-leaf", "not deployed")
	s.approve(leaf)
	until(t, "both are deployable", func() bool { _, planned := s.plan(b); return len(planned) == 2 })
	plan, _ = s.plan(b)
	s.ended(s.apply(plan)).verified(t)
}

// A package whose new version has a new name comes with the patch that leads to it, and the old one stays.
func renamed(t *testing.T, b *box) {
	s, engine := b.s, wareID("shop-engine")
	s.approve(engine)
	plan, planned := s.plan(b, "--patch", engine)
	if !slices.Equal(planned, []string{engine}) {
		t.Errorf("the plan installs %v", planned)
	}
	s.ended(s.apply(plan)).verified(t)
	for name, want := range map[string]string{"shop-engine": "1.0-2", "shop-motor-1.0.1-2": "1.0-2", "shop-motor-1.0.0-1": "1.0-1"} {
		if v := b.version(name); v != want {
			t.Errorf("%s is at %s, not %s", name, v, want)
		}
	}
}

// freeze stops the agent between plan and execution, and gives the way to let it go on.
func (b *box) freeze() (thaw func()) {
	b.s.t.Helper()
	pid, err := b.Program()
	if err != nil {
		b.s.t.Fatal(err)
	}
	signal := func(sig syscall.Signal) {
		if err := syscall.Kill(pid, sig); err != nil {
			b.s.t.Error(err)
		}
	}
	signal(syscall.SIGSTOP)
	return func() { signal(syscall.SIGCONT) }
}

// A package that its machine's administrator holds since the plan was made is not touched, and the answer says that it is held.
func heldAfterPlan(t *testing.T, b *box) {
	s, id := b.s, b.needs("xz-utils")[0]
	before := b.version("xz-utils")
	s.approve(id)
	plan, _ := s.plan(b, "--patch", id)
	thaw := b.freeze()
	b.sh("apt-mark hold liblzma5 xz-utils")
	d := s.apply(plan)
	thaw()
	p := s.ended(d)
	if a := p.attempts()[0]; a.State == "done" || !strings.Contains(a.Text, "held") {
		t.Errorf("%+v", a)
	}
	until(t, "detect sees the hold", func() bool { return b.row(id).Verdict == "not-applicable" })
	if after := b.version("xz-utils"); after != before {
		t.Errorf("xz-utils was %s and is %s", before, after)
	}
	says(t, s.cli("explain", "web-1", id), "apt-mark hold")
	b.sh("apt-mark unhold liblzma5 xz-utils")
	s.cli("machines", "detect", "web-1")
	until(t, "detect sees that the hold is gone", func() bool { return b.row(id).Verdict == "not-patched" })
	if _, planned := s.plan(b, "--patch", id); len(planned) != 1 {
		t.Errorf("after the hold is gone:\n%s", s.cli("explain", "web-1", id))
	}
}

// A package that somebody changed between plan and execution is left as it is, and the answer says what has changed.
func changedByHand(t *testing.T, b *box) {
	s, id := b.s, b.needs("expat")[0]
	s.approve(id)
	plan, _ := s.plan(b, "--patch", id)
	thaw := b.freeze()
	for _, f := range s.payloads() {
		if f.Name == "libexpat1" && f.Patch == id {
			b.put("/tmp/expat.deb", read(t, filepath.Join(s.Data(), "payloads", f.SHA256)))
		}
	}
	b.sh("dpkg --install /tmp/expat.deb")
	by := b.version("libexpat1")
	d := s.apply(plan)
	thaw()
	p := s.ended(d)
	if a := p.attempts()[0]; a.State == "done" || a.Cause != "drift" || !strings.Contains(a.Text, by) {
		t.Errorf("%+v", a)
	}
	until(t, "detect sees the change", func() bool { return b.row(id).Verdict == "patched" })
	says(t, s.cli("explain", "web-1", id), "(drift): libexpat1:amd64 is at "+by, "by something else")
	if history := b.sh("cat /var/log/apt/history.log"); strings.Contains(history, p.attempts()[0].ID) {
		t.Error("it was executed all the same")
	}
}
