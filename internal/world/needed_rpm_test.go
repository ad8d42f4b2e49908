package world

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

func TestNeededRPM(t *testing.T) {
	file := func(name, arch, version string, more ...func(*patch.PayloadFile)) patch.PayloadFile {
		f := patch.PayloadFile{Payload: patch.Payload{Name: name, Arch: arch, Version: version, Size: 10}, SHA256: patch.Hash(name + version + arch)}
		for _, m := range more {
			m(&f)
		}
		return f
	}
	needs := func(names ...string) func(*patch.PayloadFile) { return func(f *patch.PayloadFile) { f.Needs = names } }
	instead := func(of ...patch.Relation) func(*patch.PayloadFile) {
		return func(f *patch.PayloadFile) { f.Replaces, f.Instead = of, true }
	}
	pkg := func(name, arch, v string) patch.Package {
		return patch.Package{Name: name, Arch: arch, Version: v, State: patch.Installed}
	}
	held := func(p patch.Package) patch.Package { p.Held = true; return p }
	kernels := []patch.PayloadFile{file("kernel", "x86_64", "5.2-1", needs("kernel-core")), file("kernel-core", "x86_64", "5.2-1")}
	node := []patch.PayloadFile{file("node", "x86_64", "1.2-1"), file("node", "x86_64", "2.2-1")}
	fresh := []patch.PayloadFile{file("newname", "x86_64", "2.0-1", instead(patch.Relation{Name: "oldname", Op: "<", Version: "2"}))}
	for _, c := range []struct {
		name      string
		files     []patch.PayloadFile
		installed []patch.Package
		found     []patch.AffectedPackage
		want      []string
	}{
		{"each architecture for itself", []patch.PayloadFile{file("glibc", "x86_64", "2-1"), file("glibc", "i686", "2-1")}, []patch.Package{pkg("glibc", "i686", "1-1")}, nil, []string{"glibc.i686 1-1>2-1"}},
		{"from no architecture to one", []patch.PayloadFile{file("flip", "x86_64", "2-1")}, []patch.Package{pkg("flip", "noarch", "1-1")}, nil, []string{"flip.x86_64 1-1>2-1"}},
		{"epochs count", []patch.PayloadFile{file("bash", "x86_64", "1:1-1")}, []patch.Package{pkg("bash", "x86_64", "9-1")}, nil, []string{"bash.x86_64 9-1>1:1-1"}},
		{"held", []patch.PayloadFile{file("bash", "x86_64", "2-1")}, []patch.Package{held(pkg("bash", "x86_64", "1-1"))}, nil, nil},
		{"kernels stay beside each other", kernels, []patch.Package{pkg("kernel", "x86_64", "5.0-1"), pkg("kernel", "x86_64", "5.1-1"), pkg("kernel-core", "x86_64", "5.1-1")}, nil,
			[]string{"kernel.x86_64 5.1-1>5.2-1 beside", "kernel-core.x86_64 5.1-1>5.2-1 beside"}},
		{"the build of the stream that detect means", node, []patch.Package{pkg("node", "x86_64", "1.1-1")}, []patch.AffectedPackage{{Name: "node", Arch: "x86_64", Installed: "1.1-1", Fixed: "1.2-1"}}, []string{"node.x86_64 1.1-1>1.2-1"}},
		{"without a detect every newer build", node, []patch.Package{pkg("node", "x86_64", "1.1-1")}, nil, []string{"node.x86_64 1.1-1>1.2-1", "node.x86_64 1.1-1>2.2-1"}},
		{"a replacement names what goes", fresh, []patch.Package{pkg("oldname", "x86_64", "1.0-1")}, []patch.AffectedPackage{}, []string{"newname.x86_64 >2.0-1 -oldname.x86_64 1.0-1"}},
		{"nothing to replace", fresh, []patch.Package{pkg("oldname", "x86_64", "2.0-1")}, nil, nil},
		{"a replacement of what is held", fresh, []patch.Package{held(pkg("oldname", "x86_64", "1.0-1"))}, nil, nil},
		{"replaced already", fresh, []patch.Package{pkg("oldname", "x86_64", "1.0-1"), pkg("newname", "x86_64", "1.0-1")}, nil, nil},
	} {
		f := &patch.Facts{OS: patch.OSFacts{Key: "almalinux-9-x86_64", Arch: "x86_64", Manager: "rpm"}, Packages: c.installed}
		var got []string
		for _, p := range Needed(f, c.files, nil, c.found) {
			s := fmt.Sprintf("%s.%s %s>%s", p.Name, p.Arch, p.From, p.Version)
			if p.Beside {
				s += " beside"
			}
			for _, q := range p.Replaces {
				s += fmt.Sprintf(" -%s.%s %s", q.Name, q.Arch, q.Version)
			}
			got = append(got, strings.TrimSpace(s))
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s:\n%s", c.name, d)
		}
	}
}
