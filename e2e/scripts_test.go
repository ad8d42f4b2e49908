package e2e

import (
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/debian/debtest"
)

// Wares with scripts that do not end: one hangs once after it was unpacked, one hangs always before.
func scripted() (old, fresh []debtest.Package) {
	with := func(p debtest.Package, script, text string) debtest.Package {
		p.Scripts = map[string]string{script: "#!/bin/sh\n" + text + "\n"}
		return p
	}
	old = []debtest.Package{ware("shop-once", "1.0-1", ""), ware("shop-never", "1.0-1", ""), ware("shop-fine", "1.0-1", "")}
	fresh = []debtest.Package{
		with(ware("shop-once", "1.0-2", ""), "postinst", `[ "$1" = configure ] && [ ! -e /var/tmp/hung ] && { touch /var/tmp/hung; sleep 600; }`+"\ntouch /var/tmp/configured; exit 0"),
		with(ware("shop-never", "1.0-2", ""), "preinst", `[ "$1" = upgrade ] && (trap "" TERM; sleep 600)`), ware("shop-fine", "1.0-2", "")}
	return old, fresh
}

// A maintainer script that hangs is shown, ended after its time, and nothing is left broken: what dpkg can finish is finished, what it cannot begin
// stays as it was. The patches beside it are installed.
func TestScriptsThatHang(t *testing.T) {
	needRoot(t)
	old, fresh := scripted()
	a := newShop(t, fresh)
	s := newSite(t)
	s.cli("feeds", "add", "--name", "shop", "--apt", a.line(shopSuite), "--keyring", a.keyring)
	s.cli("catalog", "sync")
	b := s.box("web-1")
	b.spec.Args = []string{"--script-limit", "10s"}
	var err error
	if b.Machine, err = s.Start(t.Context(), b.spec); err != nil {
		t.Fatal(err)
	}
	b.stock(a, old)
	b.Stop()
	if b.Machine, err = s.Join(t.Context(), b.spec); err != nil {
		t.Fatal(err)
	}
	b.snapshot(1)
	once, never, fine := wareID("shop-once"), wareID("shop-never"), wareID("shop-fine")
	s.approve(once, never, fine)
	plan, _ := s.plan(b, "--patch", once, "--patch", never, "--patch", fine)
	d := s.apply(plan)
	until(t, "the script that keeps it waiting is shown", func() bool {
		s.cli("machines", "detect", "web-1") // an early check-in
		return strings.Contains(s.cli("machines", "show", "web-1", "--json"), "postinst runs for")
	})
	p := s.ended(d)
	for _, at := range p.attempts() {
		t.Logf("%s: %s %s: %s", at.Patch, at.State, at.Cause, at.Text)
		switch {
		case at.Patch == fine && at.State == "done" && at.Effect == "verified":
		case at.Patch == once && at.State == "failed" && at.Cause == "time-out" && strings.Contains(at.Text, "the package was installed once more and is whole"):
		case at.Patch == never && at.State == "failed" && at.Cause == "time-out" && strings.Contains(at.Text, "the package was left as it was before"):
		default:
			t.Errorf("%+v", at)
		}
	}
	if audit := b.sh("dpkg --audit; pgrep -f 'sleep 600' || true"); audit != "" {
		t.Errorf("left half-installed, or running: %s", audit)
	}
	if got := b.version("shop-once") + " " + b.version("shop-never"); got != "1.0-2 1.0-1" {
		t.Errorf("installed is %s", got)
	}
	b.sh("test -e /var/tmp/configured")
	if r := b.row(once); r.Verdict != "patched" {
		t.Errorf("%+v", r)
	}
	says(t, s.cli("explain", "web-1", never), "time-out")
}
