package host

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
)

// readUpdaters lists the other patch services that are installed and enabled, sorted by name.
func readUpdaters(root string, packages []patch.Package) []string {
	installed := func(name string) bool {
		return slices.ContainsFunc(packages, func(p patch.Package) bool { return p.Name == name && p.State == patch.Installed })
	}
	var out []string
	if installed("cron-apt") {
		out = append(out, "cron-apt")
	}
	if installed("landscape-client") && line(root, "etc/landscape/client.conf") != "" {
		out = append(out, "landscape")
	}
	if installed("packagekit") && !masked(root, "packagekit.service") {
		out = append(out, "packagekit")
	}
	if installed("unattended-upgrades") && !masked(root, "apt-daily-upgrade.timer") && !masked(root, "apt-daily-upgrade.service") {
		conf, _ := readAptConf(root) // what cannot be read turns nothing on
		if on(conf["apt::periodic::unattended-upgrade"]) && conf["apt::periodic::enable"] != "0" {
			out = append(out, "unattended-upgrades")
		}
	}
	return out
}

// on reads apt's way of saying how often: "0" and nothing are never, "1" is daily, "always" and "12h" are periods.
func on(value string) bool { return value != "" && strings.Trim(value, "0") != "" }

// masked reports whether an administrator took a systemd unit out of service.
func masked(root, unit string) bool {
	to, err := os.Readlink(filepath.Join(root, "etc/systemd/system", unit))
	return err == nil && to == "/dev/null"
}
