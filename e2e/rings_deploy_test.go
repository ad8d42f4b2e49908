package e2e

import (
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/debian/debtest"
)

// failing is a ware whose new version has a script that fails.
func failing(name, script string) debtest.Package {
	w := ware(name, "1.0-2", "")
	w.Scripts = map[string]string{script: "#!/bin/sh\necho 'the " + name + " cannot be opened' >&2\nexit 1\n"}
	return w
}

// A patch that fails in the first ring is halted everywhere, by itself and with an alarm; another one goes on through all rings. Only a person lets it go on, with a
// reason that is kept, and then it comes to the machines that it had not reached.
func TestARingHaltsAPatch(t *testing.T) {
	needRoot(t)
	bad := failing("shop-core", "preinst")
	a := newShop(t, []debtest.Package{bad, ware("shop-till", "1.0-2", "")})
	s := newYard(t, a)
	old := []debtest.Package{ware("shop-core", "1.0-1", ""), ware("shop-till", "1.0-1", "")}
	first, last := s.stocked(a, "canary-1", old, "true", ""), s.stocked(a, "web-1", old, "true", "")
	s.cli("labels", "put", "canary", "--expr", `machine.name.startsWith("canary-")`)
	s.cli("rings", "put", "canary", "--label", "canary", "--position", "1", "--soak", "1s", "--proofs", "1")
	s.cli("rings", "put", "broad", "--label", "all", "--position", "2", "--soak", "1s", "--proofs", "1")
	core, till := wareID("shop-core"), wareID("shop-till")
	s.approve(core, till)
	plan, _ := s.planFor("--label", "all")
	d := s.apply(plan)
	until(t, "the good patch has passed all rings and is verified", func() bool {
		return strings.Contains(s.cli("deploy", "show", d), "2 of 4 installed, 2 verified by detect")
	})
	if v := first.version("shop-till") + last.version("shop-till"); v != "1.0-21.0-2" {
		t.Errorf("verified, and yet there is %s", v)
	}
	until(t, "the bad one is halted", func() bool { return strings.Contains(s.cli("rings", "show", core), "halted") })
	says(t, s.cli("explain", "web-1", core), "ring halted: 1 of 1 failed in canary", "fettle deploy resume "+core+" --why …")
	says(t, s.cli("explain", "--deployment", d), "1 of 4 installs have not ended. 1: ring halted: 1 of 1 failed in canary", "nothing until somebody resumes it")
	says(t, s.cli("deploy", "show", d), "2 of 4 installed, 2 verified by detect, 1 waiting, 1 failed", "waits: ring halted: 1 of 1 failed in canary")
	says(t, s.cli("status"), "! "+core+" is halted in the ring canary: 1 of 1 failed")
	says(t, s.cli("deploy", "log", d, "--failed"), "the shop-core cannot be opened")
	if v := last.version("shop-core"); v != "1.0-1" {
		t.Errorf("it reached the second ring: %s", v)
	}
	out, err := s.CLI(t.Context(), "deploy", "resume", core)
	if err == nil {
		t.Errorf("it is resumed without a reason: %s", out)
	}
	s.cli("deploy", "resume", core, "--why", "the door of canary-1 was stuck")
	says(t, s.cli("audit", "list"), "ring.resume", "the door of canary-1 was stuck")
	says(t, s.cli("rings", "pass", core, "canary", "--why", "web-1 has no such door"), "passed")
	until(t, "it comes to the second ring", func() bool {
		p, err := s.progress(d)
		return err == nil && p.Ended
	})
	s.cli("audit", "verify")
}
