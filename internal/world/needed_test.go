package world

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

func TestNeeded(t *testing.T) {
	file := func(name, arch string, needs ...string) patch.PayloadFile {
		return patch.PayloadFile{Payload: patch.Payload{Name: name, Arch: arch, Version: "2.0-1", Size: 10}, SHA256: patch.Hash(name), Needs: needs, Origin: 1}
	}
	files := []patch.PayloadFile{file("lib", "amd64", "common"), file("common", "all", "data", "lib"), file("data", "all"), file("tool", "amd64", "plugin"),
		file("plugin", "amd64"), file("doc", "all"), file("lib", "i386", "common"), file("forbidden", "amd64"),
		file("kernel", "amd64", "kernel-6.1.0"), file("kernel-6.1.0", "amd64")}
	files[len(files)-1].Along = true
	pkg := func(name, arch, v string) patch.Package {
		return patch.Package{Name: name, Arch: arch, Version: v, State: patch.Installed}
	}
	held := pkg("lib", "amd64", "1.0-1")
	held.Held = true
	half := pkg("lib", "amd64", "1.0-1")
	half.State = patch.Broken
	removed := pkg("data", "all", "1.0-1")
	removed.State = patch.Removed
	for name, c := range map[string]struct {
		installed []patch.Package
		want      []string // name, from
	}{
		"nothing installed":                  {nil, []string{}},
		"newer already":                      {[]patch.Package{pkg("lib", "amd64", "2.0-1+b1")}, []string{}},
		"the same already":                   {[]patch.Package{pkg("lib", "amd64", "2.0-1")}, []string{}},
		"one, and all that it newly needs":   {[]patch.Package{pkg("lib", "amd64", "1.0-1")}, []string{"common ", "data ", "lib 1.0-1"}},
		"what it needs is there":             {[]patch.Package{pkg("lib", "amd64", "1.0-1"), pkg("common", "all", "2.0-1")}, []string{"lib 1.0-1"}},
		"what it needs is older":             {[]patch.Package{pkg("lib", "amd64", "1.0-1"), pkg("common", "all", "1.0-1"), pkg("data", "all", "1.9")}, []string{"common 1.0-1", "data 1.9", "lib 1.0-1"}},
		"only configuration files are left":  {[]patch.Package{pkg("common", "all", "1.0-1"), pkg("lib", "amd64", "3"), removed}, []string{"common 1.0-1", "data "}},
		"left half-way":                      {[]patch.Package{half, pkg("common", "all", "2.0-1")}, []string{"lib 1.0-1"}},
		"held":                               {[]patch.Package{held, pkg("tool", "amd64", "1")}, []string{"plugin ", "tool 1"}},
		"a foreign architecture has its own": {[]patch.Package{pkg("lib", "i386", "1.0-1"), pkg("common", "all", "2.0-1")}, []string{"lib:i386 1.0-1"}},
		"and leaves the others alone":        {[]patch.Package{pkg("lib", "arm64", "1.0-1"), pkg("tool", "i386", "1.0-1")}, []string{}},
		"along is never the reason":          {[]patch.Package{pkg("kernel-6.1.0", "amd64", "1.0-1")}, []string{}},
		"along with what needs it":           {[]patch.Package{pkg("kernel", "amd64", "1.0-1")}, []string{"kernel 1.0-1", "kernel-6.1.0 "}},
		"along, and there already":           {[]patch.Package{pkg("kernel", "amd64", "1.0-1"), pkg("kernel-6.1.0", "amd64", "1.0-1")}, []string{"kernel 1.0-1"}},
		"kept by the machine's own policy":   {[]patch.Package{pkg("forbidden", "amd64", "1.0-1"), pkg("doc", "all", "1.0-1")}, []string{"doc 1.0-1"}},
		"the architecture became native":     {[]patch.Package{pkg("tool", "all", "1"), pkg("plugin", "amd64", "9")}, []string{"tool 1"}},
	} {
		f := &patch.Facts{OS: patch.OSFacts{Arch: "amd64"}, Packages: c.installed}
		got := []string{}
		var allowed []patch.AffectedPackage
		for _, p := range c.installed {
			if p.Name != "forbidden" {
				allowed = append(allowed, patch.AffectedPackage{Name: p.Name, Arch: p.Arch})
			}
		}
		for _, p := range Needed(f, files, []patch.Origin{{Suite: "a"}, {Suite: "b"}}, allowed) {
			if p.Arch == "i386" {
				p.Name += ":i386"
			}
			got = append(got, p.Name+" "+p.From)
			if p.Origin.Suite != "b" {
				t.Errorf("%s: %+v", name, p)
			}
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s:\n%s", name, d)
		}
	}
}

type list []patch.Patch

func (l list) Patches() []patch.Patch { return l }
func (l list) Index(id patch.ID) (int, bool) {
	for i, p := range l {
		if p.ID == id {
			return i, true
		}
	}
	return 0, false
}

func TestNewerSurvivesDirtyFeeds(t *testing.T) {
	s := newShelf("r", list{{ID: "1"}, {ID: "2", Supersedes: []patch.ID{"1", "2"}}, {ID: "3", Supersedes: []patch.ID{"2", "nowhere"}}, {ID: "4", Supersedes: []patch.ID{"3", "5"}}, {ID: "5", Supersedes: []patch.ID{"4"}}})
	for id, want := range map[patch.ID][]patch.ID{"1": {"2", "3", "4", "5"}, "2": {"3", "4", "5"}, "4": {"5"}, "5": {"4"}, "9": nil} {
		if d := cmp.Diff(want, s.Newer(id)); d != "" {
			t.Errorf("%s:\n%s", id, d)
		}
	}
	var none *Shelf
	if _, _, ok := none.Find("1"); ok || none.Newer("1") != nil {
		t.Error("no list carries something")
	}
}

func TestDecodeIsBounded(t *testing.T) {
	var f patch.Facts
	if err := Decode([]byte("not zstd"), &f); err == nil {
		t.Error("garbage was read")
	}
}

func TestAWindowsMachineNeedsOneInstaller(t *testing.T) {
	setup := &patch.Setup{Kind: patch.SetupMSI}
	file := func(arch string) patch.PayloadFile {
		return patch.PayloadFile{Payload: patch.Payload{Name: "kettle", Arch: arch, Version: "2.0"}, SHA256: patch.Hash(arch), Setup: setup}
	}
	for arch, want := range map[string]string{"amd64": "amd64", "arm64": "x86", "x86": "x86"} {
		f := &patch.Facts{OS: patch.OSFacts{Key: patch.HostOS("windows-10.0.19045-" + arch), Arch: arch}}
		got := Needed(f, []patch.PayloadFile{file("x86"), file("amd64"), {Payload: patch.Payload{Name: "notes", Arch: arch}}}, nil, []patch.AffectedPackage{})
		if len(got) != 1 || got[0].Arch != want || got[0].Setup != setup {
			t.Errorf("%s: %+v", arch, got)
		}
	}
}
