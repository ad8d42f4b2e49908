package world

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/feed/rpm"
	"github.com/fettle-project/fettle/internal/lab"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/rpmdb"
)

const alma = patch.HostOS("almalinux-9-x86_64")

// shop is a repository of random packages, each in two versions, as its metadata describe them.
type shop struct {
	dir   string
	names []string
	files map[string]patch.PayloadFile // by name and version
	asks  map[string]asked
}

// wants is a random dependency of a package.
func wants(r *rand.Rand, names []string) string {
	single := func() string {
		name := one(r, names...)
		switch r.IntN(8) {
		case 0:
			return one(r, "/usr/bin/tool-a", "/usr/sbin/tool-b", "/usr/bin/tool-c", "/usr/bin/tool-none", "/etc/nowhere")
		case 1, 2:
			name = one(r, "virtual-a", "virtual-b", "lib.so.1()(64bit)", "lib.so.2(V_2)(64bit)", "virtual-none", "config(pa)", "pb(x86-64)")
		}
		if r.IntN(3) == 0 || strings.Contains(name, "()") {
			return name
		}
		return fmt.Sprintf("%s %s %s", name, one(r, ">=", ">=", "=", "<", "<=", ">"), one(r, "1.0", "1.0-1.el9", "1.5", "2.0-1.el9", "2.0", "1:1.0", "3"))
	}
	inner := func() string {
		if r.IntN(5) == 0 {
			return fmt.Sprintf("(%s %s %s)", single(), one(r, "and", "or", "with"), single())
		}
		return single()
	}
	if r.IntN(3) > 0 {
		return single()
	}
	switch op := one(r, "and", "or", "if", "if", "with", "without", "else"); op {
	case "else":
		return fmt.Sprintf("(%s if %s else %s)", inner(), inner(), single())
	case "with", "without":
		return fmt.Sprintf("(%s %s %s)", single(), op, single())
	default:
		return fmt.Sprintf("(%s %s %s)", inner(), op, inner())
	}
}

func newShop(t *testing.T, seed uint64) *shop {
	t.Helper()
	for _, p := range []string{"rpm", "rpmbuild", "createrepo_c"} {
		if _, err := exec.LookPath(p); err != nil {
			t.Skipf("SKIPPED: needs %s: run scripts/needs test", p)
		}
	}
	r := rand.New(rand.NewPCG(seed, 5))
	s := &shop{dir: t.TempDir(), names: []string{"pa", "pb", "pc", "pd", "pe", "pf", "pg", "ph"}, files: map[string]patch.PayloadFile{}, asks: map[string]asked{}}
	var all []lab.RPM
	for _, name := range s.names {
		for _, version := range []string{"1.0", "2.0"} {
			p := lab.RPM{Name: name, Version: version, Release: "1.el9", Arch: one(r, "noarch", "x86_64"), Files: map[string]string{"/usr/share/" + name: version}}
			for range max(0, r.IntN(5)-2) {
				p.Requires = append(p.Requires, wants(r, s.names))
			}
			for range max(0, r.IntN(5)-2) {
				p.Provides = append(p.Provides, one(r, "virtual-a", "virtual-a = 1.5", "virtual-b = 2.0-1.el9", "virtual-b < 2", "lib.so.1()(64bit)", "lib.so.2(V_2)(64bit)", "bundled(x) = 1"))
			}
			if r.IntN(6) == 0 {
				p.Conflicts = append(p.Conflicts, fmt.Sprintf("%s < %s", one(r, "virtual-b", one(r, s.names...)), one(r, "2.0", "1.5", "3")))
			}
			if version == "2.0" && r.IntN(4) == 0 {
				p.Obsoletes = append(p.Obsoletes, one(r, s.names...)+one(r, "", " < 2"))
			}
			if r.IntN(3) == 0 {
				p.Files[one(r, "/usr/bin/tool-a", "/usr/sbin/tool-b", "/usr/bin/tool-c")] = "tool"
			}
			all = append(all, p)
		}
	}
	if err := lab.BuildRPMs(t.Context(), s.dir, all...); err != nil {
		t.Fatal(err)
	}
	s.read(t)
	return s
}

// read takes what the appliance knows from the repository's own metadata.
func (s *shop) read(t *testing.T) {
	t.Helper()
	if err := lab.CreateRepo(t.Context(), s.dir); err != nil {
		t.Fatal(err)
	}
	primary, err := filepath.Glob(filepath.Join(s.dir, "repodata/*-primary.xml.gz"))
	if err != nil || len(primary) != 1 {
		t.Fatal(primary, err)
	}
	state := patch.FeedState{Origins: []patch.Origin{{Component: "primary", IndexPath: primary[0]}}}
	entries, _, err := rpm.Entries(t.Context(), alma, state, func(patch.Hash) (io.ReadCloser, error) { return os.Open(primary[0]) })
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		for i, f := range e.Files {
			words := func(numbers []uint32) (out []string) {
				for _, n := range numbers {
					out = append(out, (*e.Asks[i].Words)[n])
				}
				return out
			}
			s.files[f.Name+" "+f.Version] = f
			s.asks[f.Name+" "+f.Version] = asked{Asking: patch.Asking{Payload: f.Payload, Provides: strings.Join(words(e.Asks[i].Provides), "\n")},
				requires: needsOf(words(e.Asks[i].Requires)), conflicts: needsOf(words(e.Asks[i].Conflicts))}
		}
	}
	if len(s.files) != 2*len(s.names) {
		t.Fatalf("the repository's metadata have %d files", len(s.files))
	}
}

func (s *shop) path(f patch.Payload) string {
	return filepath.Join(s.dir, fmt.Sprintf("%s-%s.%s.rpm", f.Name, f.Version, f.Arch))
}

