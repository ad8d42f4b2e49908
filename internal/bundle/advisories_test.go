package bundle_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/fettle-project/fettle/internal/bundle"
	"github.com/fettle-project/fettle/internal/catalog"
)

func TestBuildWithAdvisories(t *testing.T) {
	o := options(t, archive(t))
	dir := t.TempDir()
	list, notices := filepath.Join(dir, "list"), filepath.Join(dir, "usn")
	for name, text := range map[string]string{
		list:                          "[1 Mar 2026] DSA-5999-1 perl - security update\n\t{CVE-2026-1000}\n\t[bookworm] - perl 5.36.0-7+deb12u1\n",
		notices + "/a/USN-1-1.json":   `{"id": "USN-1-1", "affected": [{"package": {"ecosystem": "Debian:12", "name": "perl"}, "ranges": [{"events": [{"fixed": "5.36.0-7+deb12u1"}]}]}], "related": ["CVE-2026-1001"]}`,
		notices + "/a/README":         "no JSON",
		notices + "/a/USN-2-1.json":   `{"id": "USN-2-1", "affected": [{"package": {"ecosystem": "Ubuntu:22.04:LTS", "name": "perl"}, "ranges": [{"events": [{"fixed": "5.36.0-7+deb12u1"}]}]}], "related": ["CVE-2026-1002"]}`,
		notices + "/b/USN-none.json":  `{"id": "USN-3-1"}`,
		notices + "/b/deeper/x.jsonx": "{",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	o.Advisories = []string{list, notices}
	if _, err := bundle.Build(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	b, err := catalog.OpenBundle(o.Out)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	l, err := b.List("debian-12-amd64")
	if err != nil {
		t.Fatal(err)
	}
	if p := l.At(0); p.Advisory != "DSA-5999-1" || p.Title != "perl 5.36.0-7+deb12u1: security update" || !slices.Equal(p.CVEs, []string{"CVE-2026-1000", "CVE-2026-1001"}) {
		t.Errorf("%+v", p)
	}
	o.Advisories = []string{filepath.Join(dir, "none")}
	if _, err := bundle.Build(t.Context(), o); err == nil {
		t.Error("advisories that are not there were read")
	}
}
