package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

func aPatch(id string) patch.Patch {
	parts := strings.Split(id, "/")
	return patch.Patch{ID: patch.ID(id), Title: parts[1] + " " + parts[2] + ": Title of It", Source: parts[1], Version: parts[2], Suite: parts[0],
		Category: patch.Security, Released: then, Payloads: []patch.Payload{{Name: parts[1], Arch: "amd64", Version: parts[2], Size: 10}}}
}

func revision(id patch.RevisionID, os patch.HostOS, n int) patch.RevisionMeta {
	return patch.RevisionMeta{ID: id, OS: os, List: hashOf("1"), Signatures: hashOf("2"), Patches: n, Built: then}
}

func TestFeeds(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		f := patch.Feed{Name: "sec", Kind: "apt", URI: "http://a", Suite: "bookworm-security", Components: []string{"main"}, Arch: "amd64", OS: bookworm}
		must(t, s.PutFeed(ctx, alice, f))
		_, err := s.FindFeedState(ctx, "sec")
		wantKind(t, err, patch.NotFound)
		good := patch.FeedRun{Feed: "sec", Started: then, Ended: then, Outcome: "new", Packages: 7}
		state := patch.FeedState{Feed: "sec", Dated: then, Packages: 7, Release: hashOf("a")}
		must(t, s.PutFeedRun(ctx, good, &state))
		failed := patch.FeedRun{Feed: "sec", Started: then.Add(time.Hour), Ended: then.Add(time.Hour), Outcome: "quarantined", Text: "shrunk"}
		must(t, s.PutFeedRun(ctx, failed, nil))
		must(t, s.PutFeedRun(ctx, failed, nil))
		want := []patch.FeedStatus{{Feed: f, Last: &failed, LastGood: &good}}
		if diff := cmp.Diff(want, got[[]patch.FeedStatus](t)(s.ListFeeds(ctx))); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(state, got[patch.FeedState](t)(s.FindFeedState(ctx, "sec"))); diff != "" {
			t.Errorf("a failed run touched the good state: %s", diff)
		}
		f.Components = []string{"main", "contrib"}
		must(t, s.PutFeed(ctx, alice, f))
		got[patch.FeedState](t)(s.FindFeedState(ctx, "sec"))
		f.URI = "http://b"
		must(t, s.PutFeed(ctx, alice, f))
		_, err = s.FindFeedState(ctx, "sec")
		wantKind(t, err, patch.NotFound)
		must(t, s.RemoveFeed(ctx, alice, "sec"))
		wantKind(t, s.RemoveFeed(ctx, alice, "sec"), patch.NotFound)
	})
}

