package debtest

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/lab"
	"github.com/fettle-project/fettle/internal/version"
)

// World is a random machine with its archives, laid out in a folder the way apt keeps them, so that the real apt and Fettle can be
// asked about the same thing. Nothing is fetched: what apt would have downloaded lies in its lists directory.
type World struct {
	Root     string // the machine's root directory
	Suites   []WorldSuite
	Packages []string // installed packages as apt names them: with ":i386" where they are foreign
	Text     string   // what makes this world special, for a failing test
	r        *rand.Rand
}

// WorldSuite is one index of an archive.
type WorldSuite struct {
	Suite, Component, Site                   string
	Origin, Label, Archive, Codename, Number string
	NotAutomatic, ButAutomaticUpgrades       bool
	Enabled                                  bool   // the machine's apt has it
	Release, Index                           string // texts
	Foreign                                  string // the index of i386, a foreign architecture of the machine
}

// worldSuites are the archives that worlds are made of. The last four serve only who asks for them.
func worldSuites() []WorldSuite {
	debian := func(suite, component, label, archive string) WorldSuite {
		return WorldSuite{Suite: suite, Component: component, Site: "deb.example.org", Origin: "Debian", Label: label, Archive: archive, Codename: suite, Number: "12.5"}
	}
	all := []WorldSuite{debian("bookworm", "main", "Debian", "stable"), debian("bookworm", "contrib", "Debian", "stable"),
		debian("bookworm-updates", "main", "Debian", "stable-updates"), debian("bookworm-security", "main", "Debian-Security", "stable-security"),
		{Suite: "acme", Component: "main", Site: "apt.acme.example", Origin: "Acme", Label: "Acme Tools", Archive: "acme", Codename: "acme"},
		debian("bookworm-backports", "main", "Debian Backports", "stable-backports"), debian("experimental", "main", "Debian", "experimental"),
		{Suite: "bookworm-infra-security", Component: "main", Site: "esm.example.org", Origin: "UbuntuESM", Label: "UbuntuESM", Archive: "bookworm-infra-security", Codename: "bookworm"}}
	all[3].Site, all[3].Number = "security.example.org", "12"
	all[5].NotAutomatic, all[5].ButAutomaticUpgrades = true, true
	all[6].NotAutomatic = true
	return all
}

// NewWorld makes the world of a seed.
func NewWorld(t testing.TB, seed uint64) *World {
	t.Helper()
	w := &World{Root: t.TempDir(), Suites: worldSuites(), r: rand.New(rand.NewPCG(seed, 7))}
	for i := range w.Suites {
		s := &w.Suites[i]
		s.Enabled = i < 5 || w.r.IntN(2) == 0
	}
	w.writePackages(t)
	w.writeSources(t)
	w.writePreferences(t)
	w.writeConfiguration(t)
	return w
}

