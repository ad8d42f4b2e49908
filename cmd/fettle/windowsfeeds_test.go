package main

import (
	"archive/zip"
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/feed"
	"github.com/fettle-project/fettle/internal/patch"
)

// Every kind of feed for Windows and macOS, from subscribing to patches: fetched once, not again while it is the same, refused for a host OS
// that it says nothing of, over plain http, as a directory, and without a host OS.
func TestFeedsForWindowsAndMacOS(t *testing.T) {
	dir, err := content.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	files := t.TempDir()
	zipped := filepath.Join(files, "apps.zip")
	f, err := os.Create(zipped)
	if err != nil {
		t.Fatal(err)
	}
	z := zip.NewWriter(f)
	w, err := z.Create("defs/scribbler.yaml")
	if err == nil {
		_, err = io.WriteString(w, "id: example.scribbler\nname: Scribbler\nversion: 2\n")
	}
	if err == nil {
		err = z.Close()
	}
	if closed := f.Close(); err != nil || closed != nil {
		t.Fatal(err, closed)
	}
	write := func(name, body string) string {
		path := filepath.Join(files, name)
		if err := os.WriteFile(path, []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, c := range []struct{ kind, path, os, arch, id, foreign string }{
		{"sdp", write("one.sdp", `<p:SoftwareDistributionPackage><p:Properties PackageID="one"/><p:InstallableItem/></p:SoftwareDistributionPackage>`), "windows-10.0.19045", "amd64", "sdp/one", ""},
		{"apps", zipped, "windows-10.0.19045", "amd64", "apps/example.scribbler/2", ""},
		{"msrc", write("month.json", `{"ProductTree":{"FullProductName":[{"ProductID":"1","Value":"Windows 10 Version 22H2 for ARM64-based Systems"}]},"Vulnerability":[{"CVE":"CVE-2026-1","Remediations":[{"Description":{"Value":"5000002"},"ProductID":["1"],"Type":2,"FixedBuild":"10.0.19045.4000"}]}]}`),
			"windows-10.0.19045", "arm64", "msrc/KB5000002", "windows-10.0.22631"},
		{"sofa", write("sofa.json", `{"OSVersions":[{"OSVersion":"Sonoma 14","SecurityReleases":[{"ProductVersion":"14.5","AllBuilds":[],"CVEs":{}}]}]}`), "macos-14", "arm64", "macos/14.5", "macos-15"},
	} {
		sub, err := feedAt(c.kind, c.path, c.os, c.arch, "")
		if err != nil || sub.OS != patch.HostOS(c.os+"-"+c.arch) {
			t.Fatalf("%s: %+v, %v", c.kind, sub, err)
		}
		fetch := func(sub patch.Feed, last *patch.FeedState) (feed.Fetched, error) {
			return fetchers()[c.kind].Fetch(t.Context(), sub, last, dir, time.Now(), func(feed.Progress) {})
		}
		got, err := fetch(sub, nil)
		if err != nil || got.Unchanged || got.State.OS != sub.OS || got.State.Packages != 1 {
			t.Fatalf("%s: %+v, %v", c.kind, got, err)
		}
		if again, err := fetch(sub, &got.State); err != nil || !again.Unchanged {
			t.Errorf("%s, again: %+v, %v", c.kind, again, err)
		}
		found, err := parsers()[c.kind].Parse(context.Background(), catalog.Generation{OS: sub.OS, Feed: sub, State: got.State, Open: func(h patch.Hash) (io.ReadCloser, error) { return dir.Open(h) }})
		if err != nil || len(found.Entries) != 1 || found.Entries[0].Patch.ID != patch.ID(c.id) {
			t.Errorf("%s: %+v, %v", c.kind, found.Entries, err)
		}
		if c.foreign != "" {
			other := sub
			other.OS = patch.HostOS(c.foreign + "-" + c.arch)
			if _, err := fetch(other, nil); patch.KindOf(err) != patch.Invalid || err == nil {
				t.Errorf("%s for another host OS: %v", c.kind, err)
			}
		}
		directory := sub
		directory.URI = files
		if _, err := fetch(directory, nil); patch.KindOf(err) != patch.Invalid || err == nil {
			t.Errorf("%s as a directory: %v", c.kind, err)
		}
		for why, f := range map[string]patch.Feed{"no host OS": {Name: "x", Kind: c.kind, URI: c.path}, "plain http": {Name: "x", Kind: c.kind, URI: "http://mirror.example.org/x", OS: sub.OS}, "a keyring": {Name: "x", Kind: c.kind, URI: c.path, OS: sub.OS, Keyring: "/k"}} {
			if err := checkFeed(&f); err == nil {
				t.Errorf("%s, %s: it is subscribed to", c.kind, why)
			}
		}
	}
}