func TestRevisions(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		_, _, err := s.NewestRevision(ctx, bookworm)
		wantKind(t, err, patch.NotFound)
		a, b, c := aPatch("sec/a/1"), aPatch("sec/b/1"), aPatch("sec/c/1")
		one, two := revision("r1", bookworm, 2), revision("r2", bookworm, 2)
		must(t, s.PutRevision(ctx, one, []byte("e1"), []patch.Patch{a, b}))
		two.Built = then.Add(time.Hour)
		must(t, s.PutRevision(ctx, two, []byte("e2"), []patch.Patch{b, c}))
		meta, envelope, err := s.NewestRevision(ctx, bookworm)
		must(t, err)
		if diff := cmp.Diff(two, meta); diff != "" || string(envelope) != "e2" {
			t.Errorf("%s %q", diff, envelope)
		}
		if meta, envelope, err := s.FindRevision(ctx, bookworm, "r1"); err != nil || meta.ID != "r1" || string(envelope) != "e1" {
			t.Errorf("%+v %q %v", meta, envelope, err)
		}
		_, _, err = s.FindRevision(ctx, "other", "r1")
		wantKind(t, err, patch.NotFound)

		gone := got[patch.PatchRow](t)(s.FindPatch(ctx, "sec/a/1"))
		if diff := cmp.Diff(patch.PatchRow{Patch: a, OS: bookworm, Ordinal: 1, FirstRevision: "r1", GoneAt: two.Built}, gone); diff != "" {
			t.Error(diff)
		}
		if row := got[patch.PatchRow](t)(s.FindPatchOn(ctx, bookworm, "sec/c/1")); row.Ordinal != 3 || row.FirstRevision != "r2" || !row.GoneAt.IsZero() {
			t.Errorf("new one is %+v", row)
		}

		must(t, s.PutRevision(ctx, one, []byte("e1 again"), []patch.Patch{a, b})) // the vendor took something back
		if meta, envelope, err := s.NewestRevision(ctx, bookworm); err != nil || meta.ID != "r1" || string(envelope) != "e1 again" {
			t.Errorf("newest is %s %q %v", meta.ID, envelope, err)
		}
		if row := got[patch.PatchRow](t)(s.FindPatch(ctx, "sec/a/1")); row.Ordinal != 1 || !row.GoneAt.IsZero() || row.FirstRevision != "r1" {
			t.Errorf("back again as %+v", row)
		}
		if all := got[[]patch.RevisionMeta](t)(s.ListRevisions(ctx, bookworm)); len(all) != 2 || all[0].ID != "r1" {
			t.Errorf("revisions are %+v", all)
		}
		if oses := got[[]patch.HostOS](t)(s.ListOSes(ctx)); len(oses) != 1 || oses[0] != bookworm {
			t.Errorf("OSes are %v", oses)
		}
		wantKind(t, s.PutRevision(ctx, revision("r3", bookworm, 99), nil, []patch.Patch{a}), patch.Invalid)
		wantKind(t, s.PutRevision(ctx, patch.RevisionMeta{}, nil, nil), patch.Invalid)
	})
}

func TestOrdinalsAreForEver(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		given := map[patch.ID]int{}
		for round := range 8 {
			var ps []patch.Patch
			for i := range 300 {
				if (i+round)%3 != 0 {
					ps = append(ps, aPatch(fmt.Sprintf("sec/p%03d/%d", i, round/4)))
				}
			}
			must(t, s.PutRevision(ctx, revision(patch.RevisionID(fmt.Sprint("r", round)), bookworm, len(ps)), []byte("e"), ps))
			rows, total, err := s.SearchPatches(ctx, patch.PatchFilter{OS: bookworm, IncludeGone: true})
			must(t, err)
			seen := map[int]patch.ID{}
			for _, r := range rows {
				if other, twice := seen[r.Ordinal]; twice || r.Ordinal < 1 || r.Ordinal > total {
					t.Fatalf("ordinal %d of %s is also of %q, among %d", r.Ordinal, r.ID, other, total)
				}
				seen[r.Ordinal] = r.ID
				if was, known := given[r.ID]; known && was != r.Ordinal {
					t.Fatalf("%s moved from %d to %d", r.ID, was, r.Ordinal)
				}
				given[r.ID] = r.Ordinal
			}
			if _, now, err := s.SearchPatches(ctx, patch.PatchFilter{OS: bookworm}); err != nil || now != len(ps) {
				t.Fatalf("%d on the list, want %d, %v", now, len(ps), err)
			}
		}
	})
}

func TestPatchSharedByTwoOSes(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		const arm = "debian-12-arm64"
		p := aPatch("sec/a/1")
		must(t, s.PutRevision(ctx, revision("r1", bookworm, 1), []byte("e"), []patch.Patch{p}))
		must(t, s.PutRevision(ctx, revision("r1", arm, 1), []byte("e"), []patch.Patch{p}))
		must(t, s.SetPatchFacts(ctx, p.ID, []string{"CVE-2026-1"}, patch.High, time.Time{}))
		must(t, s.PutRevision(ctx, revision("r2", bookworm, 0), []byte("e"), nil))
		if row := got[patch.PatchRow](t)(s.FindPatch(ctx, p.ID)); row.OS != arm || len(row.CVEs) != 1 {
			t.Errorf("found on %s with %v", row.OS, row.CVEs)
		}
		if row := got[patch.PatchRow](t)(s.FindPatchOn(ctx, bookworm, p.ID)); row.GoneAt.IsZero() || row.Severity != patch.High {
			t.Errorf("gone one is %+v", row)
		}
	})
}

