package story_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/ledger"
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

// compliesAlike holds that compliance comes to what each machine's own rows say, for each label alone and for all at once.
func (s *site) compliesAlike(labels ...string) {
	s.t.Helper()
	all, err := s.ledger.Compliance(s.ctx(), labels, patch.DefaultAllowance())
	s.must(err)
	for i, label := range labels {
		got := s.compliance(label)
		if d := cmp.Diff(got, all[i]); d != "" {
			s.t.Fatalf("compliance of %s is another one beside others:\n%s", label, d)
		}
		members, err := s.book.Members(s.ctx(), label)
		s.must(err)
		want := patch.Compliance{Label: label, At: got.At, Exposures: got.Exposures}
		pairs, needing := map[patch.Severity]int{}, map[patch.Severity]map[patch.MachineID]bool{}
		for _, id := range members {
			m, err := s.ledger.Machine(s.ctx(), id)
			s.must(err)
			lacks, errors := s.lacks(id)
			want.Machines++
			switch {
			case m.Freshness == ledger.Behind:
				want.Behind++
			case m.Freshness == ledger.Stale:
				want.Stale++
			case m.Freshness == ledger.Failed:
				want.Failed++
			case m.Freshness != ledger.Fresh:
				want.Never++
			case len(lacks) > 0:
				want.Needing++
				for _, p := range lacks {
					if needing[p.Severity] == nil {
						needing[p.Severity] = map[patch.MachineID]bool{}
					}
					needing[p.Severity][id] = true
					pairs[p.Severity]++
				}
			case errors:
				want.Erring++
			default:
				want.Confirmed++
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			s.t.Fatalf("compliance of %s is not that of its machines:\n%s", label, d)
		}
		for _, e := range got.Exposures {
			if e.Severity != patch.Exploited && (e.Pairs != pairs[e.Severity] || e.Machines != len(needing[e.Severity])) {
				s.t.Fatalf("%s: severity %q is missing %d times on %d machines, their rows say %d on %d", label, e.Severity, e.Pairs, e.Machines, pairs[e.Severity], len(needing[e.Severity]))
			}
			delete(pairs, e.Severity)
		}
		if len(pairs) > 0 {
			s.t.Fatalf("%s: the report leaves out %v", label, pairs)
		}
	}
}

// lacks gives the security patches that a machine's rows call not-patched and that no newer missing one replaces, and whether some could not
// be judged.
func (s *site) lacks(id patch.MachineID) (lacks []patch.Patch, errors bool) {
	rows, _, err := s.ledger.Rows(s.ctx(), id, ledger.RowFilter{})
	s.must(err)
	missing := map[patch.ID]bool{}
	superseded := map[patch.ID][]patch.ID{}
	for _, r := range rows {
		security := r.Patch.Category == patch.Security
		missing[r.Patch.ID] = security && r.Verdict == patch.NotPatched
		errors = errors || security && r.Verdict == patch.Faulty
		for _, old := range r.Patch.Supersedes {
			superseded[old] = append(superseded[old], r.Patch.ID)
		}
	}
	var replaced func(id patch.ID, seen map[patch.ID]bool) bool
	replaced = func(id patch.ID, seen map[patch.ID]bool) bool {
		for _, newer := range superseded[id] {
			if !seen[newer] {
				seen[newer] = true
				if missing[newer] || replaced(newer, seen) {
					return true
				}
			}
		}
		return false
	}
	for _, r := range rows {
		if missing[r.Patch.ID] && !replaced(r.Patch.ID, map[patch.ID]bool{r.Patch.ID: true}) {
			lacks = append(lacks, r.Patch)
		}
	}
	return lacks, errors
}
