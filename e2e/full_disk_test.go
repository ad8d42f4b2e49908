package e2e

import (
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/debian/debtest"
)

// smallVar gives a machine a /var of its own with so little room that a file can fill it.
const smallVar = `used=$(du -sm /var | cut -f1); mount -t tmpfs -o size=$((used+270))m var /mnt; cp -a /var/. /mnt/; mount --move /mnt /var; fallocate -l 120m /var/full`

// A disk that is too full is said before anything has begun, with what is free and what is needed; nothing is used up by it, and the deployment goes on by itself
// when there is room. One that fills up while a package is being installed leaves no machine half-installed, and blames no patch.
func TestFullDisk(t *testing.T) {
	needRoot(t)
	greedy := ware("shop-till", "1.0-2", "")
	greedy.Scripts = map[string]string{"preinst": "#!/bin/sh\n[ -e /run/filled ] || { : >/run/filled; fallocate -l $(df --output=avail -B1 /var | tail -1) /var/full; }\nexit 0\n"}
	a := newShop(t, []debtest.Package{ware("shop-core", "1.0-2", ""), greedy})
	s := newYard(t, a)
	b := s.stocked(a, "web-1", []debtest.Package{ware("shop-core", "1.0-1", ""), ware("shop-till", "1.0-1", "")}, "true", smallVar)
	core, till := wareID("shop-core"), wareID("shop-till")
	s.approve(core, till)

	plan, _ := s.planFor("--machine", "web-1", "--patch", core)
	d := s.apply(plan)
	const free, need = "no room at /var: ", " MB are free and 201 MB are needed, twice the packages' size and 200 MB"
	until(t, "the appliance says what is lacking", func() bool { return strings.Contains(s.cli("machines", "show", "web-1"), free) })
	says(t, s.cli("machines", "show", "web-1"), "waits: "+free, need)
	says(t, s.cli("deploy", "show", d), "waiting", "waits: "+free, need)
	says(t, s.cli("explain", "--deployment", d), "1 of 1 install has not ended", "web-1 holds the order and waits: "+free, need, "somebody makes room on the machine; then it goes on by itself")
	says(t, s.cli("explain", "web-1", core), "it is being deployed: web-1 holds the order and waits: "+free)
	if got := b.version("shop-core") + b.sh("ls /var/lib/fettle-agent/payloads"); got != "1.0-1" {
		t.Errorf("something has begun: %s", got)
	}
	b.sh("rm /var/full")
	p := s.ended(d)
	p.verified(t)
	b.onceEach(p)
	says(t, s.cli("explain", "web-1", core), "today", "attempt 1", "3 of 3")

	plan, _ = s.planFor("--machine", "web-1", "--patch", till)
	d = s.apply(plan)
	until(t, "a script has filled the disk", func() bool { return b.sh("ls /var /run") != "" && strings.Contains(b.sh("ls /run"), "filled") })
	b.sh("sleep 8; rm /var/full")
	p = s.ended(d)
	at := p.attempts()[0]
	t.Logf("%s %s %s: %s", at.State, at.Cause, at.Effect, at.Text)
	if at.State == "failed" && at.Cause != "disk" && at.Cause != "interrupted" || at.State == "done" && at.Effect != "verified" {
		t.Errorf("%+v", at)
	}
	if audit := b.sh("dpkg --audit"); audit != "" {
		t.Errorf("left half-installed: %s", audit)
	}
}