func TestChangelogFactsOutliveRevisions(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		p := aPatch("sec/a/1")
		must(t, s.PutRevision(ctx, revision("r1", bookworm, 1), []byte("e"), []patch.Patch{p}))
		must(t, s.SetPatchFacts(ctx, p.ID, []string{"CVE-2026-1", "CVE-2026-2"}, patch.NotGiven, then.Add(-time.Hour)))
		must(t, s.SetPatchFacts(ctx, p.ID, nil, patch.Critical, time.Time{}))
		p.Title = "a 1: Another Title"
		must(t, s.PutRevision(ctx, revision("r2", bookworm, 1), []byte("e"), []patch.Patch{p}))
		row := got[patch.PatchRow](t)(s.FindPatch(ctx, p.ID))
		want := p
		want.CVEs, want.Severity, want.Released = []string{"CVE-2026-1", "CVE-2026-2"}, patch.Critical, then.Add(-time.Hour)
		if diff := cmp.Diff(want, row.Patch); diff != "" {
			t.Error(diff)
		}
		if _, n, err := s.SearchPatches(ctx, patch.PatchFilter{Text: "cve-2026-2 another"}); err != nil || n != 1 {
			t.Errorf("search finds %d, %v", n, err)
		}
		wantKind(t, s.SetPatchFacts(ctx, "sec/none/1", nil, patch.High, then), patch.NotFound)
	})
}

func TestSearchPatches(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		perl, bash, odd, gone, other := aPatch("sec/perl/5.36"), aPatch("main/bash/5.2"), aPatch("sec/100%_odd/1"), aPatch("sec/gone/1"), aPatch("main/libio-perl/1")
		perl.CVEs, bash.Category = []string{"CVE-2026-7"}, patch.Update
		bash.Released, odd.Released, other.Released = then.Add(time.Hour), then.Add(-time.Hour), then.Add(2*time.Hour)
		must(t, s.PutRevision(ctx, revision("r1", bookworm, 5), []byte("e"), []patch.Patch{perl, bash, odd, gone, other}))
		must(t, s.PutRevision(ctx, revision("r2", bookworm, 4), []byte("e"), []patch.Patch{perl, bash, odd, other}))
		for name, tt := range map[string]struct {
			filter patch.PatchFilter
			want   string
			total  int
		}{
			"all, newest first": {patch.PatchFilter{}, "main/libio-perl/1 main/bash/5.2 sec/perl/5.36 sec/100%_odd/1", 4},
			"gone too":          {patch.PatchFilter{IncludeGone: true, Text: "gone"}, "sec/gone/1", 1},
			"text, any case":    {patch.PatchFilter{Text: "PERL 5.36"}, "sec/perl/5.36", 1},
			"cve":               {patch.PatchFilter{Text: "cve-2026-7"}, "sec/perl/5.36", 1},
			"a source first":    {patch.PatchFilter{Text: "Perl"}, "sec/perl/5.36 main/libio-perl/1", 2},
			"percent is plain":  {patch.PatchFilter{Text: "100%_"}, "sec/100%_odd/1", 1},
			"percent alone":     {patch.PatchFilter{Text: "%"}, "sec/100%_odd/1", 1},
			"quote":             {patch.PatchFilter{Text: `'"\!;--`}, "", 0},
			"category":          {patch.PatchFilter{Category: patch.Update}, "main/bash/5.2", 1},
			"ids":               {patch.PatchFilter{IDs: []patch.ID{"sec/perl/5.36", "x'\x00"}}, "sec/perl/5.36", 1},
			"no ids":            {patch.PatchFilter{IDs: []patch.ID{}}, "", 0},
			"page":              {patch.PatchFilter{Limit: 1, Offset: 2}, "sec/perl/5.36", 4},
			"beyond":            {patch.PatchFilter{Offset: 9}, "", 4},
			"other os":          {patch.PatchFilter{OS: "x"}, "", 0},
		} {
			rows, total, err := s.SearchPatches(ctx, tt.filter)
			must(t, err)
			var ids []string
			for _, r := range rows {
				ids = append(ids, string(r.ID))
			}
			if strings.Join(ids, " ") != tt.want || total != tt.total {
				t.Errorf("%s: %v of %d, want %s of %d", name, ids, total, tt.want, tt.total)
			}
		}
	})
}

