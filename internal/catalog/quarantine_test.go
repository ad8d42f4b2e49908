package catalog

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
)

// advisories is a feed whose entries a test changes at will.
type advisories struct {
	*Catalog
	shelf *shelf
	found Found
	times int
}

func newAdvisories(t *testing.T, n int) *advisories {
	t.Helper()
	c, store, _ := newCatalog(t)
	a := &advisories{Catalog: c, shelf: store}
	c.Parsers = map[string]Parser{"oval": {Version: 1, Parse: func(context.Context, Generation) (Found, error) { return a.found, nil }}}
	for i := range n {
		a.found.Entries = append(a.found.Entries, advisory(patch.ID(fmt.Sprintf("A-%04d", i)), fmt.Sprintf("pkg%d", i), "2"))
		a.found.Entries[i].Patch.Suite = "oval"
	}
	a.mustPublish(t)
	return a
}

// publish is a sync: the vendor has something new.
func (a *advisories) publish(t *testing.T, accept Accepted) (patch.RevisionMeta, error) {
	t.Helper()
	a.times++
	subscribe(t, a.Catalog, a.shelf, "oval", source("oval", fmt.Sprint(a.times)))
	a.shelf.feeds[0].Kind = "oval"
	metas, err := a.PublishAccepting(t.Context(), accept)
	if err != nil {
		return patch.RevisionMeta{}, err
	}
	return metas[0], nil
}

