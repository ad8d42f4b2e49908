package story_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
)

// rowsAlike holds that one patch on all machines is what each of the machines says about it, however it is asked for and in pages.
func (s *site) rowsAlike(id patch.ID) {
	s.t.Helper()
	all, sum, err := s.ledger.PatchRows(s.ctx(), id, ledger.RowFilter{})
	s.must(err)
	if len(all) != sum.Total || sum.Matching != sum.Total {
		s.t.Fatalf("%s: %d rows, %+v", id, len(all), sum)
	}
	var verdicts patch.Counts
	deployable := 0
	for _, row := range all {
		mine, _, err := s.ledger.Rows(s.ctx(), row.Machine, ledger.RowFilter{Text: string(id)})
		s.must(err)
		i := slices.IndexFunc(mine, func(r ledger.Row) bool { return r.Patch.ID == id })
		if i < 0 {
			s.t.Fatalf("%s has no row for %s", row.MachineName, id)
		}
		if d := cmp.Diff(mine[i], row); d != "" {
			s.t.Fatalf("%s on %s among all machines (+) and by itself (-):\n%s", id, row.MachineName, d)
		}
		if verdicts[row.Verdict]++; row.Deployable {
			deployable++
		}
	}
	if sum.Verdicts != verdicts || sum.Deployable != deployable {
		s.t.Fatalf("%s: %+v counts %v, %d deployable", id, sum, verdicts, deployable)
	}
	for n := range len(all) {
		some, _, err := s.ledger.PatchRows(s.ctx(), id, ledger.RowFilter{Limit: 2, Offset: n})
		s.must(err)
		if d := cmp.Diff(all[n:min(n+2, len(all))], some); d != "" {
			s.t.Fatalf("%s, two rows from %d on:\n%s", id, n, d)
		}
	}
	for _, row := range all {
		s.narrowsAlike(id, all, ledger.RowFilter{Gate: row.Gate, Code: row.Code}, func(r ledger.Row) bool {
			return (row.Gate == "" || r.Gate == row.Gate) && (row.Code == "" || r.Code == row.Code)
		})
		s.narrowsAlike(id, all, ledger.RowFilter{Text: row.MachineName}, func(r ledger.Row) bool {
			return strings.Contains(string(r.Patch.ID)+r.Patch.Title+r.MachineName, row.MachineName)
		})
		s.narrowsAlike(id, all, ledger.RowFilter{Executions: []patch.Execution{row.Execution}}, func(r ledger.Row) bool { return r.Execution == row.Execution })
	}
	s.narrowsAlike(id, all, ledger.RowFilter{Deployable: true}, func(r ledger.Row) bool { return r.Deployable })
}

func (s *site) narrowsAlike(id patch.ID, all []ledger.Row, f ledger.RowFilter, want func(ledger.Row) bool) {
	s.t.Helper()
	got, sum, err := s.ledger.PatchRows(s.ctx(), id, f)
	s.must(err)
	for _, r := range got {
		if !want(r) {
			s.t.Fatalf("%s: %+v selects %s, which is %q at %q", id, f, r.MachineName, r.Code, r.Gate)
		}
	}
	if n := len(slices.DeleteFunc(slices.Clone(all), func(r ledger.Row) bool { return !want(r) })); sum.Matching != n {
		s.t.Fatalf("%s: %+v selects %d of %d", id, f, sum.Matching, n)
	}
}

func TestPatchesAreSortedAndCounted(t *testing.T) {
	s := newSite(t)
	s.publish(bookworm, story()...)
	s.enrol("a", bookworm, "perl-base=5.36.0-7", "curl=7.88.1-10").detect()
	s.enrol("b", bookworm, "curl=7.88.1-10", "bash=5.2.15-2").detect()
	number := map[patch.PatchSort]func(ledger.PatchCount) string{
		patch.ByName:     func(c ledger.PatchCount) string { return c.Patch.Source },
		patch.ByReleased: func(c ledger.PatchCount) string { return c.Patch.Released.Format("2006-01-02T15:04:05") },
		patch.ByNeed:     func(c ledger.PatchCount) string { return fmt.Sprintf("%09d", c.Verdicts[patch.NotPatched]) },
		patch.ByPatched:  func(c ledger.PatchCount) string { return fmt.Sprintf("%09d", c.Verdicts[patch.Patched]) },
		patch.ByUnsure: func(c ledger.PatchCount) string {
			return fmt.Sprintf("%09d", c.Verdicts[patch.Faulty]+c.Verdicts[patch.Unknown])
		},
		patch.ByNotApplicable: func(c ledger.PatchCount) string { return fmt.Sprintf("%09d", c.Verdicts[patch.NotApplicable]) },
	}
	for by, of := range number {
		for _, way := range []patch.PatchSort{by, "-" + by} {
			counts, total, err := s.ledger.PatchCounts(s.ctx(), bookworm, ledger.RowFilter{Closed: true, Sort: way})
			s.must(err)
			var keys []string
			for _, c := range counts {
				keys = append(keys, of(c))
			}
			if way != by {
				slices.Reverse(keys)
			}
			if total == 0 || !slices.IsSorted(keys) {
				t.Errorf("%s: %q", way, keys)
			}
		}
	}
	filters := []ledger.RowFilter{{}, {Closed: true}, {Text: "PERL"}, {Text: "perl 5.36"}, {Verdicts: []patch.Verdict{patch.NotPatched}}, {Verdicts: []patch.Verdict{patch.NotPatched}, Category: patch.Security}}
	totals, err := s.ledger.PatchTotals(s.ctx(), bookworm, filters)
	s.must(err)
	for i, f := range filters {
		rows, total, err := s.ledger.PatchCounts(s.ctx(), bookworm, f)
		s.must(err)
		if totals[i] != total || len(rows) != total || total == 0 {
			t.Errorf("%+v: %d, %d and %d", f, totals[i], total, len(rows))
		}
	}
}

// What is decided for one label waits still where another machine needs it: the fleet's number is that of the rows that it leads to.
func TestDecidedForSomeWaitsForOthers(t *testing.T) {
	s := newSite(t)
	s.publish(bookworm, story()...)
	s.enrol("a", bookworm, "curl=7.88.1-10").detect()
	s.enrol("b", bookworm, "curl=7.88.1-10").detect()
	s.must(s.book.Put(s.ctx(), s.admin, patch.Label{Name: "one", Members: []patch.MachineID{"id-a"}, CreatedAt: s.now}))
	for _, step := range []struct {
		label string
		want  int
	}{{"", 1}, {"one", 1}, {patch.LabelAll, 0}} {
		if step.label != "" {
			s.decide(patch.Approve, step.label, curl)
		}
		roll, err := s.ledger.Roll(s.ctx())
		s.must(err)
		for _, known := range []ledger.Waiting{nil, roll.Waiting} {
			f := ledger.RowFilter{Verdicts: []patch.Verdict{patch.NotPatched}, Stands: []patch.Stand{patch.Undecided}, Waiting: known}
			rows, total, err := s.ledger.PatchCounts(s.ctx(), bookworm, f)
			s.must(err)
			totals, err := s.ledger.PatchTotals(s.ctx(), bookworm, []ledger.RowFilter{f})
			s.must(err)
			if len(rows) != step.want || total != step.want || totals[0] != step.want || roll.Fleet.Undecided != step.want {
				t.Errorf("decided for %q: %d rows, %d and %d of them counted, %d by the fleet's sum", step.label, len(rows), total, totals[0], roll.Fleet.Undecided)
			}
		}
	}
}