func TestPayloads(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		file := func(h, name string) patch.PayloadFile {
			return patch.PayloadFile{Payload: patch.Payload{Name: name, Arch: "amd64", Version: "1", Size: 9}, URL: "http://a/" + name, SHA256: hashOf(h), Needs: []string{"x"}}
		}
		wanted := func(f patch.PayloadFile, id patch.ID) patch.StoredPayload {
			return patch.StoredPayload{PayloadFile: f, OS: bookworm, Patch: id, State: patch.PayloadWanted, UpdatedAt: then}
		}
		one, two := wanted(file("a", "perl"), "sec/perl/1"), wanted(file("b", "perl-base"), "sec/perl/1")
		must(t, s.PutPayloads(ctx, []patch.StoredPayload{one, two}))
		if diff := cmp.Diff(one, got[patch.StoredPayload](t)(s.FindPayload(ctx, hashOf("a")))); diff != "" {
			t.Error(diff)
		}
		must(t, s.SetPayload(ctx, hashOf("a"), patch.PayloadFailed, "404", 3, then.Add(time.Hour)))
		shared := wanted(file("a", "perl"), "main/perl/1") // the same file in another suite
		must(t, s.PutPayloads(ctx, []patch.StoredPayload{shared, one}))
		p := got[patch.StoredPayload](t)(s.FindPayload(ctx, hashOf("a")))
		if p.State != patch.PayloadFailed || p.Error != "404" || p.Tries != 3 || !p.NextTry.Equal(then.Add(time.Hour)) || p.UpdatedAt.Equal(then) {
			t.Errorf("a known payload became %+v", p)
		}
		count := func(f patch.PayloadFilter) int { return len(got[[]patch.StoredPayload](t)(s.ListPayloads(ctx, f))) }
		if n := count(patch.PayloadFilter{}); n != 2 {
			t.Errorf("%d files, want 2", n)
		}
		if n := count(patch.PayloadFilter{PerPatch: true}); n != 3 {
			t.Errorf("%d uses, want 3", n)
		}
		if n := count(patch.PayloadFilter{Patch: "main/perl/1", OS: bookworm}); n != 1 {
			t.Errorf("%d of the patch, want 1", n)
		}
		if n := count(patch.PayloadFilter{State: patch.PayloadWanted}); n != 1 {
			t.Errorf("%d wanted, want 1", n)
		}
		wantKind(t, s.SetPayload(ctx, hashOf("c"), patch.PayloadReady, "", 0, time.Time{}), patch.NotFound)
		_, err := s.FindPayload(ctx, hashOf("c"))
		wantKind(t, err, patch.NotFound)
		wantKind(t, s.PutPayloads(ctx, []patch.StoredPayload{{PayloadFile: patch.PayloadFile{SHA256: "../x"}}}), patch.Invalid)
	})
}

func TestPatchesByScore(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		patches := []patch.Patch{{ID: "s/a/1", Source: "a", Version: "1", Released: then}, {ID: "s/b/1", Source: "b", Version: "1", CVSS: 9.8, Released: then.Add(-time.Hour)}, {ID: "s/c/1", Source: "c", Version: "1", CVSS: 4.3, Released: then.Add(-2 * time.Hour)}}
		must(t, s.PutRevision(ctx, patch.RevisionMeta{ID: "r1", OS: "debian-12-amd64", Patches: 3, Built: then}, []byte("{}"), patches))
		order := func(f patch.PatchFilter) (ids string) {
			rows, _, err := s.SearchPatches(ctx, f)
			must(t, err)
			for _, r := range rows {
				ids += r.Source
			}
			return ids
		}
		if got := order(patch.PatchFilter{}) + " " + order(patch.PatchFilter{Sort: patch.ByScore}); got != "abc bca" {
			t.Error(got)
		}
	})
}
