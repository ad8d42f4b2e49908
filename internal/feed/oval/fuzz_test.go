package oval

import (
	"bytes"
	"context"
	"os"
	"testing"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/version"
)

func FuzzRead(f *testing.F) {
	b, err := os.ReadFile("testdata/small.xml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`<oval_definitions><definitions><definition id="d"><criteria><criteria/></criteria></definition></definitions></oval_definitions>`))
	f.Add([]byte(newRandom(1, 3).document()))
	f.Add([]byte(newRandom(2, 3).document()))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := Read(bytes.NewReader(b), Options{Family: "unix"})
		if err != nil {
			return
		}
		answers, err := d.Evaluate(context.Background(), nil, item.NewStored(nil))
		if err != nil {
			t.Fatal(err) // whatever is in a document, its definitions can be judged
		}
		judged := 0
		for a := range answers {
			judged++
			if a.Definition.ID == "" {
				t.Fatal("a definition has no ID")
			}
		}
		if judged != len(d.Definitions) {
			t.Fatalf("%d of %d definitions were judged", judged, len(d.Definitions))
		}
		for os, entries := range d.Entries("amd64") {
			var defs []detect.Definition
			for _, e := range entries {
				defs = append(defs, e.Definition)
			}
			if _, err := detect.Compile(os, version.Dpkg, defs); err != nil {
				t.Fatalf("the entries of %s: %v", os, err)
			}
		}
	})
}

func FuzzCharacteristics(f *testing.F) {
	b, err := os.ReadFile("testdata/characteristics.xml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := ReadCharacteristics(bytes.NewReader(b))
		if err != nil {
			return
		}
		for id := range c.objects {
			c.Probe(context.Background(), item.Request{Entities: []item.Wanted{{Name: recordedBy, Values: []string{id}}}})
		}
	})
}

func FuzzVariables(f *testing.F) {
	f.Add([]byte(`<oval_variables><variables><variable id="v" datatype="int"><value>1</value><value>2</value></variable></variables></oval_variables>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if v, err := ReadVariables(bytes.NewReader(b)); err == nil && v == nil {
			t.Fatal("no map")
		}
	})
}