// machine puts random packages of the shop into a database, whether they fit together or not, and gives its facts.
func (s *shop) machine(t *testing.T, r *rand.Rand) (root string, facts *patch.Facts) {
	t.Helper()
	root = t.TempDir()
	args := []string{"--root", root, "-i", "--justdb", "--nodeps", "--noscripts", "--ignorearch", "--"}
	for i, name := range s.names {
		if i == 0 || r.IntN(5) > 1 {
			args = append(args, s.path(s.files[name+" "+one(r, "1.0-1.el9", "1.0-1.el9", "1.0-1.el9", "2.0-1.el9")].Payload))
		}
	}
	if out, err := exec.CommandContext(t.Context(), "rpm", args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	at, err := exec.CommandContext(t.Context(), "rpm", "-E", "%_dbpath").Output()
	if err != nil {
		t.Fatal(err)
	}
	facts = &patch.Facts{OS: patch.OSFacts{Key: alma, Arch: "x86_64", Provides: true}}
	dir := filepath.Join(root, strings.TrimSpace(string(at)))
	if facts.Packages, err = rpmdb.Read(func(name string) (rpmdb.File, error) { return os.Open(filepath.Join(dir, name)) }); err != nil {
		t.Fatal(err)
	}
	return root, facts
}

// rpm asks rpm itself whether it would install the packages, and what stands in the way.
func (s *shop) rpm(t *testing.T, root string, pkgs []patch.PlanPackage) (bool, string) {
	t.Helper()
	args := []string{"--root", root, "-U", "--test", "--ignorearch", "--"}
	for _, p := range pkgs {
		args = append(args, s.path(patch.Payload{Name: p.Name, Arch: p.Arch, Version: p.Version}))
	}
	cmd := exec.CommandContext(t.Context(), "rpm", args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return err == nil, string(out)
}

// Whatever is foretold, the real rpm refuses too, and for that reason. And most of what it refuses because of what the patch asks for is foretold.
func TestRPMRefusesWhatIsForetold(t *testing.T) {
	shops, machines := 1, 40
	if n, err := strconv.Atoi(os.Getenv("FETTLE_WORLDS")); err == nil {
		shops = n
	}
	patches, refused, asked_, foretold := 0, 0, 0, 0
	for seed := range uint64(shops) {
		s := newShop(t, seed)
		r := rand.New(rand.NewPCG(seed, 6))
		for range machines {
			root, facts := s.machine(t, r)
			var files []patch.PayloadFile
			var all []asked
			for _, name := range s.names {
				if r.IntN(6) == 0 {
					files, all = append(files, s.files[name+" 2.0-1.el9"]), append(all, s.asks[name+" 2.0-1.el9"])
				}
			}
			pkgs := Needed(facts, files, nil, nil)
			if len(pkgs) == 0 {
				continue
			}
			patches++
			found := lacks(facts, pkgs, all)
			ok, out := s.rpm(t, root, pkgs)
			if !ok {
				refused++
			}
			if theirs(out, pkgs) {
				asked_++
			}
			if len(found) > 0 {
				foretold++
			}
			for _, l := range found {
				if says := l.need.String(); !strings.Contains(out, says) {
					t.Fatalf("shop %d: foretold of %s %s: %q (breaks: %v), and rpm says nothing of it:\n%s\n%+v\n%+v", seed, l.by.Name, l.by.Version, says, l.breaks, out, facts.Packages, l.by)
				}
			}
		}
	}
	t.Logf("%d patches, %d refused, %d of them because of what the patch asks for, %d foretold", patches, refused, asked_, foretold)
	if foretold < patches/10 || foretold == patches || foretold < asked_*3/4 {
		t.Errorf("only %d of %d refusals were foretold for %d patches", foretold, asked_, patches)
	}
}

// theirs tells whether rpm names something that a package of the patch itself asks for.
func theirs(out string, pkgs []patch.PlanPackage) bool {
	for line := range strings.Lines(out) {
		if slices.ContainsFunc(pkgs, func(p patch.PlanPackage) bool {
			who := p.Name + "-" + p.Version + "."
			return strings.Contains(line, "is needed by "+who) || strings.Contains(line, "conflicts with "+who)
		}) {
			return true
		}
	}
	return false
}

// What is there under another name is not lacking, and of what nobody keeps nothing is foretold.
func TestWhatAnRPMDoesNotLack(t *testing.T) {
	for name, c := range map[string]struct {
		requires, here, own string
		lacks               int
	}{
		"nothing has it":                 {"virtual >= 2", "", "", 1},
		"an installed package has it":    {"virtual >= 2", "virtual = 2", "", 0},
		"the patch itself has it":        {"virtual >= 2", "", "virtual = 2", 0},
		"it is a file that nobody keeps": {"/etc/nowhere", "", "", 0},
		"it is a program":                {"/usr/bin/tool", "bin/tool", "", 0},
		"there is no such program":       {"/usr/bin/tool", "bin/other", "", 1},
	} {
		f := &patch.Facts{OS: patch.OSFacts{Key: alma, Arch: "x86_64", Provides: true}, Packages: []patch.Package{{Name: "here", Arch: "noarch", Version: "1-1", State: patch.Installed, Provides: c.here}}}
		p := patch.Payload{Name: "app", Arch: "noarch", Version: "2-1"}
		all := []asked{{Asking: patch.Asking{Payload: p, Provides: c.own}, requires: needsOf([]string{c.requires})}}
		if got := lacks(f, []patch.PlanPackage{{Name: p.Name, Arch: p.Arch, Version: p.Version}}, all); len(got) != c.lacks {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
