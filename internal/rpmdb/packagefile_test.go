package rpmdb

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/lab"
)

// rpm itself says the same of a package file.
func TestPackageFileAgreesWithRpm(t *testing.T) {
	dir := t.TempDir()
	p := lab.RPM{Name: "demo", Version: "1.0~rc1", Release: "2.el9", Arch: "x86_64", Provides: []string{"feature = 3", "bare"},
		Obsoletes: []string{"older < 2", "gone", "exact = 1:1-1"}, Module: "node:1:20240101:abcd", Files: map[string]string{"/usr/share/demo/a": "x", "/etc/demo": "y"}}
	if err := lab.BuildRPMs(t.Context(), dir, p); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, p.File())
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ReadPackageFile(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if got.Name != "demo" || got.Arch != "x86_64" || got.Version != "1.0~rc1-2.el9" || got.Module != "node:1" || got.Signer != "" {
		t.Errorf("%+v", got.Package)
	}
	var provides, obsoletes []string
	for _, r := range got.Provides {
		provides = append(provides, strings.TrimSpace(fmt.Sprintf("%s %s %s", r.Name, r.Op, r.Version)))
	}
	for _, r := range got.Obsoletes {
		obsoletes = append(obsoletes, strings.TrimSpace(fmt.Sprintf("%s %s %s", r.Name, r.Op, r.Version)))
	}
	sizes := map[string]int64{}
	for i, file := range got.Files {
		sizes[file] = got.Sizes[i]
	}
	if len(sizes) != len(got.Sizes) || sizes["/usr/share/demo/a"] != 2 {
		t.Errorf("sizes: %v", sizes)
	}
	for what, have := range map[string][]string{"--provides": provides, "--obsoletes": obsoletes, "--list": got.Files} {
		if diff := gocmp.Diff(strings.TrimSpace(run(t, "rpm", "-qp", what, path)), strings.Join(have, "\n")); diff != "" {
			t.Errorf("%s: rpm (-) and we (+) differ:\n%s", what, diff)
		}
	}
	for n := 0; n < len(b); n += 37 {
		if _, err := ReadPackageFile(bytes.NewReader(b[:n])); err == nil && n < len(b)/2 {
			t.Fatalf("cut after %d bytes it is read", n)
		}
	}
}

func FuzzReadPackageFile(f *testing.F) {
	lead := append(binary.BigEndian.AppendUint32(nil, 0xedabeedb), make([]byte, 92)...)
	magic := append(binary.BigEndian.AppendUint32(nil, 0x8eade801), 0, 0, 0, 0)
	h := sample()
	pad := make([]byte, -len(h)&7)
	f.Add(bytes.Join([][]byte{lead, magic, h, pad, magic, h}, nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if p, err := ReadPackageFile(bytes.NewReader(b)); err == nil && p.Name == "" {
			t.Errorf("%+v", p)
		}
	})
}
