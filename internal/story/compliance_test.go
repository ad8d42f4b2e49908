package story_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

func (s *site) compliance(label string) patch.Compliance {
	s.t.Helper()
	all, err := s.ledger.Compliance(s.ctx(), []string{label}, patch.DefaultAllowance())
	s.must(err)
	return all[0]
}

func TestComplianceHasEveryMachineInItsDenominator(t *testing.T) {
	s, b := ready(t)
	for i := range s.cat.newest[bookworm].patches {
		p := &s.cat.newest[bookworm].patches[i]
		p.Released, p.Severity = s.now.AddDate(0, 0, -10), patch.High
		if p.ID == perl {
			p.Released, p.Severity = s.now.AddDate(0, 0, -20), patch.Critical
		}
	}
	s.enrol("new-1", bookworm, "bash=5")
	bare := s.enrol("bare-1", bookworm, "bash=5")
	bare.detect()
	old := s.enrol("old-1", bookworm, "bash=5")
	old.detect()
	got := s.compliance("all")
	if got.Machines != 4 || got.Confirmed != 2 || got.Needing != 1 || got.Never != 1 || got.Low() != 0.5 || got.High() != 0.75 {
		t.Errorf("%+v", got)
	}
	want := []patch.Exposure{{Severity: patch.Critical, Patches: 1, Machines: 1, Pairs: 1, OldestDays: 20, MedianDays: 20, Allowed: 7, Overdue: 1},
		{Severity: patch.High, Patches: 2, Machines: 1, Pairs: 2, OldestDays: 10, MedianDays: 10, Allowed: 14}}
	if diff := cmp.Diff(want, got.Exposures); diff != "" {
		t.Error(diff)
	}
	// Time passes: b detects, the others do not. Nothing that was good stays good by itself.
	s.later(80 * time.Hour)
	b.detect()
	got = s.compliance("all")
	if got.Confirmed != 0 || got.Stale != 2 || got.Never != 1 || got.Needing != 1 || got.Low() != 0 || got.High() != 0.75 {
		t.Errorf("after 80 hours: %+v", got)
	}
	s.must(s.store.PutDetectFailed(s.ctx(), b.id, s.now.Add(time.Second), "garbled"))
	if got = s.compliance("all"); got.Failed != 1 || got.Needing != 0 || len(got.Exposures) != 0 {
		t.Errorf("after a failed detect: %+v", got)
	}
}

func TestComplianceOfALabelThatNobodyCarries(t *testing.T) {
	s, _ := ready(t)
	s.hand("few")
	if got := s.compliance("few"); got.Machines != 0 || got.Low() != 1 || got.Exposures == nil {
		t.Errorf("%+v", got)
	}
	if _, err := s.ledger.Compliance(t.Context(), []string{"nobody"}, nil); patch.KindOf(err) != patch.NotFound {
		t.Error(err)
	}
}

// A point release takes a security fix over. A machine that lacks both lacks a security patch: the later one is no reason to call it confirmed.
func TestASecurityPatchThatAnUpdateReplacesIsStillMissing(t *testing.T) {
	s := newSite(t)
	s.publish(bookworm, src{"bookworm-security", "bell", "2", []string{"bell"}}, src{"bookworm", "bell", "3", []string{"bell"}})
	for _, installed := range []string{"bell=1", "bell=2", "bell=3"} {
		s.enrol("with-"+installed[5:], bookworm, installed).detect()
	}
	got := s.compliance("all")
	if got.Needing != 1 || got.Confirmed != 2 || len(got.Exposures) != 1 || got.Exposures[0].Pairs != 1 {
		t.Errorf("%+v", got)
	}
}
