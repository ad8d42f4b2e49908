package host

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

const simulation = `NOTE: This is only a simulation!
Reading package lists...
Inst libperl5.36 [5.36.0-7+deb12u3] (5.36.0-7+deb12u4 localhost [amd64]) [perl:amd64 ]
Inst perl [5.36.0-7+deb12u3] (5.36.0-7+deb12u4 localhost [amd64]) []
Inst perl-modules-5.36 [5.36.0-7+deb12u3] (5.36.0-7+deb12u4 Debian:12.1/stable, Debian-Security:12 [all])
Inst libfoo:i386 (1:2.0-1 localhost [i386])
Conf perl (5.36.0-7+deb12u4 localhost [amd64])
Installing is fun, Remove is not
`

func TestReadSimulation(t *testing.T) {
	got, err := readSimulation([]byte(simulation))
	if err != nil {
		t.Fatal(err)
	}
	want := []step{
		{"Inst", "libperl5.36", "amd64", "5.36.0-7+deb12u3", "5.36.0-7+deb12u4"}, {"Inst", "perl", "amd64", "5.36.0-7+deb12u3", "5.36.0-7+deb12u4"},
		{"Inst", "perl-modules-5.36", "all", "5.36.0-7+deb12u3", "5.36.0-7+deb12u4"}, {"Inst", "libfoo", "i386", "", "1:2.0-1"}, {"Conf", "perl", "amd64", "", "5.36.0-7+deb12u4"},
	}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(step{})); d != "" {
		t.Fatal(d)
	}
	for _, bad := range []string{"Inst ", "Inst curl", "Inst curl (", "Inst curl [1 (2 x [amd64])", "Inst cu rl (2 x [amd64])", "Conf curl (2 x)", "Remv -x", "Inst curl (-2 x [amd64])"} {
		if got, err := readSimulation([]byte(bad + "\n")); err == nil {
			t.Errorf("%q was read as %+v", bad, got)
		}
	}
}

func FuzzReadSimulation(f *testing.F) {
	f.Add([]byte(simulation))
	f.Fuzz(func(t *testing.T, b []byte) {
		steps, err := readSimulation(b)
		for _, s := range steps {
			if err == nil && (s.name == "" || strings.ContainsAny(s.name, " \n-") && s.name[0] == '-') {
				t.Fatalf("%+v", s)
			}
		}
	})
}

func TestJudge(t *testing.T) {
	facts := patch.Facts{OS: patch.OSFacts{Arch: "amd64"}, Packages: []patch.Package{
		{Name: "curl", Arch: "amd64", Version: "1.0-1", State: patch.Installed}, {Name: "docs", Arch: "all", Version: "1.0-1", State: patch.Installed},
		{Name: "kept", Arch: "amd64", Version: "1.0-1", State: patch.Installed, Held: true}, {Name: "past", Arch: "amd64", Version: "1.0-1", State: patch.Installed}, {Name: "half", Arch: "amd64", Version: "1.0-1", State: patch.Broken},
	}}
	pkg := func(name, version string) patch.PlanPackage {
		return patch.PlanPackage{Name: name, Arch: "amd64", Version: version}
	}
	want := []patch.PlanPackage{pkg("curl", "1.0-2")}
	back := pkg("past", "0.9-1")
	back.From, back.Back = "1.0-1", true
	allowed := append(want, pkg("new", "1.0-2"), pkg("kept", "1.0-2"), pkg("half", "1.0-2"), pkg("docs", "0.9-1"), back)
	inst := "Inst curl [1.0-1] (1.0-2 x [amd64])\n"
	for name, c := range map[string]struct {
		out   string
		cause patch.FailCause
		text  string
	}{
		"as ordered":         {inst + "Conf curl (1.0-2 x [amd64])\n", "", ""},
		"another comes too":  {inst + "Inst new (1.0-2 x [amd64])\n", "", ""},
		"pending one":        {inst + "Conf half (1.0-1 x [amd64])\n", "", ""},
		"pending otherwise":  {inst + "Conf half (1.0-9 x [amd64])\n", "", ""},
		"over a half one":    {inst + "Inst half [1.0-1] (1.0-2 x [amd64])\nConf half (1.0-2 x [amd64])\n", "", ""},
		"removal":            {inst + "Remv docs [1.0-1]\n", patch.FailDependency, "remove docs"},
		"purge":              {inst + "Purg docs\n", patch.FailDependency, "remove docs"},
		"unapproved package": {inst + "Inst evil (1 x [amd64])\n", patch.FailDependency, "evil:amd64 1, which is not in this order"},
		"unapproved version": {"Inst curl [1.0-1] (1.0-3 x [amd64])\n", patch.FailDependency, "curl:amd64 1.0-3"},
		"unapproved arch":    {"Inst curl:i386 (1.0-2 x [i386])\n", patch.FailDependency, "curl:i386"},
		"held":               {inst + "Inst kept [1.0-1] (1.0-2 x [amd64])\n", patch.FailPolicy, "held"},
		"downgrade":          {inst + "Inst docs [1.0-1] (0.9-1 x [amd64])\n", patch.FailDrift, "ever downgraded"},
		"taken back":         {inst + "Inst past [1.0-1] (0.9-1 x [amd64])\n", "", ""},
		"back from another":  {inst + "Inst past [1.0-0] (0.9-1 x [amd64])\n", patch.FailDrift, "apt sees"},
		"other start":        {"Inst curl [1.0-0] (1.0-2 x [amd64])\n", patch.FailDrift, "apt sees"},
		"configures another": {inst + "Conf docs (1.0-1 x [amd64])\n", patch.FailDependency, "configure docs"},
		"leaves it out":      {"", patch.FailDependency, "leaves out curl"},
	} {
		t.Run(name, func(t *testing.T) {
			steps, err := readSimulation([]byte(c.out))
			if err != nil {
				t.Fatal(err)
			}
			_, changes, err := judge(steps, facts, want, allowed)
			var fail *Failure
			if c.cause == "" && (err != nil || len(changes) == 0) {
				t.Fatal(err)
			}
			if c.cause != "" && (!errors.As(err, &fail) || fail.Cause != c.cause || !strings.Contains(fail.Text, c.text)) {
				t.Fatalf("%v", err)
			}
		})
	}
}

