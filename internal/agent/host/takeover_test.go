package host

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

func installedAll() []patch.Package {
	var out []patch.Package
	for _, u := range updaters() {
		out = append(out, patch.Package{Name: u.packages[0], State: patch.Installed})
	}
	return out
}

func busyTree(t *testing.T) string {
	t.Helper()
	root := makeTree(t, map[string]string{
		"etc/apt/apt.conf.d/20auto-upgrades": "APT::Periodic::Unattended-Upgrade \"1\";", "etc/landscape/client.conf": "[client]", "etc/cron-apt/config": "",
		"etc/systemd/system/timers.target.wants/dnf-automatic.timer": "", "etc/systemd/system/dbus.service": "",
	})
	return root
}

// Every service that can be taken over is off afterwards, nothing else has changed, and giving it back makes the machine what it was.
func TestTakeOverAndGiveBack(t *testing.T) {
	for _, u := range updaters() {
		root := busyTree(t)
		before := tree(t, root)
		s, there := u.state(root, installedAll())
		if !there || !s.Enabled {
			t.Fatalf("%s: %+v", u.name, s)
		}
		plan, err := PlanTakeOver(root, u.name)
		if u.name == patch.Landscape {
			if patch.KindOf(err) != patch.Invalid {
				t.Errorf("landscape is taken over: %v", err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // a kill after it was carried out repeats it
			if err := TakeOver(context.Background(), root, u.name, plan); err != nil {
				t.Fatal(err)
			}
		}
		if s, _ := u.state(root, installedAll()); s.Enabled || len(plan.Missing(root, u.name)) > 0 {
			t.Errorf("%s is not off: %+v, %v", u.name, s, plan.Missing(root, u.name))
		}
		for _, other := range updaters() {
			if s, _ := other.state(root, installedAll()); other.name != u.name && !s.Enabled {
				t.Errorf("%s went off with %s", other.name, u.name)
			}
		}
		if err := GiveBack(context.Background(), root, u.name, plan); err != nil {
			t.Fatal(err)
		}
		if s, _ := u.state(root, installedAll()); !s.Enabled {
			t.Errorf("%s does not come back", u.name)
		}
		if after := tree(t, root); after != before {
			t.Errorf("%s:\n%s\nbefore:\n%s", u.name, after, before)
		}
	}
}

func tree(t *testing.T, root string) string {
	t.Helper()
	var out strings.Builder
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			to, _ := os.Readlink(path)
			b, _ := os.ReadFile(path)
			out.WriteString(path + " " + to + " " + string(b) + "\n")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// What an administrator masked, wrote or made theirs is never touched.
func TestTakeOverLeavesWhatIsTheirs(t *testing.T) {
	root := busyTree(t)
	units := filepath.Join(root, "etc/systemd/system")
	if err := os.Symlink("/dev/null", filepath.Join(units, "packagekit-offline-update.service")); err != nil {
		t.Fatal(err)
	}
	plan, err := PlanTakeOver(root, patch.PackageKit)
	if err != nil || len(plan.Units) != 1 {
		t.Fatalf("%+v %v", plan, err)
	}
	if err := TakeOver(context.Background(), root, patch.PackageKit, plan); err != nil {
		t.Fatal(err)
	}
	if err := GiveBack(context.Background(), root, patch.PackageKit, plan); err != nil {
		t.Fatal(err)
	}
	if !masked(root, "packagekit-offline-update.service") || masked(root, "packagekit.service") {
		t.Error("an administrator's mask was lifted, or ours was not")
	}
	own := filepath.Join(units, "dnf-automatic.timer")
	if err := os.WriteFile(own, []byte("[Timer]"), 0o644); err != nil {
		t.Fatal(err)
	}
	plan, _ = PlanTakeOver(root, patch.DNFAutomatic)
	if err := TakeOver(context.Background(), root, patch.DNFAutomatic, plan); err == nil {
		t.Error("an administrator's own unit is not an obstacle")
	}
	if b, _ := os.ReadFile(own); string(b) != "[Timer]" {
		t.Error("an administrator's own unit was replaced")
	}
	refrain := filepath.Join(root, "etc/cron-apt/refrain")
	plan, _ = PlanTakeOver(root, patch.CronApt)
	if err := TakeOver(context.Background(), root, patch.CronApt, plan); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(refrain, []byte("mine"), 0o644); err != nil {
		t.Fatal(err)
	}
	if m := plan.Missing(root, patch.CronApt); len(m) != 1 {
		t.Errorf("a changed file is ours still: %v", m)
	}
	if err := GiveBack(context.Background(), root, patch.CronApt, plan); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(refrain); string(b) != "mine" {
		t.Error("a file that somebody made theirs was removed")
	}
	for _, name := range []string{"", "../../etc/passwd", "sshd", "unattended-upgrades; reboot"} {
		if _, err := PlanTakeOver(root, name); patch.KindOf(err) != patch.Invalid {
			t.Errorf("%q: %v", name, err)
		}
	}
}
