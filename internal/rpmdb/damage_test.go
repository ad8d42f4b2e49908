package rpmdb

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
)

func publicKey(t *testing.T) string {
	t.Helper()
	e, err := openpgp.NewEntity("Archive", "", "a@example.org", nil)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(filepath.Join(t.TempDir(), "key.asc"))
	if err != nil {
		t.Fatal(err)
	}
	w, err := armor.Encode(f, openpgp.PublicKeyType, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{e.Serialize(w), w.Close(), f.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return f.Name()
}

// A page or byte that is lost must never make the list shorter without an error.
func TestDamageIsAnError(t *testing.T) {
	dir := t.TempDir()
	db := filepath.Join(dir, "db")
	if out, err := install(db, build(t, dir, 1, 40)).CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
	want, err := Read(in(db))
	if err != nil {
		t.Fatal(err)
	}
	module := strings.TrimSpace(run(t, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/knqyf263/go-rpmdb"))
	for name, path := range map[string]string{
		"rpmdb.sqlite": filepath.Join(db, "rpmdb.sqlite"),
		"Packages":     filepath.Join(module, "pkg/testdata/centos6-plain/Packages"),
		"Packages.db":  ndbOf(t, filepath.Join(db, "rpmdb.sqlite")),
	} {
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all := read(t, name, whole)
		if name != "Packages" && len(all) != len(want) {
			t.Fatalf("%s: %d packages and not %d", name, len(all), len(want))
		}
		for _, size := range []int{0, 1, 99, 4096, len(whole) / 2, len(whole) - 4096, len(whole) - 1} {
			if got := read(t, name, whole[:size]); got != nil {
				t.Errorf("%s: %d of %d bytes give %d packages", name, size, len(whole), len(got))
			}
		}
		step := max(1, len(whole)/4096/100)
		for page := 0; page < len(whole)/4096; page += step {
			lost := whole[page*4096 : (page+1)*4096]
			kept := slices.Clone(lost)
			clear(lost)
			if got := read(t, name, whole); got != nil && len(got) != len(all) {
				t.Errorf("%s without page %d gives %d packages of %d", name, page, len(got), len(all))
			}
			copy(lost, kept)
		}
	}
}

// read gives the packages' names, or nothing where there is an error.
func read(t *testing.T, name string, b []byte) []string {
	t.Helper()
	packages, err := Read(func(n string) (File, error) {
		if n != name {
			return nil, fs.ErrNotExist
		}
		return memory{bytes.NewReader(b)}, nil
	})
	if err != nil {
		return nil
	}
	names := []string{}
	for _, p := range packages {
		names = append(names, p.Name+p.Version)
	}
	return names
}
