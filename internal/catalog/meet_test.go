package catalog

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
)

// An advisory whose packages lie in two repositories is one patch, and a machine needs both parts.
func TestAdvisoryInTwoRepositories(t *testing.T) {
	base := advisory("almalinux-9/ALSA-2024:1", "kernel", "2-1", file("kernel", "2-1", "kernel.rpm"))
	stream := advisory("almalinux-9/ALSA-2024:1", "perf", "2-1", file("perf", "2-1", "perf.rpm"))
	base.Definition.Packages = []detect.PackageRule{{Name: "kernel", Version: "2-1"}, {Name: "common", Version: "2-1"}}
	stream.Definition.Packages = []detect.PackageRule{{Name: "perf", Version: "2-1"}, {Name: "common", Version: "2-1"}}
	one, two := parsed(base), parsed(stream)
	two.Origins[0].Suite = "appstream"
	b, l := buildParsed(t, one, two)
	if l.Len() != 1 || len(l.At(0).Payloads) != 2 {
		t.Fatalf("%+v", l.Patches())
	}
	s, err := detect.Open(b.Signatures)
	if err != nil {
		t.Fatal(err)
	}
	for versions, want := range map[[2]string]patch.Verdict{{"2-1", "2-1"}: patch.Patched, {"2-1", "1-1"}: patch.NotPatched, {"1-1", "2-1"}: patch.NotPatched} {
		facts := &patch.Facts{OS: patch.OSFacts{Key: "almalinux-9-x86_64", Arch: "x86_64", Manager: "rpm"}, Packages: []patch.Package{
			{Name: "kernel", Arch: "x86_64", Version: versions[0], State: patch.Installed}, {Name: "perf", Arch: "x86_64", Version: versions[1], State: patch.Installed}}}
		if f := s.Find(facts, 0); f.Verdict != want {
			t.Errorf("%v: %s %s", versions, f.Verdict, f.Reason.Text)
		}
	}
	x, err := decodePayloads(b.Payloads)
	if err != nil {
		t.Fatal(err)
	}
	files, err := x.of(0, l.At(0))
	if err != nil || len(files) != 2 {
		t.Fatalf("%+v %v", files, err)
	}
	suites := map[string]string{}
	for _, f := range files {
		suites[f.Name] = b.Meta.Origins[f.Origin].Suite
	}
	if d := cmp.Diff(map[string]string{"kernel": "baseos", "perf": "appstream"}, suites); d != "" {
		t.Error(d)
	}
}