func TestUnmetNamesWhatStandsInTheWay(t *testing.T) {
	status := filepath.Join(t.TempDir(), "status")
	db := "Package: perl-base\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5-1\n\n" +
		"Package: perl\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5-1\nDepends: perl-base (= 5-1)\n\n" +
		"Package: kept\nStatus: hold ok installed\nArchitecture: amd64\nVersion: 1\nDepends: libkept (= 1)\n\n" +
		"Package: libkept\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n" +
		"Package: old\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n"
	if err := os.WriteFile(status, []byte(db), 0o600); err != nil {
		t.Fatal(err)
	}
	s := func(name, version, fields string) Staged {
		return Staged{PlanPackage: patch.PlanPackage{Name: name, Arch: "amd64", Version: version},
			Stanza: []byte("Package: " + name + "\nVersion: " + version + "\n" + fields)}
	}
	app := s("app", "1", "Depends: perl-base,\n libfoo (>= 2.1) | libbar\n")
	base, perl := s("perl-base", "5-2", ""), s("perl", "5-2", "Depends: perl-base (= 5-2)\n")
	for name, c := range map[string]struct {
		want, more []Staged
		text       string
	}{
		"needs another":     {[]Staged{app}, nil, "app 1 needs libfoo (>= 2.1) | libbar, which is not in this order"},
		"older is no help":  {[]Staged{app}, []Staged{s("libfoo", "2.0", "")}, "app 1 needs libfoo (>= 2.1)"},
		"answered":          {[]Staged{app}, []Staged{s("libfoo", "2.1", "")}, ""},
		"provided":          {[]Staged{app, s("p", "1", "Provides: libbar\n")}, nil, ""},
		"installed in way":  {[]Staged{base}, nil, "perl 5-1, which is installed, needs perl-base (= 5-1), and an update of perl is not in this order"},
		"brought along":     {[]Staged{base}, []Staged{perl}, ""},
		"held in the way":   {[]Staged{s("libkept", "2", "")}, []Staged{s("kept", "2", "")}, "held on this machine"},
		"breaks":            {[]Staged{s("app2", "1", "Breaks: old (<< 2)\n")}, nil, "does not go together with old (<< 2)"},
		"breaks, with help": {[]Staged{s("app2", "1", "Breaks: old (<< 2)\n")}, []Staged{s("old", "2", "")}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := unmet(status, "amd64", c.want, append(c.want, c.more...))
			if (c.text == "") != (got == "") || !strings.Contains(got, c.text) {
				t.Fatalf("%q", got)
			}
		})
	}
}
