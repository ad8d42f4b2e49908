package world

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/patch"
)

// fork is a random machine and a random patch for it, laid out the way apt keeps them: its only archive has nothing but the patch.
type fork struct {
	root, status, index string
	r                   *rand.Rand
}

func one[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

func (f *fork) relation() string {
	name := one(f.r, "pa", "pb", "pc", "pd", "pe", "va", "vb")
	if f.r.IntN(3) == 0 {
		return name + one(f.r, "", ":any")
	}
	return fmt.Sprintf("%s (%s %s)", name, one(f.r, ">=", ">=", "=", "<<", "<=", ">>"), one(f.r, "1.0-1", "1.5-1", "2.0-1", "3.0-1"))
}

func (f *fork) field(name string, most, alternatives int) string {
	var clauses []string
	for range f.r.IntN(most + 1) {
		clause := f.relation()
		for range f.r.IntN(alternatives + 1) {
			clause += " | " + f.relation()
		}
		clauses = append(clauses, clause)
	}
	if len(clauses) == 0 {
		return ""
	}
	return name + ": " + strings.Join(clauses, ", ") + "\n"
}

func (f *fork) provides() string {
	return one(f.r, "", "", "", "Provides: va\n", "Provides: vb, va (= 2.0-1)\n", "Provides: pb (= 1.5-1)\n", "Provides: pe\n")
}

func newFork(t *testing.T, seed uint64) *fork {
	f := &fork{root: t.TempDir(), r: rand.New(rand.NewPCG(seed, 11))}
	for _, name := range []string{"pa", "pb", "pc", "pd", "pe"} {
		arch := one(f.r, "amd64", "amd64", "all", "i386")
		version := one(f.r, "1.0-1", "1.5-1", "2.0-1")
		switch {
		case name == "pa":
			arch = one(f.r, "amd64", "all")
			fallthrough
		case f.r.IntN(4) > 0:
			f.status += fmt.Sprintf("Package: %s\nStatus: %s\nArchitecture: %s\nMaintainer: x\nDescription: x\nMulti-Arch: foreign\nVersion: %s\n%s\n", name,
				one(f.r, "install ok installed", "install ok installed", "install ok installed", "deinstall ok config-files"), arch, version, f.provides())
		}
		if name == "pa" || name == "pb" && f.r.IntN(3) == 0 {
			f.index += fmt.Sprintf("Package: %s\nArchitecture: %s\nVersion: 3.0-1\nFilename: pool/%s.deb\nSize: 10\nSHA256: %064x\n%s%s%s%s\n", name, arch, name, len(f.index),
				f.field("Depends", 2, 1), one(f.r, "", "", f.field("Pre-Depends", 1, 0)), one(f.r, "", f.field(one(f.r, "Breaks", "Conflicts"), 1, 0)), f.provides())
		}
	}
	f.put(t, "var/lib/dpkg/status", f.status)
	f.put(t, "var/lib/dpkg/arch", "amd64\ni386\n")
	f.put(t, "etc/apt/sources.list", "deb [trusted=yes] http://deb.example.org/debian stable main\n")
	base := "var/lib/apt/lists/deb.example.org_debian_dists_stable_"
	f.put(t, base+"InRelease", fmt.Sprintf("Origin: x\nSuite: stable\nCodename: stable\nDate: Sun, 01 Mar 2026 12:00:00 UTC\nArchitectures: all amd64 i386\nComponents: main\nSHA256:\n %064x 10 main/binary-amd64/Packages\n %064x 10 main/binary-i386/Packages\n", 1, 2))
	f.put(t, base+"main_binary-amd64_Packages", f.index)
	f.put(t, base+"main_binary-i386_Packages", f.index)
	f.put(t, "apt.conf", fmt.Sprintf("Dir %q;\nDir::State::status %q;\nDir::Cache::pkgcache \"\";\nDir::Cache::srcpkgcache \"\";\nDir::Bin::dpkg \"/usr/bin/dpkg\";\nDebug::NoLocking \"1\";\nAPT::Architecture \"amd64\";\nAPT::Architectures {\"amd64\"; \"i386\";};\n",
		f.root, filepath.Join(f.root, "var/lib/dpkg/status")))
	for _, dir := range []string{"var/lib/apt/lists/partial", "var/cache/apt/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(f.root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func (f *fork) put(t *testing.T, name, text string) {
	t.Helper()
	path := filepath.Join(f.root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// ours is what we foretell of the whole patch.
func (f *fork) ours(t *testing.T) (found []lack, pkgs []patch.PlanPackage) {
	t.Helper()
	facts := &patch.Facts{OS: patch.OSFacts{Key: "debian-12-amd64", Arch: "amd64", Provides: true}}
	var err error
	if facts.Packages, err = debian.ParseStatus(strings.NewReader(f.status)); err != nil {
		t.Fatal(err)
	}
	var all []asked
	err = debian.ScanPackages(strings.NewReader(f.index), func(s debian.Stanza) error {
		p := patch.Payload{Name: string(s.Package), Arch: string(s.Architecture), Version: string(s.Version)}
		all = append(all, asked{Asking: patch.Asking{Payload: p, Provides: string(s.Provides)}, depends: debian.ParseClauses(string(s.PreDepends) + "," + string(s.Depends)),
			breaks: breaking(strings.Split(string(s.Breaks)+","+string(s.Conflicts), ","))})
		pkgs = append(pkgs, patch.PlanPackage{Name: p.Name, Arch: p.Arch, Version: p.Version})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return lacks(facts, pkgs, all), pkgs
}

// apt reports whether the real apt would install the patch without removing anything.
func (f *fork) apt(t *testing.T, pkgs []patch.PlanPackage) (bool, string) {
	t.Helper()
	args := []string{"-s", "-y", "install", "--no-remove", "--no-install-recommends", "--"}
	for _, p := range pkgs {
		args = append(args, p.Name+":"+strings.Replace(p.Arch, "all", "amd64", 1)+"="+p.Version)
	}
	cmd := exec.CommandContext(t.Context(), "apt-get", args...)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "APT_CONFIG=" + filepath.Join(f.root, "apt.conf")}
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return err == nil, string(out)
}

// Whatever is foretold, the real apt refuses too: there is no false alarm. And most of what it refuses is foretold.
func TestAptRefusesWhatIsForetold(t *testing.T) {
	if _, err := exec.LookPath("apt-get"); err != nil {
		t.Skip("SKIPPED: the referee is apt itself")
	}
	worlds, foretold, refused := 40, 0, 0
	if n, err := strconv.Atoi(os.Getenv("FETTLE_WORLDS")); err == nil {
		worlds = n
	}
	for seed := range uint64(worlds) {
		f := newFork(t, seed)
		found, pkgs := f.ours(t)
		ok, out := f.apt(t, pkgs)
		if !ok {
			refused++
		}
		if len(found) > 0 {
			foretold++
			if ok {
				t.Fatalf("world %d: foretold of %s %s: %q (breaks: %v), and apt installs it\n%s\n%s\n%s", seed, found[0].by.Name, found[0].by.Version, found[0].clause, found[0].breaks, f.status, f.index, out)
			}
		}
	}
	t.Logf("%d of %d patches are refused, %d foretold", refused, worlds, foretold)
	if foretold < worlds/5 || foretold == worlds || foretold < refused/2 {
		t.Errorf("only %d of %d refusals were foretold in %d worlds", foretold, refused, worlds)
	}
}
