package story_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
)

func TestAMachineAsItWas(t *testing.T) {
	s := newSite(t)
	s.publish(bookworm, story()...)
	b := s.enrol("web-1", bookworm, "curl=7.88.1-10+deb12u5", "openssl=1")
	before := s.now
	s.later(time.Hour)
	b.detect()
	first := s.now
	s.later(time.Hour)
	b.set("curl=99")
	b.detect()
	second := s.now
	s.later(time.Hour)
	b.facts.OS.Key = trixie
	s.publish(trixie, src{"trixie", "curl", "100", []string{"curl"}})
	b.detect()
	for name, c := range map[string]struct {
		at     time.Time
		os     patch.HostOS
		needed []patch.ID
		says   string
	}{
		"before the first detect": {before, "", nil, "nothing was known"},
		"after the first":         {first, bookworm, []patch.ID{curl, openssl}, "needed 2 patches"},
		"after somebody patched":  {second, bookworm, []patch.ID{openssl}, "needed 1 patch"},
		"on the new OS":           {s.now, trixie, []patch.ID{"trixie/curl/100"}, "0 verdicts have changed since"},
		"long after":              {s.now, trixie, []patch.ID{"trixie/curl/100"}, "needed 1 patch"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := s.ledger.AsOf(t.Context(), b.id, c.at)
			s.must(err)
			var needed []patch.ID
			for _, r := range p.Rows {
				needed = append(needed, r.Patch)
			}
			if strings.Join(words(needed), " ") != strings.Join(words(c.needed), " ") || !strings.Contains(p.Sentence.String(), c.says) || c.os != "" && p.Receipt.OS != c.os {
				t.Errorf("%q, needed %v, want %v", p.Sentence, needed, c.needed)
			}
			if p.Receipt != nil && p.Verdicts.Total() != p.Receipt.Expected {
				t.Errorf("%v of %d", p.Verdicts, p.Receipt.Expected)
			}
		})
	}
	if _, err := s.ledger.AsOf(t.Context(), b.id, s.now.Add(time.Minute)); patch.KindOf(err) != patch.Invalid {
		t.Errorf("the future: %v", err)
	}
	s.later(100 * time.Hour)
	if p, err := s.ledger.AsOf(t.Context(), b.id, s.now); err != nil || !p.Stale || !strings.Contains(p.Sentence.String(), "too old to rely on") {
		t.Errorf("%+v, %v", p, err)
	}
}

func words(ids []patch.ID) []string {
	out := make([]string, 0, len(ids))
	for _, id := range ids {
		out = append(out, string(id))
	}
	return out
}

// What a detect said stays when its facts are let go, and so does why of all that is in force; an answer about the past says what it lacks.
func TestAsOfMissesFactsThatWereLetGo(t *testing.T) {
	s := newSite(t)
	s.publish(bookworm, story()...)
	b := s.enrol("web-1", bookworm, "curl=7.88.1-10+deb12u5", "openssl=1")
	b.detect()
	first := s.now
	s.later(time.Hour)
	b.set("curl=99")
	b.detect()
	before, err := s.ledger.AsOf(t.Context(), b.id, first)
	s.must(err)
	if !before.Facts || strings.Contains(before.Sentence.String(), "not here") {
		t.Fatalf("%+v", before)
	}
	for _, days := range []int{0, 90} {
		if _, err := s.store.KeepFacts(t.Context(), s.now.AddDate(0, 0, days), patch.KeepFactsDays); err != nil {
			t.Fatal(err)
		}
	}
	after, err := s.ledger.AsOf(t.Context(), b.id, first)
	s.must(err)
	if after.Facts || !strings.Contains(after.Sentence.String(), "not here") {
		t.Errorf("it does not say that the facts are gone: %+v", after)
	}
	if d := cmp.Diff(before.Rows, after.Rows); d != "" || after.Verdicts != before.Verdicts {
		t.Errorf("another answer: %v, %s", after.Verdicts, d)
	}
	a, err := s.ledger.Explain(t.Context(), b.id, openssl)
	s.must(err)
	if a.Proof.Outcome != ledger.Reproduced {
		t.Errorf("the newest detect's reasons are gone: %+v", a)
	}
}
