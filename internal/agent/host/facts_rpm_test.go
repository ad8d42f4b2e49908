package host

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

func TestHostOS(t *testing.T) {
	for _, c := range []struct{ id, version, codename, like, arch, want string }{
		{"debian", "12", "bookworm", "", "amd64", "debian-12-amd64"},
		{"debian", "", "forky", "", "amd64", "debian-forky-amd64"},
		{"ubuntu", "24.04", "noble", "debian", "amd64", "ubuntu-24.04-amd64"},
		{"almalinux", "9.5", "", "rhel centos fedora", "x86_64", "almalinux-9-x86_64"},
		{"rocky", "8.10", "", "rhel centos fedora", "x86_64", "rocky-8-x86_64"},
		{"rhel", "9.4", "", "fedora", "x86_64", "rhel-9-x86_64"},
		{"centos", "7", "", "rhel fedora", "x86_64", "centos-7-x86_64"},
		{"ol", "9.3", "", "fedora rhel", "x86_64", "ol-9-x86_64"},
		{"virtuozzo", "8.4", "", "rhel fedora centos", "x86_64", "virtuozzo-8-x86_64"},
		{"fedora", "41", "", "", "x86_64", "fedora-41-x86_64"},
		{"amzn", "2023", "", "fedora", "x86_64", "amzn-2023-x86_64"},
		{"amzn", "2", "", "centos rhel fedora", "x86_64", "amzn-2-x86_64"},
		{"azurelinux", "3.0", "", "", "x86_64", "azurelinux-3.0-x86_64"},
		{"sles", "15.5", "", "suse", "x86_64", "sles-15.5-x86_64"},
		{"opensuse-leap", "15.6", "", "suse opensuse", "x86_64", "opensuse-leap-15.6-x86_64"},
		{"alpine", "3.20.3", "", "", "x86_64", "alpine-3.20-x86_64"},
		{"alpine", "3.21", "", "", "x86_64", "alpine-3.21-x86_64"},
	} {
		got := hostOS(patch.OSFacts{ID: c.id, VersionID: c.version, Codename: c.codename, Arch: c.arch}, c.like)
		if string(got) != c.want {
			t.Errorf("%s and not %s", got, c.want)
		}
	}
}

const alma = "ID=\"almalinux\"\nID_LIKE=\"rhel centos fedora\"\nVERSION_ID=\"9.5\"\nPRETTY_NAME=\"AlmaLinux 9.5\"\n"

// rpmTree is the root of a machine with packages that rpmbuild made and rpm installed.
func rpmTree(t *testing.T, dir string) string {
	t.Helper()
	root, work := makeTree(t, map[string]string{"etc/os-release": alma}), t.TempDir()
	spec := "Name: bash\nVersion: 5.1.8\nRelease: 9.el9\nSummary: s\nLicense: MIT\n%description\nd\n%files\n" +
		"%package -n tzdata\nSummary: s\nBuildArch: noarch\n%description -n tzdata\nd\n%files -n tzdata\n"
	if err := os.WriteFile(work+"/s.spec", []byte(spec), 0o644); err != nil {
		t.Fatal(err)
	}
	tool := func(name string, args ...string) {
		if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
	}
	tool("rpmbuild", "-bb", "--quiet", "--target", "x86_64", "--define", "_topdir "+work, "--define", "_rpmdir "+work, work+"/s.spec")
	files, err := filepath.Glob(work + "/*/*.rpm")
	if err != nil || len(files) != 2 {
		t.Fatal(files, err)
	}
	tool("rpm", append([]string{"--dbpath", filepath.Join(root, dir), "-i", "--nodeps", "--justdb", "--ignorearch", "--force-debian"}, files...)...)
	return root
}

func TestFactsOfRPMMachine(t *testing.T) {
	for _, dir := range []string{"var/lib/rpm", "usr/lib/sysimage/rpm"} {
		root := rpmTree(t, dir)
		f, err := CollectFacts(context.Background(), root)
		if err != nil {
			t.Fatal(err)
		}
		if f.OS.Key != "almalinux-9-x86_64" || f.OS.Manager != "rpm" || len(f.Packages) != 2 ||
			fmt.Sprint(f.Packages[0]) != "{bash x86_64 5.1.8-9.el9 bash 5.1.8-9.el9 installed false   }" {
			t.Errorf("%+v", f)
		}
	}
}

