package oval

import (
	"bytes"
	"context"
	"os"
	"testing"

	"github.com/fettle-project/fettle/internal/item"
)

func FuzzRead(f *testing.F) {
	b, err := os.ReadFile("testdata/small.xml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte(`<oval_definitions><definitions><definition id="d"><criteria><criteria/></criteria></definition></definitions></oval_definitions>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := Read(bytes.NewReader(b), Options{Family: "unix"})
		if err != nil {
			return
		}
		var all item.Builder
		for _, def := range d.Definitions {
			if def.ID == "" {
				t.Fatal("a definition has no ID")
			}
			for _, test := range def.Tests() {
				_, _ = all.Test(test) // refusing is an answer; not ending is none
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
