//go:build !windows

package host

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/patch"
)

// updater is one other patch service: how to see whether it acts, and what turns it off. This table is all that a take-over can do to a
// machine: no name, path or unit comes from anywhere else.
type updater struct {
	name     string
	packages []string // of which one must be installed
	// sign is what on the machine says that the service acts by itself; empty where nothing does.
	sign func(root string) string
	// files are written, whole, and units masked, to turn it off. Without either a take-over is not offered.
	files []planted
	units []string
}

// planted is a file of ours that turns a service off by being there. It must not exist before.
type planted struct{ path, content string }

const ours = "Fettle turned this off when it took patching over on this machine: `fettle updaters` on the appliance gives it back."

func updaters() []updater {
	automatic := []string{"dnf-automatic.timer", "dnf-automatic-install.timer", "dnf-automatic-download.timer", "dnf-automatic-notifyonly.timer", "dnf5-automatic.timer"}
	return []updater{
		{name: patch.CronApt, packages: []string{"cron-apt"}, sign: cronAptSign,
			files: []planted{{"etc/cron-apt/refrain", ours + "\n"}}},
		{name: patch.DNFAutomatic, packages: []string{"dnf-automatic", "dnf5-plugin-automatic"}, sign: func(root string) string { return timerSign(root, automatic) },
			units: automatic},
		{name: patch.Landscape, packages: []string{"landscape-client"}, sign: func(root string) string {
			if masked(root, "landscape-client.service") || line(root, "etc/landscape/client.conf") == "" {
				return ""
			}
			return "/etc/landscape/client.conf registers this machine"
		}},
		{name: patch.PackageKit, packages: []string{"packagekit", "PackageKit"}, sign: packageKitSign,
			units: []string{"packagekit.service", "packagekit-offline-update.service"}},
		{name: patch.UnattendedUpgrades, packages: []string{"unattended-upgrades"}, sign: unattendedSign,
			files: []planted{{"etc/apt/apt.conf.d/99zz-fettle-unattended-upgrades", "// " + ours + "\nAPT::Periodic::Unattended-Upgrade \"0\";\n"}}},
	}
}

func updaterNamed(name string) (updater, bool) {
	all := updaters()
	i := slices.IndexFunc(all, func(u updater) bool { return u.name == name })
	if i < 0 {
		return updater{}, false
	}
	return all[i], true
}

// state looks at the machine.
func (u updater) state(root string, packages []patch.Package) (s patch.UpdaterState, there bool) {
	if !slices.ContainsFunc(packages, func(p patch.Package) bool { return slices.Contains(u.packages, p.Name) && p.State == patch.Installed }) {
		return s, false
	}
	s = patch.UpdaterState{Name: u.name, Evidence: u.sign(root)}
	s.Enabled = s.Evidence != ""
	return s, true
}

// Updaters lists the other patch services that are installed, sorted by name.
func Updaters(root string, packages []patch.Package) []patch.UpdaterState {
	var out []patch.UpdaterState
	for _, u := range updaters() {
		if s, there := u.state(root, packages); there {
			out = append(out, s)
		}
	}
	return out
}

// readUpdaters names those that act by themselves.
func readUpdaters(root string, packages []patch.Package) []string {
	var out []string
	for _, s := range Updaters(root, packages) {
		if s.Enabled {
			out = append(out, s.Name)
		}
	}
	return out
}

func cronAptSign(root string) string {
	if isFile(root, "etc/cron-apt/refrain") {
		return ""
	}
	return "the package cron-apt is installed and /etc/cron-apt/refrain is not there"
}

func packageKitSign(root string) string {
	if masked(root, "packagekit.service") {
		return ""
	}
	return "packagekit.service may be started by anybody who asks for it"
}

func unattendedSign(root string) string {
	if masked(root, "apt-daily-upgrade.timer") || masked(root, "apt-daily-upgrade.service") {
		return ""
	}
	const key, all = "apt::periodic::unattended-upgrade", "apt::periodic::enable"
	conf, _ := readAptConf(root) // what cannot be read turns nothing on
	if !on(conf[key]) || conf[all] == "0" {
		return ""
	}
	from := ""
	for _, name := range append(aptParts(root, "apt.conf.d", "conf", true), aptDir+"apt.conf") {
		if b, err := readAptFile(root, name, debian.MaxAptConf); err == nil && debian.ParseAptConf(b, nil)[key] != "" {
			from = "/" + name
		}
	}
	return from + ` sets APT::Periodic::Unattended-Upgrade "` + tidy(conf[key], 20) + `"`
}

// timerSign finds a timer that something wants and nobody masked.
func timerSign(root string, units []string) string {
	for _, unit := range units {
		if masked(root, unit) {
			continue
		}
		for _, dir := range []string{"timers.target.wants", "multi-user.target.wants"} {
			path := filepath.Join("etc/systemd/system", dir, unit)
			if _, err := os.Lstat(filepath.Join(root, path)); err == nil {
				return "/" + path + " starts it"
			}
		}
	}
	return ""
}

// on reads apt's way of saying how often: "0" and nothing are never, "1" is daily, "always" and "12h" are periods.
func on(value string) bool { return value != "" && strings.Trim(value, "0") != "" }

// masked reports whether an administrator took a systemd unit out of service.
func masked(root, unit string) bool {
	to, err := os.Readlink(filepath.Join(root, "etc/systemd/system", unit))
	return err == nil && to == "/dev/null"
}