func TestPolicyOfRPMMachine(t *testing.T) {
	for name, c := range map[string]struct{ file, text, held string }{
		"nothing":              {"etc/dnf/dnf.conf", "[main]\ngpgcheck=1\n[other]\nexclude=bash\n", ""},
		"exclude":              {"etc/dnf/dnf.conf", "[main]\nexclude=kernel* ba*\n", "bash"},
		"excludepkgs":          {"etc/yum.conf", "[main]\nexcludepkgs = x,\n  tz[!x]ata.noarch\n", "tzdata"},
		"lock":                 {"etc/dnf/plugins/versionlock.list", "# Added lock\nbash-0:5.1.8-9.el9.*\n", "bash"},
		"lock of another":      {"etc/dnf/plugins/versionlock.list", "bash-0:5.1.8-6.el9.*\n", "bash"},
		"lock of a name":       {"etc/dnf/plugins/versionlock.list", "tzdata\n", "tzdata"},
		"one version excluded": {"etc/dnf/plugins/versionlock.list", "!bash-0:5.1.8-10.el9.*\n", ""},
		"dnf5":                 {"etc/dnf/versionlock.toml", "version = \"1.0\"\n[[packages]]\nname = \"bash\"\n[[packages.conditions]]\nkey = \"evr\"\ncomparator = \"=\"\nvalue = \"5.1.8-9.el9\"\n", "bash"},
		"dnf5 other bound":     {"etc/dnf/versionlock.toml", "[[packages]]\nname = \"bash\"\n[[packages.conditions]]\ncomparator = \"<\"\n", ""},
	} {
		root := makeTree(t, map[string]string{c.file: c.text})
		packages := []patch.Package{{Name: "bash", Arch: "x86_64"}, {Name: "tzdata", Arch: "noarch"}}
		if err := holdPackages(root, packages); err != nil {
			t.Fatal(name, err)
		}
		held := ""
		for _, p := range packages {
			if p.Held {
				held += p.Name
			}
		}
		if held != c.held {
			t.Errorf("%s: %q is held and not %q", name, held, c.held)
		}
	}
	root := makeTree(t, map[string]string{"etc/dnf/modules.d/nodejs.module": "[nodejs]\nname=nodejs\nstream=18\nprofiles=\nstate=enabled\n",
		"etc/dnf/modules.d/php.module": "[php]\nname=php\nstream=\nstate=disabled\n", "etc/dnf/modules.d/perl.module": "[perl]\nstate=\n", "etc/dnf/modules.d/README": "x"})
	want := "[{nodejs 18 enabled} {php  disabled}]"
	if got, err := readModules(root); err != nil || fmt.Sprint(got) != want {
		t.Error(got, err)
	}
	if err := os.Mkdir(filepath.Join(root, "etc/yum.conf"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := holdPackages(root, make([]patch.Package, 1)); err == nil {
		t.Error("a policy that cannot be read counts as none")
	}
}

func TestFactsOfAPKMachine(t *testing.T) {
	root := makeTree(t, map[string]string{"etc/os-release": "ID=alpine\nVERSION_ID=3.20.3\n", "etc/apk/world": "busybox=1.36.1-r29\n",
		"lib/apk/db/installed": "P:musl\nV:1.2.5-r0\nA:x86_64\n\nP:busybox\nV:1.36.1-r29\nA:x86_64\n\n"})
	f, err := CollectFacts(context.Background(), root)
	if err != nil || f.OS.Key != "alpine-3.20-x86_64" || f.OS.Manager != "apk" || len(f.Packages) != 2 || !f.Packages[0].Held || f.Packages[1].Held {
		t.Errorf("%+v, %v", f, err)
	}
	for _, text := range []string{"", "P:musl\nV:1"} {
		root := makeTree(t, map[string]string{"etc/os-release": "ID=alpine\nVERSION_ID=3.20.3\n", "lib/apk/db/installed": text})
		if f, err := CollectFacts(context.Background(), root); err == nil {
			t.Errorf("%q: %+v", text, f)
		}
	}
}

func FuzzDNFPolicy(f *testing.F) {
	f.Add("[main]\nexclude=a*, b\n c\n")
	f.Fuzz(func(t *testing.T, text string) {
		for _, read := range []func(string) []string{excludes, locks, tomlLocks} {
			for _, pattern := range read(text) {
				names(pattern, &patch.Package{Name: "a", Arch: "noarch"})
			}
		}
	})
}

func TestNoPartialFactsOfRPMMachine(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"no database":     {map[string]string{"etc/os-release": alma}, "not exist"},
		"another's":       {map[string]string{"etc/os-release": alma, "var/lib/dpkg/status": twoStatus}, "not exist"},
		"empty":           {map[string]string{"etc/os-release": alma, "var/lib/rpm/rpmdb.sqlite": ""}, "cut off"},
		"junk":            {map[string]string{"etc/os-release": alma, "var/lib/rpm/Packages": strings.Repeat("x", 9000)}, "Berkeley DB"},
		"a home's own":    {map[string]string{"etc/os-release": alma, "root/.rpmdb/Packages": "x"}, "not exist"},
		"rpm on a Debian": {map[string]string{"etc/os-release": bookworm, "var/lib/rpm/rpmdb.sqlite": "x"}, "dpkg/status"},
	} {
		f, err := CollectFacts(context.Background(), makeTree(t, c.files))
		if err == nil || len(f.Packages) > 0 || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %d packages, %v", name, len(f.Packages), err)
		}
	}
	// A link must not lead out of the root to a database of the host.
	outside := rpmTree(t, "var/lib/rpm")
	root := makeTree(t, map[string]string{"etc/os-release": alma, "var/lib/x": ""})
	if err := os.Symlink(filepath.Join(outside, "var/lib/rpm"), filepath.Join(root, "var/lib/rpm")); err != nil {
		t.Fatal(err)
	}
	if f, err := CollectFacts(context.Background(), root); err == nil {
		t.Errorf("%+v", f)
	}
}
