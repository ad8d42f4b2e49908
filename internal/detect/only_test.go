package detect

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/fettle-project/fettle/internal/candidate"
	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// One definition alone, over the part of the facts that it asks for, gives what all of them give over all facts.
func TestOnlyOneDefinitionAndItsPart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f, defs := drawFacts(t), drawDefinitions(t)
		for i := range rapid.IntRange(0, 6).Draw(t, "of items") {
			name, path := rapid.SampledFrom(someNames).Draw(t, "package"), rapid.SampledFrom([]string{"/a", "/b", "/c"}).Draw(t, "file")
			pkg := packageInfo(classDpkg, name, rapid.SampledFrom([]string{"", "1.0-1", "2"}).Draw(t, "limit"))
			if rapid.Bool().Draw(t, "pattern") {
				pkg.Test.Items.Object.Entities[0].Operation = item.PatternMatch
			}
			file := smaller(path, rapid.SampledFrom([]int{0, 10, 20}).Draw(t, "size"))
			defs = append(defs, needs(patch.ID(fmt.Sprintf("0/items/%d", i)), file, And(pkg, rapid.SampledFrom([]Expr{file, pkg, drawExpr(t, 2)}).Draw(t, "more"))))
		}
		s := mustCompile(t, defs)
		if err := s.Collect(t.Context(), &f, files{sizes: map[string]int{"/a": 5, "/b": 15}, asked: map[string]int{}}); err != nil {
			t.Fatal(err)
		}
		all, err := s.Evaluate(&f)
		if err != nil {
			t.Fatal(err)
		}
		for i := range min(20, s.Len()) {
			one, err := s.Only(i)
			if err != nil {
				t.Fatal(err)
			}
			q := one.Question()
			part := q.Part(&f)
			r, err := one.Evaluate(part)
			if err != nil {
				t.Fatal(err)
			}
			if one.Len() != 1 || r.Verdicts.At(0) != all.Verdicts.At(i) {
				t.Fatalf("%s alone is %s over %+v, and %s among all", defs[i].ID, r.Verdicts.At(0), part.Packages, all.Verdicts.At(i))
			}
			a, b := one.Find(part, 0), s.Find(&f, i)
			if a.Reason.Text != b.Reason.Text || a.Reason.Code != b.Reason.Code {
				t.Fatalf("%s alone: %+v; among all: %+v", defs[i].ID, a.Reason, b.Reason)
			}
		}
	})
}

// A kernel of a new name that is there already is not announced as new: what a patch brings is asked for too.
func TestOnlyAsksForWhatAPatchBrings(t *testing.T) {
	kernel := patch.NewPackage{Name: "linux-image-2", Arch: "amd64", Version: "2"}
	from := &Provenance{Archive: candidate.Archive{Suite: "bookworm"}, Brings: []patch.NewPackage{kernel}, Phased: 100}
	s, err := Assemble("debian-12-amd64", version.Dpkg, []Definition{{ID: "bookworm/linux/2", Packages: []PackageRule{{Name: "linux-image-amd64", Version: "2", From: from}}}})
	if err != nil {
		t.Fatal(err)
	}
	f := &patch.Facts{OS: patch.OSFacts{Key: "debian-12-amd64", Arch: "amd64"}, Packages: []patch.Package{
		{Name: "linux-image-2", Arch: "amd64", Version: "2", State: patch.Installed}, {Name: "linux-image-amd64", Arch: "amd64", Version: "1", State: patch.Installed}}}
	one, err := s.Only(0)
	if err != nil {
		t.Fatal(err)
	}
	q := one.Question()
	if a, b := one.Find(q.Part(f), 0), s.Find(f, 0); len(b.Brings) != 0 || len(a.Brings) != 0 || a.Reason.Text != b.Reason.Text {
		t.Errorf("alone: %+v; among all: %+v", a, b)
	}
	f.Packages = f.Packages[1:]
	if a := one.Find(q.Part(f), 0); len(a.Brings) != 1 {
		t.Errorf("what it brings is forgotten: %+v", a)
	}
}
