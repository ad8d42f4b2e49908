package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/debian/debtest"
	"github.com/fettle-project/fettle/internal/patch"
)

// A feed that shrank stays in quarantine until a person who saw it takes exactly that generation over; who it was is in the audit log.
func TestAPersonAcceptsAFeedFromQuarantine(t *testing.T) {
	h := open(t)
	a := debtest.New(t)
	date := time.Now().UTC().Truncate(time.Second).Add(-time.Hour)
	publish := func(packages int) {
		t.Helper()
		s := debtest.Suite{Name: "bookworm", Date: date, Components: map[string][]debtest.Package{"main": nil}}
		date = date.Add(time.Minute)
		for i := range packages {
			s.Components["main"] = append(s.Components["main"], debtest.Package{Name: fmt.Sprintf("tool%d", i), Arch: "amd64", Version: "1.0-1"})
		}
		a.Publish(t, s)
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
	publish(20)
	does(exitOK, "test", "feeds", "add", "--name", "test", "--keyring", a.Keyring(t), "--apt", "deb "+a.URL+" bookworm main")
	does(exitOK, "20 packages", "catalog", "sync")
	if n := strings.Count(p.out.String()+p.err.String(), "20 packages"); n != 1 {
		t.Errorf("the result is said %d times:\n%s%s", n, p.out.String(), p.err.String())
	}
	does(exitCannot, "put nothing in quarantine", "catalog", "sync", "--accept", "test")
	does(exitCannot, `no feed is called "tset"`, "catalog", "sync", "--accept", "tset")

	publish(9)
	does(exitCannot, "it holds 9 packages", "catalog", "sync")
	if n := strings.Count(p.out.String()+p.err.String(), "it holds 9 packages"); n != 1 {
		t.Errorf("the reason is said %d times:\n%s%s", n, p.out.String(), p.err.String())
	}
	does(exitNo, "fettle catalog sync --accept test", "alarms")
	// While a sync runs nothing is accepted: it would be forgotten without a word.
	running, _ := h.Changes.Begin(syncKind, "ann")
	does(exitCannot, "a sync is running already", "catalog", "sync", "--accept", "test")
	h.Changes.End(running.ID, "", nil)
	does(exitOK, "new: 9 packages", "catalog", "sync", "--accept", "test")
	does(exitOK, "No alarms", "alarms")
	does(exitOK, "unchanged: 9 packages", "catalog", "sync")
	does(exitCannot, "put nothing in quarantine", "catalog", "sync", "--accept", "test")

	log, err := h.Store.ListAudit(t.Context(), time.Time{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	accepted := 0
	for _, e := range log {
		if e.Action == "feed.accept" {
			accepted++
			if e.Who != "admin" || e.Object != "test" || !strings.Contains(e.Detail, `"packages":9`) {
				t.Errorf("the audit log says %+v", e)
			}
		}
	}
	if accepted != 1 {
		t.Errorf("the audit log tells of %d acceptances", accepted)
	}
}

// A catalog that lost its patches is held back although its feed is whole; exactly the revision that a person saw is published.
func TestAPersonAcceptsARevisionFromQuarantine(t *testing.T) {
	h := open(t)
	a := debtest.New(t)
	date := time.Now().UTC().Truncate(time.Second).Add(-time.Hour)
	publish := func(name string) {
		t.Helper()
		s := debtest.Suite{Name: "bookworm", Date: date, Components: map[string][]debtest.Package{"main": nil}}
		date = date.Add(time.Minute)
		for i := range 20 {
			s.Components["main"] = append(s.Components["main"], debtest.Package{Name: fmt.Sprintf("%s%d", name, i), Arch: "amd64", Version: "1.0-1"})
		}
		a.Publish(t, s)
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
	publish("tool")
	does(exitOK, "test", "feeds", "add", "--name", "test", "--keyring", a.Keyring(t), "--apt", "deb "+a.URL+" bookworm main")
	does(exitOK, "20 patches", "catalog", "sync")
	publish("other")
	does(exitCannot, "20 of 20 patches are gone", "catalog", "sync")
	first := h.Catalog.Quarantined()[0].Name()
	does(exitNo, "fettle catalog sync --accept "+first, "alarms")
	does(exitOK, "In quarantine: "+first, "catalog", "list")
	does(exitOK, "20 new, 0 changed, 20 gone, 0 newly superseded", "catalog", "diff", "--os", "debian-12-amd64")
	does(exitOK, `"gone":20`, "catalog", "diff", "--os", "debian-12-amd64", "--json")
	publish("third")
	does(exitCannot, "20 of 20 patches are gone", "catalog", "sync")
	second := h.Catalog.Quarantined()[0].Name()
	does(exitCannot, "In quarantine is "+second, "catalog", "sync", "--accept", first)
	does(exitCannot, "no revision 0123 of debian-13-amd64 is in quarantine", "catalog", "sync", "--accept", "debian-13-amd64/0123")
	does(exitOK, "list "+second[strings.Index(second, "/")+1:]+" with 20 patches", "catalog", "sync", "--accept", second)
	does(exitOK, "No alarms", "alarms")
	does(exitCannot, "is in quarantine", "catalog", "sync", "--accept", second)
	log, err := h.Store.ListAudit(t.Context(), time.Time{}, 0)
	if err != nil || !slices.ContainsFunc(log, func(e patch.AuditEntry) bool {
		return e.Action == "catalog.accept" && e.Who == "admin" && strings.HasSuffix(second, "/"+revisionIn(e.Detail))
	}) {
		t.Errorf("the audit log does not tell who accepted it: %v", err)
	}
}

func revisionIn(detail string) string {
	_, rest, _ := strings.Cut(detail, `"revision":"`)
	id, _, _ := strings.Cut(rest, `"`)
	return id
}

// A new appliance has no feed to fetch: its log says so, and not that something went wrong.
func TestAnApplianceWithoutAFeedHasNothingToSync(t *testing.T) {
	var log bytes.Buffer
	a, err := openAppliance(t.Context(), testData(t), slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer a.close()
	change, _ := a.Changes.Begin(syncKind, "admin")
	a.sync(t.Context(), change.ID, accepted{})
	if got := log.String(); !strings.Contains(got, `level=INFO msg="catalog has nothing to sync: no feed is subscribed to"`) || strings.Contains(got, "incomplete") {
		t.Error(got)
	}
}
