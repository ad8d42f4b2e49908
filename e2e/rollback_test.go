package e2e

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/debian/debtest"
	"github.com/fettle-project/fettle/internal/lab"
)

// slowScript tells that it runs, and takes long enough to be killed in.
const slowBack = "#!/bin/sh\ntouch /var/tmp/slow-began\nsleep 3\necho done >>/var/tmp/slow-done\n"

// A patch that Fettle installed goes back: by plan, to the exact version before, proven by a detect, held and explained; and it comes again once
// the hold is lifted. What has no way back is left out by name, and a machine that dies in the middle heals.
func TestRollback(t *testing.T) {
	needRoot(t)
	slow := ware("shop-slow", "1.0-1", "")
	slow.Scripts = map[string]string{"postinst": slowBack}
	before := []debtest.Package{ware("shop-till", "1.0-1", ""), ware("shop-core", "1.0-1", ""), slow}
	a := newShop(t, append(append([]debtest.Package{}, append(newWares, ware("shop-slow", "1.0-2", ""))...), before...))
	s := newSite(t, lab.WithCheckin(10*time.Second))
	s.cli("feeds", "add", "--name", "shop", "--apt", a.line(shopSuite), "--keyring", a.keyring)
	s.cli("catalog", "sync")
	b := s.box("web-1")
	var err error
	if b.Machine, err = s.Start(t.Context(), b.spec); err != nil {
		t.Fatal(err)
	}
	b.stock(a, append(oldWares, slow))
	b.sh("rm -f /var/tmp/slow-began /var/tmp/slow-done")
	b.Stop()
	if b.Machine, err = s.Join(t.Context(), b.spec); err != nil {
		t.Fatal(err)
	}
	b.snapshot(1)
	till, door, slower, core := wareID("shop-till"), wareID("shop-door"), wareID("shop-slow"), wareID("shop-core")
	s.approve(till, door, slower, core, wareID("shop-front"))
	plan, _ := s.plan(b)
	first := s.apply(plan)
	s.ended(first).verified(t)

	t.Run("back, held, and again", func(t *testing.T) { on := b.on(t); goesBackAndAgain(t, on, till, "shop-till", "1.0-1", "1.0-2") })
	t.Run("the version before is nowhere to be had", func(t *testing.T) { on := b.on(t); staysWhereItIs(t, on, door, "nowhere to be had") })
	t.Run("something needs the newer version", func(t *testing.T) {
		on := b.on(t)
		staysWhereItIs(t, on, core, "shop-front 1.0-2, which is installed, needs shop-core >= 1.0-2")
	})
	t.Run("killed in the middle", func(t *testing.T) {
		on := b.on(t)
		back := on.backPlan("--patch", slower, "--machine", "web-1")
		on.killedGoingBack(t, s.on(t).apply(back), func() string { return on.version("shop-slow") })
		b.Machine = on.Machine
	})
	s.cli("audit", "verify")
}

// backPlan plans a rollback into a file.
func (b *box) backPlan(args ...string) string {
	b.s.t.Helper()
	f, err := os.CreateTemp(b.s.dir, "back-")
	if err != nil {
		b.s.t.Fatal(err)
	}
	defer f.Close()
	b.s.cli(append([]string{"deploy", "rollback", "--why", "the shop is slow", "--out", f.Name()}, args...)...)
	return f.Name()
}