func (w *World) put(t testing.TB, name, text string) {
	t.Helper()
	path := filepath.Join(w.Root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func pickOne[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// writePackages gives every package some versions here and there, and installs one, perhaps of no suite at all.
func (w *World) writePackages(t testing.TB) {
	versions := []string{"1.0-1", "1.0-2", "1.0-2+deb12u1", "1.1-1~bpo12+1", "1.1-1", "1.1-1+deb12u1", "1:0.9-1", "2.0-1~exp1"}
	var status strings.Builder
	for i := range 40 {
		name := fmt.Sprintf("%s%d", pickOne(w.r, "alpha", "libbeta", "php8.2-x", "gamma"), i)
		source := pickOne(w.r, name, name, "php8.2", "gamma")
		arch := pickOne(w.r, "amd64", "amd64", "amd64", "all", "i386")
		// The same version is the same package wherever it is, as in real archives.
		stanza := map[string]string{}
		for _, v := range versions {
			text := fmt.Sprintf("Package: %s\nArchitecture: %s\nVersion: %s\nSource: %s\n", name, arch, v, source)
			if w.r.IntN(3) == 0 {
				text += fmt.Sprintf("Phased-Update-Percentage: %d\n", w.r.IntN(101))
			}
			stanza[v] = text
		}
		for k := range w.Suites {
			if w.r.IntN(2) == 0 {
				v := pickOne(w.r, versions...)
				text := fmt.Sprintf("%sFilename: pool/%s_%s.deb\nSize: 10\nSHA256: %064x\n\n", stanza[v], name, v, i*100+len(v))
				if arch != "i386" {
					w.Suites[k].Index += text
				}
				if arch != "amd64" {
					w.Suites[k].Foreign += text
				}
			}
		}
		if arch == "i386" {
			name += ":i386"
		}
		w.Packages = append(w.Packages, name)
		want := pickOne(w.r, "install ok", "install ok", "install ok", "install ok", "hold ok")
		fmt.Fprintf(&status, "%sStatus: %s installed\nMaintainer: x\nDescription: x\n\n", withoutPhase(stanza[pickOne(w.r, versions...)]), want)
	}
	w.put(t, "var/lib/dpkg/status", status.String())
	w.put(t, "var/lib/dpkg/arch", "amd64\ni386\n")
}

func withoutPhase(stanza string) string {
	before, _, _ := strings.Cut(stanza, "Phased-Update-Percentage")
	return before
}

// writeSources enables suites and puts their files where apt has fetched them to.
func (w *World) writeSources(t testing.TB) {
	var sources strings.Builder
	for i := range w.Suites {
		s := &w.Suites[i]
		s.Release = fmt.Sprintf("Origin: %s\nLabel: %s\nSuite: %s\nCodename: %s\nDate: Sun, 01 Mar 2026 12:00:00 UTC\nArchitectures: all amd64 i386\nComponents: main contrib\n", s.Origin, s.Label, s.Archive, s.Codename)
		if s.Number != "" {
			s.Release += "Version: " + s.Number + "\n"
		}
		if s.NotAutomatic {
			s.Release += "NotAutomatic: yes\n"
		}
		if s.ButAutomaticUpgrades {
			s.Release += "ButAutomaticUpgrades: yes\n"
		}
		s.Release += fmt.Sprintf("SHA256:\n %064x 10 main/binary-amd64/Packages\n %064x 10 main/binary-i386/Packages\n", i, i+100)
		if !s.Enabled {
			continue
		}
		fmt.Fprintf(&sources, "deb [trusted=yes] http://%s/debian %s %s\n", s.Site, s.Suite, s.Component)
		base := "var/lib/apt/lists/" + s.Site + "_debian_dists_" + s.Suite + "_"
		w.put(t, base+"InRelease", s.Release)
		w.put(t, base+s.Component+"_binary-amd64_Packages", s.Index)
		w.put(t, base+s.Component+"_binary-i386_Packages", s.Foreign)
	}
	w.put(t, "etc/apt/sources.list", sources.String())
}

func (w *World) writePreferences(t testing.TB) {
	var text strings.Builder
	for range w.r.IntN(5) {
		names := pickOne(w.r, "*", "*", "gamma*", "/^lib/", "src:php8.2", "src:gam*", "alpha* gamma*", "*:any", "*:i386", "gamma*:any", w.Packages[0]+" "+w.Packages[1], "PHP8.?-x*", "libbeta[0-3]*")
		pin := pickOne(w.r, "release a=stable", "release n=bookworm-backports", "release o=Debian", "release l=Debian-Security", "release a=stable-updates, o=Debian",
			"release c=contrib", "release v=12*", "release v=12.5", "release stable", "release bookworm-backports", "release o=Acme", "release *", "release a=now",
			"origin security.example.org", "origin \"apt.acme.example\"", "origin *.example.org", "release o=UbuntuESM", "release l=/debian/", "release a=experimental",
			"release 12*")
		if names != "*" && w.r.IntN(3) == 0 {
			pin = "version " + pickOne(w.r, "1.1*", "1.0-1", "/deb12u1$/", "*bpo*", "9.9")
		}
		priority := pickOne(w.r, "-10", "-1", "1", "50", "99", "100", "101", "500", "501", "600", "990", "995", "1000", "1001")
		if names == "*" && w.r.IntN(8) == 0 {
			priority = "never"
		}
		fmt.Fprintf(&text, "Explanation: a random pin\nExplanation: of a test\nPackage: %s\nPin: %s\nPin-Priority: %s\n\n# and more\n", names, pin, priority)
	}
	w.put(t, "etc/apt/preferences.d/random", text.String())
	w.Text += text.String()
}

func (w *World) writeConfiguration(t testing.TB) {
	like, conf := pickOne(w.r, "debian", "ubuntu"), ""
	w.put(t, "etc/os-release", "ID=debian\nID_LIKE="+like+"\nVERSION_ID=12\nVERSION_CODENAME=bookworm\n")
	w.put(t, "etc/machine-id", fmt.Sprintf("%016x%016x\n", w.r.Uint64(), w.r.Uint64()))
	if w.r.IntN(4) == 0 {
		conf += fmt.Sprintf("APT::Default-Release \"%s\";\n", pickOne(w.r, "stable", "bookworm-updates", "acme", "12*"))
	}
	if like == "debian" { // whose machines take no part in phased updates unless they are told to
		conf += "APT::Machine-ID \"0123456789abcdef0123456789abcdef\";\n"
	}
	switch w.r.IntN(6) {
	case 0:
		conf += "APT { Get { Always-Include-Phased-Updates \"true\"; }; };\n"
	case 1:
		conf += "APT::Get::Never-Include-Phased-Updates \"1\";\n"
	}
	w.put(t, "etc/apt/apt.conf.d/50random", conf)
	w.Text += conf
	w.put(t, "apt.conf", fmt.Sprintf("Dir %q;\nDir::State::status %q;\nDir::Cache::pkgcache \"\";\nDir::Cache::srcpkgcache \"\";\nDir::Bin::ischroot \"/bin/false\";\nDir::Bin::dpkg \"/usr/bin/dpkg\";\nAPT::Architecture \"amd64\";\nAPT::Architectures {\"amd64\"; \"i386\";};\n",
		w.Root, filepath.Join(w.Root, "var/lib/dpkg/status")))
	for _, dir := range []string{"var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "etc/apt/trusted.gpg.d", "var/log/apt"} {
		if err := os.MkdirAll(filepath.Join(w.Root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// Upgrades asks the real apt which packages a dist-upgrade would bring to which version. A downgrade, which a pin may make it offer,
// counts as nothing.
func (w *World) Upgrades(t testing.TB) map[string]string {
	t.Helper()
	all, err := lab.AptUpgradesBy(t.Context(), w.config())
	if err != nil {
		t.Fatalf("apt, the referee: %v in\n%s", err, w.Text)
	}
	ups := map[string]string{}
	for _, u := range all {
		if version.DpkgCompare(u.Candidate, u.Installed) > 0 {
			ups[u.Name] = u.Candidate
		}
	}
	return ups
}

// Policy is apt's own explanation of what it would choose.
func (w *World) Policy(t testing.TB, name string) string {
	return lab.AptPolicyBy(t.Context(), w.config(), name)
}

func (w *World) config() string { return filepath.Join(w.Root, "apt.conf") }
