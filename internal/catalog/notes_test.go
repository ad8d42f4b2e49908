package catalog

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

func TestAdvisoriesEnrichPatches(t *testing.T) {
	stanza := func(name, v string) string {
		return "Package: " + name + "\nVersion: " + v + "\nArchitecture: amd64\nFilename: pool/" + name + ".deb\nSize: 10\nSHA256: " + strings.Repeat("0", 64) + "\nDescription: what it is\n\n"
	}
	dated := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	source := func(suite, codename, text string) Source {
		return Source{Origin: patch.Origin{Suite: suite, Component: "main", Arch: "amd64", IndexPath: "main/binary-amd64/Packages", Dated: dated}, URI: "https://a.example/debian",
			About: patch.Release{Codename: codename}, Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }}
	}
	issued := dated.AddDate(0, 0, -20)
	in := Input{OS: "debian-12-amd64", Sources: []Source{source("stable-security", "bookworm-security", stanza("openssl", "3.0.1")+stanza("perl", "5.36")), source("bookworm", "bookworm", stanza("openssl", "3.0.1"))},
		Notes: []patch.Note{
			{Release: "bookworm", Source: "openssl", Version: "3.0.1", CVEs: []string{"CVE-2026-3333"}, Severity: patch.Low},
			{Release: "bookworm", Source: "openssl", Version: "3.0.1", Advisory: "DSA-2-1", Title: "regression update"},
			{Release: "bookworm", Source: "openssl", Version: "3.0.1", Advisory: "DSA-1-1", Title: "security update", CVEs: []string{"CVE-2026-2222", "CVE-2026-1111"}, Issued: issued},
			{Release: "bullseye", Source: "perl", Version: "5.36", Advisory: "DSA-3-1", Title: "of another release"},
			{Release: "bookworm", Source: "perl", Version: "5.36.1", Advisory: "DSA-4-1", Title: "of another version"},
			{Source: "openssl", Severity: patch.High, CVEs: []string{"CVE-2026-1111"}}, {Source: "perl", Severity: patch.Critical, CVEs: []string{"CVE-2026-2222"}},
		}}
	built, err := Build(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	list, err := DecodeList(built.List)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []patch.ID{"stable-security/openssl/3.0.1", "bookworm/openssl/3.0.1"} {
		i, _ := list.Index(id)
		got := list.At(i)
		want := patch.Patch{ID: id, Title: "openssl 3.0.1: security update", Source: "openssl", Version: "3.0.1", Suite: got.Suite, Category: patch.Security, Severity: patch.High,
			CVEs: []string{"CVE-2026-1111", "CVE-2026-2222", "CVE-2026-3333"}, Released: issued, Advisory: "DSA-1-1", Payloads: got.Payloads}
		if diff := cmp.Diff(want, *got); diff != "" {
			t.Error(diff)
		}
	}
	i, _ := list.Index("stable-security/perl/5.36")
	if p := list.At(i); p.Advisory != "" || p.CVEs != nil || p.Severity != "" || p.Title != "perl 5.36: what it is" {
		t.Errorf("%+v", p)
	}
	bare := in
	bare.Notes = nil
	plain, err := Build(t.Context(), bare)
	if err != nil || plain.Meta.Signatures != built.Meta.Signatures || plain.Meta.List == built.Meta.List {
		t.Errorf("advisories change rules: %v", err)
	}
	alone := Input{OS: "debian-12-amd64", Parsed: []Parsed{{}}, Notes: in.Notes}
	if _, err := Build(t.Context(), alone); patch.KindOf(err) != patch.Invalid || err == nil {
		t.Errorf("advisories without archives: %v", err)
	}
}