func goesBackAndAgain(t *testing.T, b *box, id, name, old, fresh string) {
	s := b.s
	at := func() string {
		if strings.HasPrefix(id, "almalinux") {
			return b.rpmVersions(name)
		}
		return b.version(name)
	}
	file := b.backPlan("--patch", id, "--machine", b.spec.Hostname)
	var p struct {
		Machines []struct {
			Items []struct {
				Outcome  string
				Packages []struct {
					Name, From, Version, SHA256 string
					Back                        bool
				}
			}
		}
	}
	if err := json.Unmarshal(read(t, file), &p); err != nil {
		t.Fatal(err)
	}
	if k := p.Machines[0].Items[0].Packages[0]; k.Name != name || k.From[:len(fresh)] != fresh || k.Version[:len(old)] != old || !k.Back || len(k.SHA256) != 64 {
		t.Fatalf("%+v", p)
	}
	d := s.apply(file)
	done := s.ended(d)
	done.verified(t)
	if one := done.attempts()[0]; one.Effect != "rolled-back" || at() != old {
		t.Errorf("%+v, and it is at %s", one, at())
	}
	if r := b.row(id); r.Verdict != "not-patched" || r.Effect != "rolled-back" || r.Code != "held" {
		t.Errorf("%+v", r)
	}
	says(t, s.cli("explain", b.spec.Hostname, id), "rolled back", "held back for", "rolled back by deployment "+d+": the shop is slow", "proven by snapshot")
	if _, planned := s.plan(b, "--patch", id); len(planned) != 0 {
		t.Errorf("the next deployment would install %v", planned)
	}
	var alarms struct{ Items []struct{ Key, Text string } }
	s.json(&alarms, "alarms")
	if len(alarms.Items) != 0 {
		t.Errorf("alarms: %+v", alarms.Items)
	}
	s.cli("clear", id, "--label", "rollback-"+strings.ToLower(d))
	b.deployOnly(id).verified(t)
	if at() != fresh {
		t.Errorf("it is at %s", at())
	}
}

func staysWhereItIs(t *testing.T, b *box, id, why string) {
	out, err := b.s.CLI(t.Context(), "deploy", "rollback", "--why", "w", "--patch", id, "--machine", b.spec.Hostname)
	if no := (lab.NoError{}); !errors.As(err, &no) {
		t.Errorf("it is no answer \"no\": %v", err)
	}
	says(t, out, "left out on "+b.spec.Hostname, why)
}

// killedGoingBack kills the machine while a script of the older version runs: after the next boot it is back, whole, and was executed once.
func (b *box) killedGoingBack(t *testing.T, d string, at func() string) {
	until(t, "the older version's script runs", func() bool { return strings.Contains(b.sh("ls /var/tmp"), "slow-began") })
	b.Kill()
	b.Stop()
	b.boot()
	p := b.s.ended(d)
	if one := p.attempts()[0]; one.State != "done" || one.Effect != "rolled-back" || !strings.HasPrefix(at(), "1.0") {
		t.Errorf("%+v, at %s", one, at())
	}
	st := b.journal()
	for _, a := range p.attempts() {
		if st.intents[a.ID] != 1 || st.ended[a.ID] != 1 {
			t.Errorf("%s was begun %d times and ended %d times", a.Patch, st.intents[a.ID], st.ended[a.ID])
		}
	}
}

// The same on a machine that is kept with rpm, where the vendor has replaced the older version: the appliance has kept it.
func TestRPMRollback(t *testing.T) {
	needRPM(t)
	m := newMill(t)
	s := newRPMSite(t, m, lab.WithCheckin(10*time.Second))
	b := s.rpmBox(m, "alma-1")
	conf, lib := rpmID("conf", "2.0"), rpmID("lib", "2.0")
	s.approve(conf, lib)
	plan, _ := s.plan(b)
	s.ended(s.apply(plan)).verified(t)
	t.Run("the version before is nowhere to be had", func(t *testing.T) { on := b.on(t); staysWhereItIs(t, on, lib, "nowhere to be had") })

	m.publish(t, m.key, rpmOf("conf", "3.0", configFile("newest")))
	if err := os.Remove(m.dir + "/repo/" + rpmOf("conf", "2.0").File()); err != nil {
		t.Fatal(err)
	}
	if err := lab.CreateRepo(t.Context(), m.dir+"/repo"); err != nil {
		t.Fatal(err)
	}
	s.cli("catalog", "sync")
	newest := rpmID("conf", "3.0")
	until(t, "the machine needs the newest version", func() bool {
		for _, r := range b.rows("--verdict", "not-patched") {
			if r.Patch.ID == newest {
				return true
			}
		}
		return false
	})
	s.approve(newest)
	b.deployOnly(newest).verified(t)
	t.Run("back, held, and again", func(t *testing.T) { on := b.on(t); goesBackAndAgain(t, on, newest, "conf", "2.0", "3.0") })
}
