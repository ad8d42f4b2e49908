package story_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

// A search over the lists in memory finds what storage finds, also by what only a changelog told.
func TestASearchInMemoryIsTheStorages(t *testing.T) {
	s := newSite(t)
	s.publish(bookworm, story()...)
	s.publish("debian-13-amd64", story()...)
	all, _, err := s.store.SearchPatches(s.ctx(), patch.PatchFilter{})
	s.must(err)
	s.must(s.store.SetPatchFacts(s.ctx(), all[0].ID, []string{"CVE-2031-4711"}, patch.NotGiven, time.Time{}))
	s.publish(bookworm, story()[1:]...) // one leaves the list
	if _, gone, err := s.ledger.SearchPatches(s.ctx(), patch.PatchFilter{Text: story()[0].name, Limit: 9, Gone: true}); err != nil || gone != 1 {
		t.Fatalf("%d patches have left a list, want 1: %v", gone, err)
	}
	for text, some := range map[string]bool{"perl": true, "PERL 5.36": true, "deb12 curl": true, "cve-2031-4711": true, "cve-": true, string(all[1].ID): true, "no such": false} {
		for _, f := range []patch.PatchFilter{{Text: text, Limit: 2}, {Text: text, Limit: 1, Offset: 1}, {Text: text, Limit: 9, OS: bookworm}, {Text: text, Limit: 9, IncludeGone: true}, {Text: text, Limit: 1, Offset: 1, OS: bookworm, IncludeGone: true}} {
			want, total, err := s.store.SearchPatches(s.ctx(), f)
			s.must(err)
			got, found, err := s.ledger.SearchPatches(s.ctx(), f)
			s.must(err)
			if d := cmp.Diff(want, got); d != "" || found != total || (total > 0) != some {
				t.Errorf("%+v finds %d in memory and %d in storage:\n%s", f, found, total, d)
			}
		}
	}
}
