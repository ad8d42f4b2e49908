package e2e

import (
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/debian/debtest"
	"github.com/fettle-project/fettle/internal/lab"
)

// A patch that needs a reboot gets it where the plan permits it: once, proven by another boot, and the signal clears by itself. Where the machine's
// owner forbids it, it stays owed and explain says so.
func TestReboot(t *testing.T) {
	needRoot(t)
	fresh := ware("shop-core", "1.0-2", "")
	fresh.Scripts = map[string]string{"postinst": "#!/bin/sh\ntouch /run/reboot-required; echo shop-core >/run/reboot-required.pkgs\n"}
	a := newShop(t, []debtest.Package{fresh})
	s := newSite(t, lab.WithCheckin(10*time.Second))
	s.cli("feeds", "add", "--name", "shop", "--apt", a.line(shopSuite), "--keyring", a.keyring)
	s.cli("catalog", "sync")
	b := s.box("web-1")
	var err error
	if b.Machine, err = s.Start(t.Context(), b.spec); err != nil {
		t.Fatal(err)
	}
	b.stock(a, []debtest.Package{ware("shop-core", "1.0-1", "")})
	// The lab's machines restart when their first process ends.
	b.put("/tmp/shutdown", []byte("#!/bin/sh\n[ \"$*\" = '-r now' ] || exit 1\necho reboot >>/var/tmp/reboots\nkill -TERM 1\n"))
	b.sh("mkdir -p /etc/fettle-agent && echo no-reboot >/etc/fettle-agent/policy; install -m 755 /tmp/shutdown /sbin/shutdown")
	b.Stop()
	if b.Machine, err = s.Join(t.Context(), b.spec); err != nil {
		t.Fatal(err)
	}
	b.snapshot(1)
	id := wareID("shop-core")
	s.approve(id)
	plan, _ := s.plan(b, "--patch", id, "--reboot", "if-needed", "--reboot-message", "Patch day")
	says(t, string(read(t, plan)), `"if-needed"`)
	s.ended(s.apply(plan))
	until(t, "explain says who forbids it", func() bool {
		out := s.cli("explain", "web-1", id)
		return strings.Contains(out, "owes a reboot") && strings.Contains(s.cli("machines", "show", "web-1", "--json"), "the owner of this machine forbids reboots")
	})
	first := b.BootID()
	b.sh("rm /etc/fettle-agent/policy")
	select {
	case <-b.Done():
	case <-time.After(60 * time.Second):
		t.Fatal("it did not reboot")
	}
	b.Stop()
	b.boot()
	if b.BootID() == first {
		t.Fatal("it is the same boot")
	}
	until(t, "nothing is owed any more", func() bool { return !strings.Contains(s.cli("explain", "web-1", id), "owes a reboot") })
	if out := b.sh("sleep 8; cat /var/tmp/reboots"); strings.TrimSpace(out) != "reboot" {
		t.Errorf("reboots: %q", out)
	}
	if r := b.row(id); r.Verdict != "patched" {
		t.Errorf("%+v", r)
	}
}
