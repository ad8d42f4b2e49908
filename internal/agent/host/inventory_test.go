package host

import (
	"bytes"
	"compress/gzip"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

func TestCollectInventoryOfADirectory(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte("2026-11-01 08:00:00 install apt:amd64 <none> 2.6.0\n"))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	root := makeTree(t, debianTree(map[string]string{
		"etc/hostname":                    "web\x001\xff\n",
		"etc/timezone":                    "Etc/UTC\n",
		"sys/class/dmi/id/sys_vendor":     "QEMU\x00\x00\n",
		"sys/class/dmi/id/product_name":   "Standard PC   \n",
		"proc/cpuinfo":                    "processor\t: 0\nmodel name\t: AMD EPYC\nflags\t: fpu hypervisor\n\nprocessor\t: 1\nmodel name\t: AMD EPYC\n",
		"proc/meminfo":                    "MemTotal:        2048000 kB\nMemFree: 1 kB\n",
		"proc/sys/kernel/osrelease":       "6.1.0-37-amd64\n",
		"proc/sys/kernel/random/boot_id":  "c0b13e7d-4a25-443e-82cf-23c08523d3f0\n",
		"var/log/dpkg.log":                "2026-11-22 12:00:00 upgrade apt:amd64 2.6.1 2.6.2\n",
		"var/log/dpkg.log.1":              "2026-11-20 12:00:00 upgrade apt:amd64 2.6.0 2.6.1\n",
		"var/log/dpkg.log.2.gz":           packed.String(),
		"var/log/apt/history.log":         "Start-Date: 2026-11-22  12:00:00\nCommandline: apt-get -o Fettle::Attempt=1 install\nEnd-Date: 2026-11-22  12:00:01\n",
		"var/log/apt/history.log.1.gz":    "not gzip at all",
		"etc/apt/apt.conf.d/20auto":       "APT::Periodic::Unattended-Upgrade \"1\";\n",
		"etc/systemd/system/dbus.service": "",
	}))
	f, err := CollectFacts(context.Background(), root)
	if err != nil {
		t.Fatal(err)
	}
	f.Packages = append(f.Packages, patch.Package{Name: "unattended-upgrades", Arch: "all", State: patch.Installed})
	v, err := CollectInventory(context.Background(), root, f)
	if err != nil {
		t.Fatal(err)
	}
	v.Hardware.DiskMB = 0
	hash, _, _ := wire.HashJSON(f)
	day := func(d, h int) time.Time { return time.Date(2026, 11, d, h, 0, 0, 0, time.UTC) }
	want := patch.Inventory{Zone: "Etc/UTC", Hostname: "web1\uFFFD", OS: f.OS, Facts: hash, Network: []patch.Interface{}, Updaters: []string{"unattended-upgrades"},
		Hardware: patch.Hardware{Vendor: "QEMU", Model: "Standard PC", CPU: "AMD EPYC", Cores: 2, MemoryMB: 2000, Virtual: "QEMU"},
		Kernel:   patch.Kernel{Running: "6.1.0-37-amd64"},
		Changes: []patch.PkgChange{
			{At: day(22, 12), Action: "upgrade", Name: "apt", Arch: "amd64", From: "2.6.1", To: "2.6.2", By: "fettle",
				Who: patch.DoerFettle, Evidence: "/var/log/apt/history.log: Commandline: apt-get -o Fettle::Attempt=1 install"},
			{At: day(20, 12), Action: "upgrade", Name: "apt", Arch: "amd64", From: "2.6.0", To: "2.6.1"},
			{At: day(1, 8), Action: "install", Name: "apt", Arch: "amd64", To: "2.6.0"},
		}}
	if diff := cmp.Diff(want, v); diff != "" {
		t.Error(diff)
	}
	if BootID(root) != "c0b13e7d-4a25-443e-82cf-23c08523d3f0" {
		t.Errorf("boot id %q", BootID(root))
	}
	again, err := CollectInventory(context.Background(), root, f)
	again.Hardware.DiskMB = 0
	if err != nil || !cmp.Equal(v, again) {
		t.Error("an unchanged machine has a changed inventory", err)
	}
}

