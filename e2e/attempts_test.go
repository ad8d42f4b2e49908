package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/debian/debtest"
)

// A patch that has failed three times by its own fault waits for a person, and says so with the words that end it; those words work as they are written. One whose
// files have changed since is tried anew by itself.
func TestAttemptsRunOut(t *testing.T) {
	needRoot(t)
	wares := []debtest.Package{failing("shop-core", "preinst"), failing("shop-till", "preinst"), failing("shop-door", "postinst"), ware("shop-desk", "1.0-2", "")}
	a := newShop(t, wares)
	s := newYard(t, a)
	var old []debtest.Package
	for _, w := range wares {
		old = append(old, ware(w.Name, "1.0-1", ""))
	}
	b := s.stocked(a, "web-1", old, "true", "")
	core, till, door, desk := wareID("shop-core"), wareID("shop-till"), wareID("shop-door"), wareID("shop-desk")
	s.approve(core, till, door, desk)

	// What a patch left half-way is named, with what to do; it keeps no other from being installed, and takes no blame from it.
	plan, _ := s.planFor("--machine", "web-1", "--patch", door)
	if at := s.ended(s.apply(plan)).attempts()[0]; at.State != "failed" || at.Cause != "patch" {
		t.Errorf("%+v", at)
	}
	until(t, "the detect after it has come", func() bool { return strings.Contains(s.cli("explain", "web-1", door), "left shop-door half-way") })
	says(t, s.cli("explain", "web-1", door), "the package manager left shop-door half-way", `run "dpkg --configure -a" and detect again`)
	plan, _ = s.planFor("--machine", "web-1", "--patch", desk)
	s.ended(s.apply(plan)).verified(t)
	b.sh("printf '#!/bin/sh\n' >/var/lib/dpkg/info/shop-door.postinst; dpkg --configure -a")
	for n := range 3 {
		plan, said := s.planFor("--machine", "web-1", "--patch", core, "--patch", till)
		p := s.ended(s.apply(plan))
		for _, at := range p.attempts() {
			if at.State != "failed" || at.Cause != "patch" {
				t.Fatalf("attempt %d: %+v\n%s", n+1, at, said)
			}
		}
		until(t, "the detect after it has come", func() bool { return !strings.Contains(s.cli("explain", "web-1", till), "has not come yet") })
	}
	for _, id := range []string{core, till} {
		out := s.cli("explain", "web-1", id)
		says(t, out, "3 of 3 attempts failed on the patch itself", "who can act: you")
	}
	says(t, s.cli("status"), "out of attempts")
	_, said := s.planFor("--machine", "web-1", "--patch", till)
	says(t, said, "3 of 3 attempts failed")

	_, command, _ := strings.Cut(s.cli("explain", "web-1", till), "then: fettle ")
	command, _, _ = strings.Cut(command, "\n")
	var words []string
	for i, part := range strings.Split(command, `"`) {
		if i%2 == 1 {
			words = append(words, part)
		} else {
			words = append(words, strings.Fields(part)...)
		}
	}
	says(t, s.cli(words...), "has new attempts on 1 machine")
	says(t, s.cli("explain", "web-1", till), "reset by admin")
	if _, said := s.planFor("--machine", "web-1", "--patch", till); strings.Contains(said, "left out") {
		t.Errorf("after the reset: %s", said)
	}

	// The vendor mends it under the same version.
	good := ware("shop-core", "1.0-2", "")
	good.Description = "a ware of the shop, mended"
	a.Publish(t, debtest.Suite{Name: shopSuite, Components: map[string][]debtest.Package{"main": append([]debtest.Package{good}, wares[1:]...)}, Date: time.Now()})
	s.cli("catalog", "sync")
	until(t, "its new files are here", func() bool {
		return strings.Contains(s.cli("explain", "web-1", core), "the files are other ones now than those that failed")
	})
	until(t, "the machine has detected with the new list", func() bool {
		var said string
		plan, said = s.planFor("--machine", "web-1", "--patch", core)
		return !strings.Contains(said, "left out")
	})
	s.ended(s.apply(plan)).verified(t)
}
