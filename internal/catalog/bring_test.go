package catalog

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
)

func TestABINames(t *testing.T) {
	for name, want := range map[string]bool{
		"linux-image-6.1.0-25-amd64": true, "linux-headers-6.1.0-25-common": true, "linux-image-6.12.41+deb13-amd64": true, "linux-modules-5.15.0-100-generic": true,
		"linux-image-amd64": false, "python3.11-minimal": false, "golang-1.19-go": false, "libboost1.74.0": false, "linux-kbuild-6.1": false, "x-1.2.-3": false, "x-.1.2": false, "": false,
	} {
		if abiName(name) != want {
			t.Errorf("%s: %v", name, !want)
		}
	}
}

// A kernel of three sources, as Ubuntu has it: the meta package's patch brings the image and its modules, which are another's.
func TestKernelsComeWithTheirMetaPackage(t *testing.T) {
	text := ""
	add := func(name, source, v, depends string) {
		text += fmt.Sprintf("Package: %s\nSource: %s\nVersion: %s\nArchitecture: amd64\nDepends: %s\nFilename: pool/%s_%s.deb\nSize: 10\nSHA256: %064x\n\n", name, source, v, depends, name, v, len(text))
	}
	add("linux-image-generic", "linux-meta", "5.15.0.100.97", "linux-image-5.15.0-100-generic, linux-firmware, thermald | other-5.15.0-1")
	add("linux-image-5.15.0-100-generic", "linux-signed (5.15.0-100.110)", "5.15.0-100.110", "kmod, linux-base (>= 4.5ubuntu1~16.04.1), linux-modules-5.15.0-100-generic (= 5.15.0-100.110)")
	add("linux-modules-5.15.0-100-generic", "linux", "5.15.0-100.110", "linux-image-5.15.0-100-generic | linux-image-unsigned-5.15.0-100-generic")
	add("linux-modules-5.15.0-100-generic", "linux", "5.15.0-100.109", "")
	add("linux-firmware", "linux-firmware", "1", "")
	in := Input{OS: "ubuntu-22.04-amd64", Sources: []Source{{Origin: patch.Origin{Suite: "jammy", Component: "main", Arch: "amd64", IndexPath: "main/binary-amd64/Packages"},
		URI: "https://a.example/ubuntu", Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}}}
	built, err := Build(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	list, err := DecodeList(built.List)
	if err != nil {
		t.Fatal(err)
	}
	index, err := decodePayloads(built.Payloads)
	if err != nil {
		t.Fatal(err)
	}
	i, _ := list.Index("jammy/linux-meta/5.15.0.100.97")
	files, err := index.of(i, list.At(i))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for _, f := range files {
		got[fmt.Sprintf("%s %s %v", f.Name, f.Version, f.Along)] = f.Needs
	}
	want := map[string][]string{"linux-image-generic 5.15.0.100.97 false": {"linux-image-5.15.0-100-generic"},
		"linux-image-5.15.0-100-generic 5.15.0-100.110 true":   {"linux-modules-5.15.0-100-generic"},
		"linux-modules-5.15.0-100-generic 5.15.0-100.110 true": {"linux-image-5.15.0-100-generic"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	sigs, err := detect.Open(built.Signatures)
	if err != nil {
		t.Fatal(err)
	}
	facts := patch.Facts{OS: patch.OSFacts{Key: in.OS, Arch: "amd64"}, Packages: []patch.Package{
		{Name: "linux-image-5.15.0-91-generic", Arch: "amd64", Version: "5.15.0-91.101", State: patch.Installed},
		{Name: "linux-image-generic", Arch: "amd64", Version: "5.15.0.91.88", State: patch.Installed}}}
	image := patch.NewPackage{Name: "linux-image-5.15.0-100-generic", Arch: "amd64", Version: "5.15.0-100.110"}
	modules := patch.NewPackage{Name: "linux-modules-5.15.0-100-generic", Arch: "amd64", Version: "5.15.0-100.110"}
	f := sigs.Find(&facts, i)
	if diff := cmp.Diff([]patch.NewPackage{image, modules}, f.Brings); diff != "" || f.Verdict != patch.NotPatched || len(f.Packages) != 1 ||
		!strings.Contains(f.Reason.Text.String(), "it brings the new package linux-image-5.15.0-100-generic and 1 more") {
		t.Errorf("%s %+v", diff, f)
	}
	facts.Packages = append(facts.Packages, patch.Package{Name: image.Name, Arch: "amd64", Version: "5.15.0-100.109", State: patch.Installed})
	if diff := cmp.Diff([]patch.NewPackage{modules}, sigs.Find(&facts, i).Brings); diff != "" {
		t.Error(diff)
	}
	for _, kernel := range []patch.ID{"jammy/linux/5.15.0-100.110", "jammy/linux-signed/5.15.0-100.110"} {
		at, listed := list.Index(kernel)
		if f := sigs.Find(&facts, at); !listed || f.Brings != nil || (kernel == "jammy/linux/5.15.0-100.110") != (f.Verdict == patch.NotApplicable) {
			t.Errorf("%+v", f)
		}
	}
}
