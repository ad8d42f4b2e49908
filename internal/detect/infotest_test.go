package detect

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

func drawInfoTest(t *rapid.T) *item.Test {
	class := rapid.SampledFrom([]string{classDpkg, classRPM, classAPK}).Draw(t, "class")
	x := &item.Test{Class: class, Existence: item.Existence(rapid.IntRange(0, 4).Draw(t, "existence")), Check: item.Check(rapid.IntRange(0, 3).Draw(t, "check")),
		Object: &item.Object{Class: class, Entities: []item.Entity{literal("name", item.Equals, item.String, rapid.SampledFrom(someNames).Draw(t, "name"))}}}
	if rapid.IntRange(0, 9).Draw(t, "odd") == 0 {
		x.Object.Entities[0].Operation = item.PatternMatch // not of the short form
	}
	if rapid.Bool().Draw(t, "stateless") {
		return x
	}
	s := &item.State{Class: class}
	for _, field := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"evr", "arch", "version", "signature_keyid"}), 1, 3, rapid.ID[string]).Draw(t, "fields") {
		op := item.Operation(rapid.IntRange(0, 7).Draw(t, "operation"))
		e := literal(field, op, item.String, rapid.SampledFrom(append(someVersions, "amd64", "0")).Draw(t, "value"))
		switch field {
		case "evr":
			e.Datatype = rapid.SampledFrom([]item.Datatype{item.EVR, item.DebianEVR, item.String}).Draw(t, "datatype")
		case "arch":
			e.Operation, e.Value = rapid.SampledFrom([]item.Operation{item.Equals, item.PatternMatch, item.NotEqual}).Draw(t, "of"), rapid.SampledFrom([]string{"amd64", "a.*", "("}).Draw(t, "pattern")
		}
		s.Entities = append(s.Entities, e)
	}
	x.States = []*item.State{s}
	return x
}

// The short form of item tests about packages means what package item says of the whole test, and its evidence names the package.
func TestShortFormMeansTheWholeTest(t *testing.T) {
	short, whole := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		f := drawFacts(t)
		f.OS.Manager = rapid.SampledFrom([]string{"", "dpkg", "rpm"}).Draw(t, "manager")
		for _, name := range someNames[:2] { // several side by side
			for i := range rapid.IntRange(0, 2).Draw(t, "more") {
				f.Packages = append(f.Packages, patch.Package{Name: name, Arch: "arm64", Version: fmt.Sprintf("%d-1", i), State: patch.Installed, Signer: "1234"})
			}
		}
		var defs []Definition
		for i := range rapid.IntRange(1, 20).Draw(t, "tests") {
			e := Is(Test{Kind: TestItems, Items: drawInfoTest(t)})
			if _, _, _, ok := infoTest(e.Test.Items); ok {
				short++
			} else {
				whole++
			}
			defs = append(defs, Definition{ID: patch.ID(fmt.Sprintf("d:%02d", i)), Prerequisite: &e, Installed: &e})
		}
		a, err := Assemble("debian-12-amd64", version.Dpkg, defs) // has no short form
		if err != nil {
			t.Fatal(err)
		}
		b := mustCompile(t, defs)
		want, err := a.Values(t.Context(), &f, nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []Judgement
		values, err := b.Values(t.Context(), &f, nil)
		if err != nil {
			t.Fatal(err)
		}
		for v := range values {
			got = append(got, v)
		}
		i := 0
		for v := range want {
			if got[i] != v {
				t.Fatalf("%+v\nover %+v\nis %+v, and in the short form %+v", defs[i].Installed.Test.Items, f.Packages, v, got[i])
			}
			i++
		}
	})
	if short < 10*whole/10 || short == 0 || whole == 0 {
		t.Errorf("%d tests had the short form and %d not", short, whole)
	}
}