func TestHistoryIsCapped(t *testing.T) {
	root := makeTree(t, map[string]string{"var/log/dpkg.log": strings.Repeat("2026-11-20 12:00:00 upgrade apt:amd64 2.6.0 2.6.1\n", maxChanges+500) +
		"2026-11-21 12:00:00 upgrade last:amd64 1 2\n"})
	changes := readChanges(context.Background(), root)
	if len(changes) != maxChanges || changes[0].Name != "last" {
		t.Errorf("%d changes, the first is %+v", len(changes), changes[0])
	}
	if got := readChanges(context.Background(), t.TempDir()); got == nil || len(got) != 0 {
		t.Errorf("no logs: %v", got)
	}
}

func TestRebootSignal(t *testing.T) {
	kernels := func(names ...string) string {
		s := twoStatus
		for _, n := range names {
			name, version, _ := strings.Cut(n, " ")
			s += "Package: linux-image-" + name + "\nStatus: install ok installed\nArchitecture: amd64\nVersion: " + version + "\n\n"
		}
		return s
	}
	const release, built = "proc/sys/kernel/osrelease", "proc/sys/kernel/version"
	for name, c := range map[string]struct {
		files map[string]string
		owed  bool
		want  string
	}{
		"nothing installed": {map[string]string{release: "6.1.0-37-amd64\n"}, false, ""},
		"the newest runs":   {map[string]string{release: "6.1.0-41-amd64\n", "var/lib/dpkg/status": kernels("6.1.0-37-amd64 6.1.140-1", "6.1.0-41-amd64 6.1.158-1")}, false, ""},
		"a newer one waits": {map[string]string{release: "6.1.0-9-amd64\n", "var/lib/dpkg/status": kernels("6.1.0-9-amd64 6.1.27-1", "6.1.0-41-amd64 6.1.158-1")}, true, "6.1.0-41-amd64 is installed"},
		"101 after 96":      {map[string]string{release: "6.12.96+deb13-amd64\n", "var/lib/dpkg/status": kernels("6.12.96+deb13-amd64 6.12.96-1", "6.12.101+deb13-amd64 6.12.101-1")}, true, "6.12.101"},
		"96 before 101":     {map[string]string{release: "6.12.101+deb13-amd64\n", "var/lib/dpkg/status": kernels("6.12.96+deb13-amd64 6.12.96-1")}, false, ""},
		"another flavour":   {map[string]string{release: "6.1.0-37-cloud-amd64\n", "var/lib/dpkg/status": kernels("6.1.0-37-cloud-amd64 6.1.140-1", "6.1.0-41-amd64 6.1.158-1")}, false, ""},
		"only another":      {map[string]string{release: "6.18.44-fc-v657\n", "var/lib/dpkg/status": kernels("6.1.0-41-amd64 6.1.158-1")}, false, ""},
		"metapackages":      {map[string]string{release: "6.1.0-37-amd64\n", "var/lib/dpkg/status": kernels("amd64 6.1.158-1", "6.1.0-41-amd64-dbg 6.1.158-1")}, false, ""},
		"rebuilt in place": {map[string]string{release: "6.1.0-41-amd64\n", built: "#1 SMP PREEMPT_DYNAMIC Debian 6.1.158-1 (2025-11-09)\n",
			"var/lib/dpkg/status": kernels("6.1.0-41-amd64 6.1.159-1")}, true, "6.1.159-1"},
		"not rebuilt": {map[string]string{release: "6.1.0-41-amd64\n", built: "#1 SMP PREEMPT_DYNAMIC Debian 6.1.159-1 (2025-11-09)\n",
			"var/lib/dpkg/status": kernels("6.1.0-41-amd64 6.1.159-1")}, false, ""},
		"kernel without package": {map[string]string{release: "6.6.1-own\n", "boot/vmlinuz-6.6.2-own": "", "boot/vmlinuz-6.6.1-own": ""}, true, "6.6.2-own"},
		"asked for":              {map[string]string{"run/reboot-required": "*** System restart required ***\n", "run/reboot-required.pkgs": "libc6\ndbus\nlibc6\n"}, true, "asked for by dbus, libc6"},
		"asked for by nobody":    {map[string]string{"run/reboot-required": ""}, true, "a package asks"},
	} {
		root := makeTree(t, debianTree(c.files))
		r := RebootSignal(root)
		if r.Owed != c.owed || r.Owed != (len(r.Reasons) > 0) || !strings.Contains(strings.Join(r.Reasons, " "), c.want) {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestRebootRequestClearsByItself(t *testing.T) {
	root := makeTree(t, debianTree(map[string]string{"run/reboot-required": "", "proc/stat": "cpu 1\nbtime 1763800000\n"}))
	asked := filepath.Join(root, "run/reboot-required")
	for at, owed := range map[int64]bool{1763800001: true, 1763799999: false} {
		if err := os.Chtimes(asked, time.Unix(at, 0), time.Unix(at, 0)); err != nil {
			t.Fatal(err)
		}
		if r := RebootSignal(root); r.Owed != owed {
			t.Errorf("asked at %d, booted at 1763800000: %+v", at, r)
		}
	}
}

func TestUpdaters(t *testing.T) {
	have := func(names ...string) []patch.Package {
		var out []patch.Package
		for _, n := range names {
			out = append(out, patch.Package{Name: n, State: patch.Installed})
		}
		return out
	}
	all := have("unattended-upgrades", "packagekit", "landscape-client", "cron-apt")
	for name, c := range map[string]struct {
		files    map[string]string
		packages []patch.Package
		want     []string
	}{
		"nothing":             {nil, nil, nil},
		"installed, not on":   {nil, have("unattended-upgrades"), nil},
		"on":                  {map[string]string{"etc/apt/apt.conf.d/20auto-upgrades": "APT::Periodic::Unattended-Upgrade \"1\";"}, have("unattended-upgrades"), []string{"unattended-upgrades"}},
		"nested":              {map[string]string{"etc/apt/apt.conf": "// x\nAPT { Periodic { /* y */ Unattended-Upgrade \"always\"; }; };"}, have("unattended-upgrades"), []string{"unattended-upgrades"}},
		"later file wins":     {map[string]string{"etc/apt/apt.conf.d/20a": "APT::Periodic::Unattended-Upgrade \"1\";", "etc/apt/apt.conf.d/99b": "apt::periodic::unattended-upgrade \"0\";"}, have("unattended-upgrades"), nil},
		"backups are ignored": {map[string]string{"etc/apt/apt.conf.d/20a.bak": "APT::Periodic::Unattended-Upgrade \"1\";"}, have("unattended-upgrades"), nil},
		"switched off":        {map[string]string{"etc/apt/apt.conf.d/20a": "APT::Periodic::Unattended-Upgrade \"1\"; APT::Periodic::Enable \"0\";"}, have("unattended-upgrades"), nil},
		"on, not installed":   {map[string]string{"etc/apt/apt.conf.d/20a": "APT::Periodic::Unattended-Upgrade \"1\";"}, nil, nil},
		"all": {map[string]string{"etc/apt/apt.conf.d/20a": "APT::Periodic::Unattended-Upgrade \"1\";", "etc/landscape/client.conf": "[client]"}, all,
			[]string{"cron-apt", "landscape", "packagekit", "unattended-upgrades"}},
	} {
		if got := readUpdaters(makeTree(t, c.files), c.packages); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	root := makeTree(t, map[string]string{"etc/systemd/system/x": "", "etc/apt/apt.conf.d/20a": "APT::Periodic::Unattended-Upgrade \"1\";"})
	for _, unit := range []string{"packagekit.service", "apt-daily-upgrade.timer"} {
		if err := os.Symlink("/dev/null", filepath.Join(root, "etc/systemd/system", unit)); err != nil {
			t.Fatal(err)
		}
	}
	if got := readUpdaters(root, have("unattended-upgrades", "packagekit")); got != nil {
		t.Errorf("masked units: %v", got)
	}
}

// What apt and dpkg themselves have written on the machine that runs this test: every change that names a hand names a line that is there.
func TestHistoryOfThisMachine(t *testing.T) {
	changes := readChanges(context.Background(), "/")
	named := 0
	for _, c := range changes {
		if c.Evidence == "" || !strings.HasPrefix(c.Evidence, "/var/log/apt/history.log: Commandline: ") {
			continue
		}
		named++
		b, err := os.ReadFile("/var/log/apt/history.log")
		command, _, _ := strings.Cut(strings.TrimPrefix(c.Evidence, "/var/log/apt/history.log: "), "; Requested-By")
		if err != nil || !strings.Contains(string(b), command) {
			t.Fatalf("%s of %s is said to be by %q, which is not in apt's history (%v)", c.Action, c.Name, c.Evidence, err)
		}
		if c.By == "" {
			t.Errorf("%+v has evidence and no hand", c)
		}
	}
	if named == 0 {
		t.Skip("SKIPPED: apt has not changed this machine since its history was rotated")
	}
	t.Logf("%d of %d changes are named", named, len(changes))
}
