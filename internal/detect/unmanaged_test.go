package detect

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

func TestUnmanaged(t *testing.T) {
	tree := Is(Test{Kind: TestVersion, Name: "tree", Operand: "1"})
	file, err := Compile("debian-12-amd64", version.Dpkg, []Definition{
		{ID: "s/a/1", Packages: []PackageRule{{Name: "a", Arch: "amd64", Version: "1"}, {Name: "data", Arch: "all", Version: "1"}, {Name: "lib", Arch: "i386", Version: "1"}}},
		{ID: "t", Installed: &tree}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := Open(file)
	if err != nil {
		t.Fatal(err)
	}
	facts := patch.Facts{OS: patch.OSFacts{Key: "debian-12-amd64", Arch: "amd64"}}
	for _, p := range []patch.Package{{Name: "a", Arch: "amd64", Version: "9"}, {Name: "a", Arch: "i386"}, {Name: "data", Arch: "all"}, {Name: "gone", Arch: "amd64", State: patch.Removed},
		{Name: "lib", Arch: "amd64"}, {Name: "lib", Arch: "i386"}, {Name: "local", Arch: "all", State: patch.Broken}, {Name: "tree", Arch: "amd64"}} {
		if p.State == "" {
			p.State = patch.Installed
		}
		facts.Packages = append(facts.Packages, p)
	}
	got, err := s.Unmanaged(&facts)
	var names []string
	for _, p := range got {
		names = append(names, p.Name+":"+p.Arch)
	}
	if diff := cmp.Diff([]string{"a:i386", "lib:amd64", "local:all"}, names); diff != "" || err != nil {
		t.Error(diff, err)
	}
	facts.OS.Key = "debian-13-amd64"
	if _, err := s.Unmanaged(&facts); err == nil {
		t.Error("facts of another OS")
	}
}
