package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/debian/debtest"
)

// Machines that owe a restart and need no patch are restarted by a plan of restarts alone: those that owe one, but the one whose owner forbids it and the
// one that owes none. It is over when they come from another boot; what a machine was told once it does once.
func TestRestartsAlone(t *testing.T) {
	needRoot(t)
	a := newShop(t, []debtest.Package{ware("shop-core", "1.0-1", "")})
	s := newYard(t, a)
	old := []debtest.Package{ware("shop-core", "1.0-1", "")}
	b := s.stocked(a, "web-1", old, "true", "")
	forbids := s.stocked(a, "web-2", old, "mkdir -p /etc/fettle-agent && echo no-reboot >/etc/fettle-agent/policy", "")
	idle := s.stocked(a, "web-3", old, "true", "")

	out := s.cli("deploy", "restart", "--label", "all")
	says(t, out, "0 restarts of 3 machines.", "No restart owed: 3 machines (web-1, web-2, web-3).")
	for _, m := range []*box{b, forbids} {
		m.sh("touch /run/reboot-required; echo linux-image-amd64 >/run/reboot-required.pkgs")
	}
	until(t, "the appliance knows that two owe a restart", func() bool {
		return strings.Contains(s.cli("machines", "show", "web-1"), "owed") && strings.Contains(s.cli("machines", "show", "web-2"), "owed")
	})
	file, stale := t.TempDir()+"/restarts.json", t.TempDir()+"/stale.json"
	out = s.cli("deploy", "restart", "--label", "all", "-o", file)
	says(t, out, "1 restart of 3 machines.", "web-1: it owes one", "web-2: the owner of web-2 does not allow restarts (no-reboot)", "No restart owed: 1 machine (web-3).", "Restarts: if-needed.", "Plan ")

	t.Log(out)
	s.cli("deploy", "restart", "--label", "all", "-o", stale)

	first := b.BootID()
	d := s.apply(file)
	if again := s.apply(file); again != d {
		t.Errorf("%s and %s of one plan", d, again)
	}
	until(t, "it is due", func() bool { return strings.Contains(s.cli("deploy", "show", d), "due on the machine") })
	t.Log(s.cli("deploy", "show", d), s.cli("explain", "--deployment", d))
	b.rebooted()
	until(t, "another boot proves it", func() bool { return strings.Contains(s.cli("deploy", "show", d), "1 of 1 restarted") })
	if b.BootID() == first {
		t.Fatal("it is the same boot")
	}
	out = s.cli("deploy", "watch", d)
	t.Log(out, s.cli("explain", "--deployment", d), s.cli("deploy", "list"), s.cli("machines", "show", "web-1"))
	says(t, out, "1 of 1 restarted", "is of another boot")
	says(t, s.cli("explain", "--deployment", d), "Nothing is stuck: 1 of 1 restarted.")
	until(t, "it has finished", func() bool { return strings.Contains(s.cli("deploy", "show", d), "finished") })
	if out := b.sh("sleep 6; cat /var/tmp/reboots"); out != "reboot\n" {
		t.Errorf("restarts: %q", out)
	}
	var dep struct {
		Deployment struct {
			Plan struct {
				Restarts bool `json:"restarts"`
			} `json:"plan"`
		} `json:"deployment"`
	}
	if err := json.Unmarshal([]byte(s.cli("deploy", "show", d, "--json")), &dep); err != nil || !dep.Deployment.Plan.Restarts {
		t.Errorf("%v %+v", err, dep)
	}

	// The plan of before does not fit any more: nothing is owed.
	if _, err := s.CLI(t.Context(), "deploy", "apply", stale); err == nil || !strings.Contains(err.Error(), "restart on web-1: it owes no restart") {
		t.Errorf("%v", err)
	}

	// With force also who owes none.
	out = s.cli("deploy", "restart", "--machine", "web-3", "--reboot", "force", "--apply")
	says(t, out, "web-3: the plan says so", " runs on 1 machine.")
	idle.rebooted()
	until(t, "it is back", func() bool { return strings.Contains(s.cli("deploy", "list"), "1 of 1 restarted") })
	for _, m := range []*box{forbids, idle} {
		if out := m.sh("cat /var/tmp/reboots 2>/dev/null || true"); out != map[string]string{"web-2": "", "web-3": "reboot\n"}[m.spec.Hostname] {
			t.Errorf("%s restarted: %q", m.spec.Hostname, out)
		}
	}
}
