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

// A /boot of its own that is too full for a kernel is said before anything of the kernel is installed, with what could go from it. It keeps no other patch from the machine, uses up
// nothing, and the kernel comes when there is room.
func TestFullBoot(t *testing.T) {
	needRoot(t)
	kernel, next := motor("shop-motor-1.0.1-2", "1.0-2"), ware("shop-engine", "1.0-2", "shop-motor-1.0.1-2 (= 1.0-2)")
	kernel.Files = map[string]string{"boot/vmlinuz-1.0.1-2": strings.Repeat("kernel ", 1<<20)} // 7 MB
	kernel.Scripts = map[string]string{"postinst": "#!/bin/sh\nset -e\nhead -c 20M /dev/zero >/boot/initrd.img-1.0.1-2\n"}
	kernel.Sums = true
	a := newShop(t, []debtest.Package{kernel, next, ware("shop-core", "1.0-2", "")})
	s := newYard(t, a)
	const small = `mount -t tmpfs -o size=80m boot /boot; for v in 1 2 3; do head -c 1M /dev/zero >/boot/vmlinuz-1.0.$v-1; head -c 15M /dev/zero >/boot/initrd.img-1.0.$v-1; done`
	b := s.stocked(a, "web-1", []debtest.Package{motor("shop-motor-1.0.0-1", "1.0-1"), ware("shop-engine", "1.0-1", "shop-motor-1.0.0-1 (= 1.0-1)"), ware("shop-core", "1.0-1", "")}, "true", small)
	core, engine := wareID("shop-core"), wareID("shop-engine")
	s.approve(core, engine)

	plan, patches := s.plan(b)
	if len(patches) < 2 {
		t.Fatalf("planned are %v", patches)
	}
	p := s.ended(s.apply(plan))
	const said = "no room at /boot: 32 MB are free and 38 MB are needed for what shop-motor-1.0.1-2 brings; 15 MB of that are for the initrd, if it is as large as initrd.img-1.0."
	for _, at := range p.attempts() {
		switch {
		case at.Patch == core && (at.State != "done" || at.Effect != "verified"):
			t.Errorf("%+v", at)
		case at.Patch != core && (at.State != "failed" || at.Cause != "room" || !strings.HasPrefix(at.Text, said)):
			t.Errorf("%+v", at)
		}
	}
	if left := b.sh("ls /boot; dpkg --audit"); strings.Contains(left, "1.0.1-2") || b.version("shop-engine") != "1.0-1" {
		t.Errorf("something of it is there: %s", left)
	}
	until(t, "the detect after it has come", func() bool { return strings.Contains(s.cli("explain", "web-1", engine), said) })
	says(t, s.cli("explain", "web-1", engine), said, "; kernels that are neither running nor the newest, and can be removed: 1.0.1-1, 1.0.2-1", "whoever keeps web-1 makes room there; then it may be tried again")
	says(t, s.cli("explain", "web-1", engine, "--json"), `"no-room"`)
	b.sh("rm /boot/*-1.0.1-1")
	says(t, s.cli("deploy", "reset-attempts", engine, "--machine", "web-1", "--why", "there is room"), "new attempts on 1 machine")
	plan, _ = s.planFor("--machine", "web-1", "--patch", engine)
	p = s.ended(s.apply(plan))
	p.verified(t)
	b.onceEach(p)
	says(t, b.sh("ls /boot"), "initrd.img-1.0.1-2", "vmlinuz-1.0.1-2")
}
