package e2e

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/debian/debtest"
	"github.com/fettle-project/fettle/internal/lab"
)

// waits is a ware whose new version takes until the machine has a file: it keeps whoever installs it busy.
func waits(name, depends string) debtest.Package {
	w := ware(name, "1.0-2", depends)
	w.Scripts = map[string]string{"postinst": "#!/bin/sh\nn=0; until [ -e /run/" + name + " ] || [ $n -ge 900 ]; do sleep 0.1; n=$((n+1)); done\n"}
	return w
}

const shopPort = 8470

// on gives the machine to a subtest.
func (b *box) on(t *testing.T) *box {
	c := *b
	c.s = b.s.on(t)
	return &c
}

// unattended makes unattended-upgrades care for the shop's wares but the given ones, as an administrator would.
func (b *box) unattended(but string) {
	b.s.t.Helper()
	b.put("/etc/apt/sources.list", []byte(fmt.Sprintf("deb http://127.0.0.1:%d %s main\n", shopPort, shopSuite)))
	b.put("/etc/apt/apt.conf.d/60shop", []byte(fmt.Sprintf("#clear Unattended-Upgrade::Origins-Pattern;\nUnattended-Upgrade::Origins-Pattern { \"codename=%s\"; };\nUnattended-Upgrade::Package-Blacklist { %s };\n", shopSuite, but)))
	b.sh("apt-get -qq update")
}

// upgrade starts unattended-upgrades and waits until it is in the middle of a ware.
func (b *box) upgrade(ware string) (cmd *exec.Cmd, out *output) {
	b.s.t.Helper()
	cmd, out = b.Command(b.s.t.Context(), "unattended-upgrade", "-v"), &output{}
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		b.s.t.Fatal(err)
	}
	b.s.t.Cleanup(func() {
		if b.s.t.Failed() {
			b.s.t.Logf("unattended-upgrades said:\n%s", out)
		}
	})
	until(b.s.t, "unattended-upgrades installs "+ware, func() bool {
		return b.sh("grep -las '[^ -~]/var/lib/dpkg/info/%s.postinst' /proc/[0-9]*/cmdline || true", ware) != ""
	})
	return cmd, out
}

// Real unattended-upgrades is at work when a deployment comes. The deployment waits for it and says so; what it installed meanwhile is its own and
// named as such; what is left is installed. Where it takes too long the deployment gives up, names it, and leaves it alone.
func TestAnotherUpdaterAtWork(t *testing.T) {
	needRoot(t)
	old := []debtest.Package{ware("shop-slow", "1.0-1", ""), ware("shop-door", "1.0-1", ""), ware("shop-till", "1.0-1", ""), ware("shop-late", "1.0-1", ""), ware("shop-desk", "1.0-1", "")}
	fresh := []debtest.Package{waits("shop-slow", ""), ware("shop-door", "1.0-2", "shop-slow (>= 1.0-2)"), ware("shop-till", "1.0-2", ""), waits("shop-late", ""), ware("shop-desk", "1.0-2", "")}
	a := newShop(t, fresh)
	s := newSite(t, lab.WithCheckin(10*time.Second))
	var err error
	if s.base, err = lab.MakeRoot(t.Context(), lab.CacheDir(), s.archive, lab.RootSpec{Release: release, Include: []string{"ca-certificates", "unattended-upgrades"}}); err != nil {
		t.Fatal(err)
	}
	s.cli("feeds", "add", "--name", "shop", "--apt", a.line(shopSuite), "--keyring", a.keyring)
	s.cli("catalog", "sync")
	b := s.box("web-1")
	b.spec.Args = []string{"--lock-wait", "20s"}
	b.spec.Forward = map[int]string{shopPort: strings.TrimPrefix(a.URL, "http://")}
	if b.Machine, err = s.Start(t.Context(), b.spec); err != nil {
		t.Fatal(err)
	}
	b.stock(a, old)
	b.Stop()
	if b.Machine, err = s.Join(t.Context(), b.spec); err != nil {
		t.Fatal(err)
	}
	b.snapshot(1)
	b.unattended(`"shop-till"; "shop-late"; "shop-desk";`)
	slow, door, till, desk := wareID("shop-slow"), wareID("shop-door"), wareID("shop-till"), wareID("shop-desk")
	s.approve(slow, door, till, desk)
	plan, _ := s.plan(b, "--patch", slow, "--patch", door, "--patch", till)
	late, _ := s.plan(b, "--patch", desk)
	t.Run("it ends in time", func(t *testing.T) {
		s, b := s.on(t), b.on(t)
		upgrader, out := b.upgrade("shop-slow")
		d := s.apply(plan)
		until(t, "the deployment says for whom it waits", func() bool {
			return strings.Contains(s.cli("machines", "show", "web-1", "--json"), `"locked by unattended-upgr (pid `)
		})
		b.sh("touch /run/shop-slow")
		if err := upgrader.Wait(); err != nil {
			t.Errorf("unattended-upgrades: %v: %s", err, out)
		}
		p := s.ended(d)
		for _, at := range p.attempts() {
			t.Logf("%s: %s %s: %s", at.Patch, at.State, at.Cause, at.Text)
			switch {
			case at.Patch == till && at.State == "done" && at.Effect == "verified":
			case at.Patch != till && at.State == "failed" && at.Cause == "drift" && strings.Contains(at.Text, "is at 1.0-2, and the order assumed 1.0-1"):
			default:
				t.Errorf("%+v", at)
			}
		}
		says(t, s.cli("explain", "web-1", door), "by another service: unattended-upgrades")
		says(t, s.cli("explain", "web-1", till), "by Fettle")
		if _, planned := s.plan(b, "--patch", slow, "--patch", door, "--patch", till); len(planned) > 0 {
			t.Errorf("planned anew is %v", planned)
		}
	})
	t.Run("it takes too long", func(t *testing.T) {
		s, b := s.on(t), b.on(t)
		b.unattended(`"shop-till"; "shop-desk";`)
		upgrader, out := b.upgrade("shop-late")
		holder := strings.TrimSpace(b.sh("grep -lsx unattended-upgr /proc/[0-9]*/comm | cut -d/ -f3 | sort -n | head -1"))
		p := s.ended(s.apply(late))
		if at := p.attempts()[0]; at.State != "failed" || at.Cause != "lock" || !strings.Contains(at.Text, "busy: unattended-upgr (pid "+holder+") has held") || !strings.Contains(at.Text, "it was left alone") {
			t.Errorf("%+v", at)
		}
		says(t, s.cli("explain", "web-1", desk), "unattended-upgr (pid "+holder)
		b.sh("touch /run/shop-late")
		if err := upgrader.Wait(); err != nil {
			t.Errorf("unattended-upgrades was disturbed: %v: %s", err, out)
		}
		if got := b.version("shop-late") + " " + b.version("shop-desk") + b.sh("dpkg --audit"); got != "1.0-2 1.0-1" {
			t.Errorf("installed is %s", got)
		}
	})
}
