//go:build linux

package updater_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/updater"
)

// What people paste to turn a service off does so on a machine with systemd and on one without, by what an agent sees there.
func TestAdviceWorksWhateverTheInit(t *testing.T) {
	for _, name := range []string{patch.UnattendedUpgrades, patch.PackageKit, patch.Landscape, patch.CronApt} {
		for _, systemd := range []bool{true, false} {
			root := t.TempDir()
			file := func(path, text string, mode os.FileMode) {
				path = filepath.Join(root, path)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), mode); err != nil {
					t.Fatal(err)
				}
			}
			file("etc/apt/apt.conf.d/20auto-upgrades", "APT::Periodic::Unattended-Upgrade \"1\";\n", 0o644)
			file("etc/landscape/client.conf", "[client]\n", 0o644)
			file("etc/cron-apt/config", "", 0o644)
			file("bin/sudo", "#!/bin/sh\nexec \"$@\"\n", 0o755)
			file("bin/apt-get", "#!/bin/sh\necho \"$@\" >"+root+"/removed\n", 0o755)
			file("bin/systemctl", "#!/bin/sh\necho System has not been booted with systemd as init system\nexit 1\n", 0o755)
			if systemd {
				file("run/systemd/system/.keep", "", 0o644)
				file("etc/systemd/system/.keep", "", 0o644)
				file("bin/systemctl", "#!/bin/sh\nshift 2\nfor u; do ln -s /dev/null "+root+"/etc/systemd/system/$u; done\n", 0o755)
			}
			installed := []patch.Package{{Name: name, State: patch.Installed}}
			if name == patch.Landscape {
				installed[0].Name = "landscape-client"
			}
			if s := host.Updaters(root, installed); len(s) != 1 || !s[0].Enabled {
				t.Fatalf("%s: %+v before it is turned off", name, s)
			}
			advice, _ := updater.AdviceOn(name)
			sh := exec.CommandContext(t.Context(), "sh", "-c", strings.NewReplacer(" /etc/", " "+root+"/etc/", " /run/", " "+root+"/run/").Replace(advice.Command))
			sh.Env = []string{"PATH=" + root + "/bin:/usr/bin:/bin"}
			if out, err := sh.CombinedOutput(); err != nil {
				t.Errorf("%s, systemd %v: %v: %s", name, systemd, err, out)
			}
			if b, err := os.ReadFile(root + "/removed"); err == nil {
				if strings.TrimSpace(string(b)) != "remove "+installed[0].Name {
					t.Errorf("%s, systemd %v: apt-get %s", name, systemd, b)
				}
				installed = nil
			}
			if s := host.Updaters(root, installed); len(s) > 0 && s[0].Enabled {
				t.Errorf("%s, systemd %v: it is still on: %s", name, systemd, s[0].Evidence)
			}
		}
	}
}
