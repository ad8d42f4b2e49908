package story_test

import (
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
)

func TestInventoryBesideDetection(t *testing.T) {
	s := newSite(t)
	s.publish(bookworm, story()...)
	b := s.enrol("web-1", bookworm, "perl-base=5.36.0-7+deb12u4", "libssl3=3.0.17-1~deb12u3", "openssl=3.0.11-1", "curl=7.88.1-10", "bash=5.2.15-2", "libcurl4=7.88.1-10!")
	at := func(d time.Duration) time.Time { return s.now.Add(-d) }
	change := func(name, to, by string, ago time.Duration) patch.PkgChange {
		return patch.PkgChange{At: at(ago), Action: "upgrade", Name: name, Arch: "amd64", To: to, By: by}
	}
	b.history = []patch.PkgChange{ // newest first
		change("perl-base", "5.36.0-7+deb12u4", "fettle", time.Hour),
		change("curl", "7.88.1-10+deb12u14", "unattended-upgrades", 2*time.Hour),
		change("libssl3", "3.0.17-1~deb12u3", "apt full-upgrade by ann (1000)", 3*time.Hour),
		change("nginx", "1.22.1-9+deb12u3", "", 4*time.Hour),
		change("bash", "5.2.15-1", "", 5*time.Hour),
		change("perl-base", "5.36.0-7", "", 9*time.Hour),
	}
	if r, err := s.ledger.Reconcile(t.Context(), b.id); err != nil || len(r.Items) != 0 || !strings.Contains(r.Sentence.String(), "never completed") {
		t.Errorf("before a detect: %+v %v", r, err)
	}
	b.detect()
	r, err := s.ledger.Reconcile(t.Context(), b.id)
	s.must(err)
	type line struct {
		kind  ledger.DisagreementKind
		newer string
	}
	got := map[patch.ID]line{}
	for _, d := range r.Items {
		got[d.Patch] = line{d.Kind, d.Newer}
		t.Logf("%-45s %-26s %s", d.Patch, d.Kind, d.Meaning)
	}
	want := map[patch.ID]line{curl: {ledger.GoneAgain, "detection"}, openssl: {ledger.PartlyInstalled, "detection"}, nginx: {ledger.NotForThis, "detection"}, bash: {ledger.WithoutTrace, "detection"}}
	for id, w := range want {
		if got[id] != w {
			t.Errorf("%s: %+v, want %+v", id, got[id], w)
		}
	}
	if len(got) != len(want) || r.Installed != 5 || r.Agreed != 2 || !strings.Contains(r.Sentence.String(), "4 disagreements") {
		t.Errorf("%d installed, %d agreed: %s", r.Installed, r.Agreed, r.Sentence)
	}
	// Something is installed after the detect: the inventory is newer, until the next detect.
	s.later(time.Hour)
	b.set("curl=7.88.1-10+deb12u14")
	b.set("libcurl4=7.88.1-10+deb12u14")
	b.history = append([]patch.PkgChange{change("curl", "7.88.1-10+deb12u14", "packagekit", 0)}, b.history...)
	b.checkin()
	h, body := blob(t, patch.Inventory{Hostname: b.name, OS: b.facts.OS, Changes: b.history})
	s.must(s.store.PutInventory(t.Context(), b.id, h, body))
	r, err = s.ledger.Reconcile(t.Context(), b.id)
	s.must(err)
	if d := itemOf(r, curl); d.Kind != ledger.SinceDetect || d.Newer != "inventory" || d.Writer != "packagekit" || !strings.HasSuffix(d.Do.String(), "fettle machines detect "+r.Name) {
		t.Errorf("%+v", d)
	}
	b.detect()
	r, err = s.ledger.Reconcile(t.Context(), b.id)
	s.must(err)
	if d := itemOf(r, curl); d.Kind != "" {
		t.Errorf("after the next detect: %+v", d)
	}
}

// A package that was removed, and is not there, contradicts nothing: its patch is about the machine's other packages. One that is there again does.
func TestInventoryOfARemovedPackage(t *testing.T) {
	s := newSite(t)
	s.publish(bookworm, story()...)
	for name, x := range map[string]struct {
		packages []string
		want     ledger.DisagreementKind
	}{
		"gone":       {[]string{"libssl3=3.0.17-1~deb12u3"}, ""},
		"back-again": {[]string{"libssl3=3.0.17-1~deb12u3", "openssl=3.0.17-1~deb12u3"}, ledger.WithoutTrace},
	} {
		b := s.enrol(name, bookworm, x.packages...)
		b.history = []patch.PkgChange{{At: s.now.Add(-time.Hour), Action: "remove", Name: "openssl", Arch: "amd64", From: "3.0.11-1"}}
		b.detect()
		r, err := s.ledger.Reconcile(t.Context(), b.id)
		s.must(err)
		if d := itemOf(r, openssl); d.Kind != x.want {
			t.Errorf("%s: %q, want %q: %s", name, d.Kind, x.want, d.Meaning)
		}
		// What else the history says about the patch counts before the removal.
		b.history = append(b.history, patch.PkgChange{At: s.now.Add(-2 * time.Hour), Action: "upgrade", Name: "libssl3", Arch: "amd64", To: "3.0.17-1~deb12u3"})
		b.checkin()
		h, body := blob(t, patch.Inventory{Hostname: b.name, OS: b.facts.OS, Changes: b.history})
		s.must(s.store.PutInventory(t.Context(), b.id, h, body))
		if r, err = s.ledger.Reconcile(t.Context(), b.id); err != nil || len(r.Items) != 0 || r.Agreed != 1 {
			t.Errorf("%s, with the upgrade: %+v %v", name, r, err)
		}
	}
}

func itemOf(r ledger.Reconciliation, id patch.ID) ledger.Disagreement {
	for _, d := range r.Items {
		if d.Patch == id {
			return d
		}
	}
	return ledger.Disagreement{}
}
