package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/patch"
)

// repo writes an rpm repository of one package with an advisory into a directory.
func repo(t *testing.T, dir, version string) {
	t.Helper()
	put := func(name, text string) string {
		path := filepath.Join(dir, "repodata", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256([]byte(text))
		return hex.EncodeToString(sum[:])
	}
	primary := put("primary.xml", fmt.Sprintf(`<metadata><package><name>bell</name><arch>x86_64</arch><version epoch="0" ver="%s" rel="1.el9"/><checksum type="sha256">%s</checksum>
		<location href="bell.rpm"/><size package="9"/></package></metadata>`, version, strings.Repeat("ab", 32)))
	updates := put("updateinfo.xml", fmt.Sprintf(`<updates><update type="security"><id>ALSA-2026:1</id><title>Critical: bell update</title><pkglist><collection>
		<package name="bell" version="%s" release="1.el9" epoch="0" arch="x86_64"/></collection></pkglist></update></updates>`, version))
	put("repomd.xml", fmt.Sprintf(`<repomd><revision>1764000000</revision><data type="primary"><checksum type="sha256">%s</checksum><location href="repodata/primary.xml"/></data>
		<data type="updateinfo"><checksum type="sha256">%s</checksum><location href="repodata/updateinfo.xml"/></data></repomd>`, primary, updates))
}

// An rpm repository and OSV advisories are subscribed to, synced and published like an archive; the advisory that both have is one patch.
func TestRPMFeeds(t *testing.T) {
	h := open(t)
	p := &person{home: t.TempDir()}
	does := func(code int, want string, args ...string) {
		t.Helper()
		if got := p.does(t, "", args...); got != code || !strings.Contains(p.out.String()+p.err.String(), want) {
			t.Fatalf("fettle %v: exit %d, not %d, or no %q in:\n%s%s", args, got, code, want, p.out.String(), p.err.String())
		}
	}
	if code := p.does(t, testPassword+"\n", "login", "--server", "https://"+h.at.Console, "-u", "admin", "--password-stdin", "--ca-fingerprint", api.Fingerprint(h.ca)); code != exitOK {
		t.Fatal(p.err.String())
	}
	base, osvs := t.TempDir(), t.TempDir()
	repo(t, base, "2")
	for i, rows := range []string{`"name":"bell"`, `"name":"lamp"`} {
		text := fmt.Sprintf(`{"id":"ALSA-2026:%d","affected":[{"package":{"ecosystem":"AlmaLinux:9",%s},"ranges":[{"type":"ECOSYSTEM","events":[{"introduced":"0"},{"fixed":"2-1.el9"}]}]}]}`, i+1, rows)
		if err := os.WriteFile(filepath.Join(osvs, fmt.Sprintf("%d.json", i)), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	does(exitUsage, "no signature to verify", "feeds", "add", "--rpm", "http://mirror.example.org/9/os")
	does(exitUsage, "carry no signature", "feeds", "add", "--osv", osvs, "--keyring", "/etc/keys")
	does(exitCannot, "that is on the appliance", "feeds", "add", "--osv", osvs+"/none")
	does(exitOK, "as baseos", "feeds", "add", "--name", "baseos", "--rpm", base)
	does(exitOK, "as osv", "feeds", "add", "--name", "osv", "--osv", osvs)
	does(exitOK, "almalinux-9-x86_64: list", "catalog", "sync")
	list, err := h.Catalog.List("almalinux-9-x86_64")
	if err != nil || list.Len() != 2 {
		t.Fatalf("%+v %v", list, err)
	}
	if b := list.At(0); b.ID != "almalinux-9/ALSA-2026:1" || b.Title != "Critical: bell update" && b.Title != "ALSA-2026:1" || b.Category != patch.Security {
		t.Errorf("%+v", b)
	}
	does(exitOK, "unchanged: 2 packages", "catalog", "sync")
}

func TestFeedsThatCannotBe(t *testing.T) {
	for name, f := range map[string]patch.Feed{
		"an unknown kind":            {Name: "x", Kind: "rot13", URI: "https://mirror.example.org"},
		"plain http":                 {Name: "x", Kind: "rpm", URI: "http://mirror.example.org"},
		"a password in the address":  {Name: "x", Kind: "osv", URI: "https://a:b@mirror.example.org"},
		"a keyring without a use":    {Name: "x", Kind: "updateinfo", URI: "/srv/u.xml", Keyring: "/k"},
		"a suite that is not usable": {Name: "x", Kind: "apt", URI: "https://mirror.example.org", Suite: "../..", Components: []string{"main"}, Arch: "amd64"},
	} {
		if err := checkFeed(&f); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	f := patch.Feed{Name: "x", Kind: "rpm", URI: "https://mirror.example.org/9/os/", Arch: "amd64", OS: "almalinux-9"}
	if err := checkFeed(&f); err != nil || f.OS != "almalinux-9-x86_64" || f.Arch != "x86_64" || f.URI != "https://mirror.example.org/9/os" {
		t.Errorf("%+v %v", f, err)
	}
	if n := addressName("https://mirror.example.org/almalinux/9/BaseOS/x86_64/os/"); n != "mirror.example.org-almalinux-9-baseos-x86_64" {
		t.Error(n)
	}
}

// What a feed names on the appliance is looked for when it is subscribed to.
func TestFeedsOfFilesThatAreNotThere(t *testing.T) {
	dir := t.TempDir()
	key, known := filepath.Join(dir, "empty.gpg"), filepath.Join(dir, "known.json")
	for _, path := range []string{key, known} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	archive := patch.Feed{Name: "x", Kind: "apt", URI: "https://mirror.example.org", Suite: "bookworm", Components: []string{"main"}, Arch: "amd64"}
	for want, f := range map[string]patch.Feed{
		"no such file": {Name: "x", Kind: "kev", URI: filepath.Join(dir, "other.json")}, "no such file or directory": {Name: "x", Kind: "rpm", URI: "file://" + dir + "/repo", OS: "almalinux-9"},
		"cannot read the keyring": {Name: "x", Kind: "apt", URI: archive.URI, Suite: archive.Suite, Components: archive.Components, Arch: archive.Arch, Keyring: filepath.Join(dir, "none.gpg")},
		"there is no key in":      {Name: "x", Kind: "apt", URI: archive.URI, Suite: archive.Suite, Components: archive.Components, Arch: archive.Arch, Keyring: key},
	} {
		if err := checkFeed(&f); err != nil {
			t.Errorf("%+v: %v", f, err)
		}
		if err := checkFeedHere(&f); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "that is on the appliance") {
			t.Errorf("%+v: %v, want %q", f, err, want)
		}
	}
	for _, f := range []patch.Feed{archive, {Name: "x", Kind: "kev", URI: known}, {Name: "x", Kind: "kev", URI: "file://" + known}} {
		if err := checkFeedHere(&f); err != nil {
			t.Errorf("%+v: %v", f, err)
		}
	}
}
