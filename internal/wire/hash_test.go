package wire

import (
	"reflect"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

func TestFactsHashTheSameInSteps(t *testing.T) {
	os := patch.OSFacts{Key: "debian-12-amd64", ID: "debian", Arch: "amd64"}
	packages := []patch.Package{{Name: "<perl>", Arch: "amd64", Version: "1"}, {Name: "bash", Arch: "amd64", Version: "5", Held: true}}
	modules := []patch.Module{{Name: "nodejs", Stream: "18", State: "enabled"}}
	objects := []patch.Collected{{Class: "file", Key: "k&<>", Flag: patch.FlagComplete, Items: []patch.Item{{Fields: []patch.Field{{Name: "size", Type: "int", Value: "1"}}}}},
		{Class: "file", Key: "l", Flag: patch.FlagNotExist}, {Class: "file", Key: "m", Flag: patch.FlagNotExist}}
	for i, f := range []patch.Facts{{}, {OS: os}, {OS: os, Packages: packages}, {OS: os, Packages: packages, Modules: modules}, {OS: os, Packages: packages, Objects: objects},
		{OS: os, Packages: []patch.Package{}, Apt: &patch.AptPolicy{}}, {OS: os, Packages: packages, Modules: modules, Objects: objects, Apt: &patch.AptPolicy{MachineID: "m"}}} {
		known := f
		known.Objects = nil
		want, _, err := HashJSON(f)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := HashFacts(known).Sum(f, nil); err != nil || got != want {
			t.Errorf("facts %d: %s, want %s (%v)", i, got, want, err)
		}
		told := func(yield func([]byte) bool) {
			for i := range f.Objects {
				if !yield(AppendObject(nil, &f.Objects[i])) {
					return
				}
			}
		}
		whole := f
		whole.Objects = nil
		if got, err := HashFacts(known).Sum(whole, told); err != nil || got != want {
			t.Errorf("facts %d, told of their objects: %s, want %s (%v)", i, got, want, err)
		}
	}
}

// A field that patch.Facts gains must be hashed too.
func TestFactsHashEveryField(t *testing.T) {
	facts, tail := reflect.TypeFor[patch.Facts](), reflect.TypeFor[factsTail]()
	if facts.NumField() != tail.NumField()+2 {
		t.Fatalf("facts have %d fields, and %d are hashed", facts.NumField(), tail.NumField()+2)
	}
	for i := range tail.NumField() {
		a, b := facts.Field(i+2), tail.Field(i)
		if a.Name != b.Name || a.Tag != b.Tag || a.Type != b.Type {
			t.Errorf("field %d is %s here and %s there", i, b.Name, a.Name)
		}
	}
}
