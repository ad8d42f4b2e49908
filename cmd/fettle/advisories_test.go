package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/debian/debtest"
)

// A feed of advisories gives the patches of an archive's feed their title, CVEs and advisory; without one there is nothing to enrich.
func TestAdvisoriesAreAFeed(t *testing.T) {
	h := open(t)
	a := debtest.New(t)
	a.Publish(t, debtest.Suite{Name: "bookworm-security", Date: time.Now().Add(-time.Hour), Components: map[string][]debtest.Package{
		"main": {{Name: "perl", Arch: "amd64", Version: "5.36.0-7+deb12u1", Description: "a language"}}}})
	list := filepath.Join(t.TempDir(), "list")
	if err := os.WriteFile(list, []byte("[1 Mar 2026] DSA-5999-1 perl - security update\n\t{CVE-2026-1000}\n\t[bookworm] - perl 5.36.0-7+deb12u1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
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
	does(exitUsage, "--os debian-12", "feeds", "add", "--name", "dsa", "--advisories", list)
	does(exitUsage, "no signature", "feeds", "add", "--name", "dsa", "--advisories", list, "--os", "debian-12", "--keyring", "/k.gpg")
	does(exitOK, "dsa", "feeds", "add", "--name", "dsa", "--advisories", list, "--os", "debian-12")
	does(exitCannot, "no archive that they could be about", "catalog", "sync")
	does(exitOK, "security", "feeds", "add", "--name", "security", "--keyring", a.Keyring(t), "--apt", "deb "+a.URL+" bookworm-security main")
	does(exitOK, "1 package", "catalog", "sync")
	does(exitOK, "perl 5.36.0-7+deb12u1: security update", "patches", "show", "bookworm-security/perl/5.36.0-7+deb12u1")
	does(exitOK, `"DSA-5999-1"`, "patches", "show", "bookworm-security/perl/5.36.0-7+deb12u1", "--json")
	does(exitOK, `"CVE-2026-1000"`, "patches", "show", "bookworm-security/perl/5.36.0-7+deb12u1", "--json")

	does(exitOK, `"exploited":null`, "patches", "show", "perl", "--json") // nobody says what is exploited
	kev := filepath.Join(t.TempDir(), "kev.json")
	if err := os.WriteFile(kev, []byte(`{"count":1,"vulnerabilities":[{"cveID":"CVE-2026-1000","dateAdded":"2026-03-02","dueDate":"2026-03-23"}]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	does(exitUsage, "of no host OS", "feeds", "add", "--name", "kev", "--kev", kev, "--os", "debian-12")
	does(exitOK, "kev", "feeds", "add", "--name", "kev", "--kev", kev)
	does(exitOK, "kev", "catalog", "sync")
	does(exitOK, "to be mended until 2026-03-23", "patches", "show", "perl")
	does(exitOK, "patch.exploited is true", "labels", "test", "--patches", "patch.exploited")
	does(exitOK, "", "lint")
	does(exitOK, "i386", "feeds", "add", "--name", "both", "--keyring", a.Keyring(t), "--apt", "deb [arch=amd64,i386] "+a.URL+" bookworm main")
	does(exitOK, `"both-i386"`, "feeds", "list", "--json")
}