func (a *advisories) mustPublish(t *testing.T) patch.RevisionMeta {
	t.Helper()
	m, err := a.publish(t, Accepted{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// refused publishes, and checks that the revision in force stays, and that somebody is told.
func (a *advisories) refused(t *testing.T, accept Accepted, why string) Quarantine {
	t.Helper()
	before, _ := a.Meta(hostOS)
	_, err := a.publish(t, accept)
	if patch.KindOf(err) != patch.Untrusted || !strings.Contains(err.Error(), why) {
		t.Fatalf("published, or refused for another reason than %q: %v", why, err)
	}
	if m, _ := a.Meta(hostOS); m.ID != before.ID {
		t.Error("the revision in force has changed")
	}
	q := a.Quarantined()
	if len(q) != 1 || !strings.Contains(a.shelf.alarms["catalog/"+string(hostOS)].Do.String(), "--accept "+q[0].Name()) {
		t.Fatalf("%+v, %+v", q, a.shelf.alarms)
	}
	return q[0]
}

func TestAListThatShrinksIsQuarantined(t *testing.T) {
	a := newAdvisories(t, 100)
	a.found.Entries = a.found.Entries[:90]
	a.mustPublish(t)
	a.found.Entries = a.found.Entries[:80]
	a.refused(t, Accepted{}, "10 of 90 patches are gone")
	// What the feed has taken back, replaced, or what a person has seen is no surprise.
	a.found.Withdrawn = []patch.ID{"A-0080", "A-0081", "A-0082"}
	a.mustPublish(t)
	a.found.Entries[0].Patch.Supersedes = []patch.ID{"A-0078", "A-0079", "A-0077", "A-0076", "A-0075", "A-0074", "A-0073", "A-0072", "A-0071"}
	a.found.Entries = a.found.Entries[:71]
	a.mustPublish(t)
	a.found.Entries = a.found.Entries[:40]
	a.refused(t, Accepted{Feeds: map[string]bool{"another": true}}, "31 of 71 patches are gone")
	if _, err := a.publish(t, Accepted{Feeds: map[string]bool{"oval": true}}); err != nil {
		t.Error(err)
	}
	if len(a.Quarantined())+len(a.shelf.alarms) != 0 {
		t.Errorf("it is still in quarantine: %+v", a.shelf.alarms)
	}
	// An empty feed never makes machines look patched.
	a.found.Entries = nil
	a.refused(t, Accepted{}, "40 of 40 patches are gone")
	// Neither does a shrunken one while the list in force cannot be read.
	m, _ := a.Meta(hostOS)
	if err := a.Files.Remove(m.List); err != nil {
		t.Fatal(err)
	}
	a.newest = nil
	if _, err := a.publish(t, Accepted{}); patch.KindOf(err) != patch.Untrusted || !strings.Contains(err.Error(), "it holds 0 patches") {
		t.Error(err)
	}
}

func TestPackagesThatAreReplacedAreNotGone(t *testing.T) {
	c, store, _ := newCatalog(t)
	subscribe(t, c, store, "main", source("bookworm", stanza("perl", "amd64", "1-1", "", "")+stanza("zlib", "amd64", "1-1", "", "")))
	for _, next := range []struct {
		text string
		ok   bool
	}{
		{stanza("perl", "amd64", "2-1", "", "") + stanza("zlib", "amd64", "2-1", "", ""), true},
		{stanza("perl", "amd64", "2-1", "", ""), false},
		{stanza("perl", "amd64", "2-1", "", "") + stanza("zlib", "amd64", "1-1", "", ""), false},
	} {
		subscribe(t, c, store, "main", source("bookworm", next.text))
		if _, err := c.Publish(t.Context()); (err == nil) != next.ok {
			t.Errorf("%s: %v", next.text, err)
		}
	}
	// Who ends a subscription knows that its patches go.
	subscribe(t, c, store, "other", source("sid", stanza("perl", "amd64", "2-1", "", "")))
	store.feeds = store.feeds[1:]
	if _, err := c.Publish(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestGrowthAndMisunderstandingAreQuarantined(t *testing.T) {
	a := newAdvisories(t, 100)
	for i := range 1100 {
		e := advisory(patch.ID(fmt.Sprintf("B-%d", i)), "b", "1")
		e.Patch.Suite = "oval"
		a.found.Entries = append(a.found.Entries, e)
	}
	a.refused(t, Accepted{}, "gave 100 patches and now give 1,200")
	a.found.Entries = a.found.Entries[:100]
	for i := range 11 {
		a.found.Entries[i].Definition = detect.Definition{Unclear: "an operator that is not known"}
		if i == 9 {
			a.mustPublish(t) // ten may be
		}
	}
	a.found.Entries = append(a.found.Entries, a.found.Entries[0])
	for i := range 30 {
		a.found.Entries[i].Definition = detect.Definition{Unclear: "an operator that is not known"}
	}
	a.refused(t, Accepted{}, "30 definitions cannot be understood, and 10 could not before")
}

// fleet is a few machines' facts.
type fleet struct{ machines []StoredFacts }

func (f fleet) StoredFacts(_ context.Context, _ patch.HostOS, n int) iter.Seq2[StoredFacts, error] {
	return func(yield func(StoredFacts, error) bool) {
		for _, m := range f.machines[:min(n, len(f.machines))] {
			if !yield(m, nil) {
				return
			}
		}
	}
}

func newFleet(machines, packages int) fleet {
	var f fleet
	for m := range machines {
		facts := &patch.Facts{OS: patch.OSFacts{Key: hostOS, Arch: "amd64"}}
		for i := range packages {
			facts.Packages = append(facts.Packages, patch.Package{Name: fmt.Sprintf("pkg%d", i), Arch: "amd64", Version: fmt.Sprint(1 + (m+i)%2), State: patch.Installed})
		}
		slices.SortFunc(facts.Packages, func(a, b patch.Package) int { return strings.Compare(a.Name, b.Name) })
		f.machines = append(f.machines, StoredFacts{Machine: fmt.Sprintf("m%d", m), Facts: facts})
	}
	return f
}

func TestVerdictsThatFlipAreQuarantined(t *testing.T) {
	a := newAdvisories(t, 100)
	a.Fleet = newFleet(20, 80)
	// New patches, whatever they say, are no flips.
	for i := range 50 {
		e := advisory(patch.ID(fmt.Sprintf("B-%02d", i)), fmt.Sprintf("pkg%d", i), "9")
		e.Patch.Suite = "oval"
		a.found.Entries = append(a.found.Entries, e)
	}
	a.mustPublish(t)
	// The vendor now says that version 3 is needed: half of the machines had 2.
	for i := range 3 {
		a.found.Entries[i].Definition.Packages[0].Version = "3"
	}
	a.mustPublish(t) // 30 of 1600+1000 verdicts
	for i := range 60 {
		a.found.Entries[i].Definition.Packages[0].Version = "3"
	}
	q := a.refused(t, Accepted{}, "verdicts change over the same facts of 20 machines (570 patched → not-patched), for example A-0003 on m0")
	if q.Canary.Machines != 20 || q.Canary.Judged != 20*80+20*50 || q.Canary.Flips != 570 || len(q.Canary.Examples) != examples {
		t.Errorf("%+v", q.Canary)
	}
	// Accepting takes over exactly what was seen, once.
	for i := range 70 {
		a.found.Entries[i].Definition.Packages[0].Version = "3"
	}
	seen := Accepted{Revisions: map[patch.HostOS]patch.RevisionID{hostOS: q.Revision.ID}}
	other := a.refused(t, seen, "670 patched → not-patched")
	a.refused(t, Accepted{Revisions: map[patch.HostOS]patch.RevisionID{"debian-13-amd64": other.Revision.ID}}, "670 patched")
	m, err := a.publish(t, Accepted{Revisions: map[patch.HostOS]patch.RevisionID{hostOS: other.Revision.ID}})
	if err != nil || m.ID != other.Revision.ID || len(a.Quarantined()) != 0 {
		t.Fatalf("%+v, %v", m, err)
	}
	for i := range 70 {
		a.found.Entries[i].Definition.Packages[0].Version = "2"
	}
	back := a.refused(t, seen, "not-patched → patched")
	a.Bounds.Flips = 60
	if m := a.mustPublish(t); m.ID != back.Revision.ID {
		t.Errorf("%+v", m)
	}
	if _, failed := a.shelf.alarms["catalog/"+string(hostOS)]; failed {
		t.Error("the alarm is still raised")
	}
}

func TestFactsThatOnlyTheNewRevisionRefuses(t *testing.T) {
	a := newAdvisories(t, 100)
	a.Fleet = newFleet(1, 50)
	for i := range 40 {
		a.found.Entries[i].Definition = detect.Definition{Unclear: "?"}
	}
	a.Bounds.Unclear = 100
	q := a.refused(t, Accepted{}, "not-patched → error")
	if q.Canary.Kinds["patched → error"] != 20 || q.Canary.Kinds["not-patched → error"] != 20 {
		t.Errorf("%+v", q.Canary.Kinds)
	}
}

func TestContradictingFeedsRaiseAnAlarm(t *testing.T) {
	a := newAdvisories(t, 10)
	key := "catalog-faults/" + string(hostOS)
	a.found.Entries[0].Patch.Supersedes = []patch.ID{"A-0001"}
	a.found.Entries[1].Patch.Supersedes = []patch.ID{"A-0000"}
	m := a.mustPublish(t)
	if m.Faults.Cyclic != 2 || !strings.Contains(a.shelf.alarms[key].Text.String(), "2 patches supersede each other in a circle") {
		t.Errorf("%+v, %+v", m.Faults, a.shelf.alarms)
	}
	a.found.Entries[1].Patch.Supersedes = nil
	a.mustPublish(t)
	if _, raised := a.shelf.alarms[key]; raised {
		t.Error("the alarm is still raised")
	}
}
