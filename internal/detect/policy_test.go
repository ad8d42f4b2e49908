package detect

import (
	"bytes"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/candidate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

const aptHost = "ubuntu-22.04-amd64"

func aptWorld() (defs []Definition, facts patch.Facts) {
	main := candidate.Archive{Suite: "jammy", Component: "main", Arch: "amd64", Site: "a.example", Release: patch.Release{Origin: "Ubuntu", Suite: "jammy", Codename: "jammy"}}
	universe, backports := main, main
	universe.Component = "universe"
	backports.Suite, backports.Release.Suite, backports.Release.NotAutomatic, backports.Release.ButAutomaticUpgrades = "jammy-backports", "jammy-backports", true, true
	rule := func(name, v string, a candidate.Archive, phased int) PackageRule {
		return PackageRule{Name: name, Arch: "amd64", Version: v, From: &Provenance{Archive: a, Phased: phased}}
	}
	defs = []Definition{{ID: "jammy/a/2", Packages: []PackageRule{rule("a", "2", main, 100), rule("a-extra", "2", universe, 100)}},
		{ID: "jammy/b/2", Packages: []PackageRule{rule("b", "2", main, 10)}}, {ID: "jammy/c/2", Packages: []PackageRule{{Name: "c", Arch: "amd64", Version: "2"}}},
		{ID: "jammy-backports/a/3", Packages: []PackageRule{rule("a", "3", backports, 100), rule("a-extra", "3", backports, 55)}}}
	facts = patch.Facts{OS: patch.OSFacts{Key: aptHost, Arch: "amd64"}}
	for _, name := range []string{"a", "a-extra", "b", "c"} {
		facts.Packages = append(facts.Packages, patch.Package{Name: name, Arch: "amd64", Version: "1", Source: name[:1], SourceVersion: "1", State: patch.Installed})
	}
	return arranged(defs), facts
}

func TestPolicyDecides(t *testing.T) {
	defs, facts := aptWorld()
	file, err := Compile(aptHost, version.Dpkg, defs)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(file)
	if err != nil {
		t.Fatal(err)
	}
	older := patch.ReasonOlder
	for name, c := range map[string]struct {
		apt  *patch.AptPolicy
		want []string // codes of backports a, jammy a, b, c
	}{
		"nothing of its own":    {nil, []string{patch.ReasonOptIn, older, older, older}},
		"a component pinned":    {&patch.AptPolicy{Pins: []patch.AptPin{{Packages: "*", Pin: "release c=main", Priority: -1, File: "/p"}}}, []string{patch.ReasonOptIn, older, patch.ReasonPinned, older}},
		"both pinned":           {&patch.AptPolicy{Pins: []patch.AptPin{{Packages: "a*", Pin: "version 1", Priority: 1000, File: "/p"}}}, []string{patch.ReasonOptIn, patch.ReasonPinned, older, older}},
		"not its turn":          {&patch.AptPolicy{MachineID: "0"}, []string{patch.ReasonOptIn, older, patch.ReasonPhased, older}},
		"backports asked for":   {&patch.AptPolicy{Sources: []patch.AptSource{{Suite: "jammy-backports"}}, DefaultRelease: "jammy-backports"}, []string{older, older, older, older}},
		"apt refuses its setup": {&patch.AptPolicy{Fault: "no"}, []string{patch.ReasonUnreadable, patch.ReasonUnreadable, patch.ReasonUnreadable, older}},
	} {
		facts.Apt = c.apt
		found, err := s.Findings(&facts)
		if err != nil {
			t.Fatal(err)
		}
		r, _ := s.Evaluate(&facts)
		var codes []string
		for f := range found {
			i := len(codes)
			codes = append(codes, f.Reason.Code)
			alone, err := s.Only(i)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(f, alone.Find(&facts, 0)); diff != "" {
				t.Errorf("%s, judged alone: %s", name, diff)
			}
			if one := s.Find(&facts, i); r.Verdicts.At(i) != f.Verdict || cmp.Diff(f, one) != "" || f.Reason.Text == "" || len(f.Reason.Clauses) == 0 {
				t.Errorf("%s: Evaluate %s, Findings %+v, Find %+v", name, r.Verdicts.At(i), f, one)
			}
			for _, p := range f.Packages {
				if defs[i].ID == "jammy/a/2" && name == "a component pinned" && p.Name != "a-extra" {
					t.Errorf("%s: %+v", name, f)
				}
			}
		}
		if !slices.Equal(codes, c.want) {
			t.Errorf("%s: %v, want %v", name, codes, c.want)
		}
	}
}

func TestPolicySectionsAreChecked(t *testing.T) {
	defs, _ := aptWorld()
	h, columns, err := layOut(aptHost, version.Dpkg, defs, false)
	if err != nil {
		t.Fatal(err)
	}
	var p policies
	if err := p.open(h.rules, columns); err != nil || len(p.archives) != 3 || len(p.phases) != 2 {
		t.Fatalf("%v %+v", err, p)
	}
	if archive, phased := p.of(1); p.archives[archive].Suite != "jammy-backports" || phased != 55 {
		t.Errorf("rule 1: archive %d, %d %%", archive, phased)
	}
	if archive, _ := p.of(h.rules - 1); archive != -1 {
		t.Errorf("a rule of no archive has %d", archive)
	}
	for kind, bad := range map[int][]byte{secArchives: columns[secArchives][:20], secOrigins: {9, 1}, secPhases: {200, 1, 3}} {
		broken := map[int][]byte{}
		for k, v := range columns {
			broken[k] = v
		}
		broken[kind] = bad
		if err := new(policies).open(h.rules, broken); patch.KindOf(err) != patch.Untrusted {
			t.Errorf("section %d: %v", kind, err)
		}
	}
	for _, bad := range [][]byte{{1, 1}, {1, 0}, bytes.Repeat([]byte{1, 3}, 4)} {
		broken := map[int][]byte{secArchives: columns[secArchives], secOrigins: bad}
		if err := new(policies).open(h.rules, broken); err == nil {
			t.Errorf("runs %v fit", bad)
		}
	}
}
