package detect

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

func TestPackIsTheInverseOfUnpack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		defs := drawDefinitions(t)
		for i := range defs { // many definitions share trees
			if j := rapid.IntRange(0, len(defs)-1).Draw(t, "like"); defs[j].Installed != nil && rapid.Bool().Draw(t, "alike") {
				id := defs[i].ID
				defs[i] = defs[j]
				defs[i].ID = id
			}
		}
		file, err := Compile("debian-12-amd64", "dpkg", defs)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := Unpack(file)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := Pack(plain); err != nil || !bytes.Equal(again, file) {
			t.Fatalf("another file comes back: %v", err)
		}
	})
}

func FuzzPack(f *testing.F) {
	for _, defs := range [][]Definition{itemDefinitions(), {{ID: "a/b/1", Packages: []PackageRule{{Name: "b", Version: "1"}}}}} {
		file, err := Compile("debian-12-amd64", "dpkg", defs)
		if err != nil {
			f.Fatal(err)
		}
		plain, err := Unpack(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(plain)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		file, err := Pack(b)
		if err != nil {
			return
		}
		_, _ = Open(file)
		_, _ = Unpack(file)
	})
}
