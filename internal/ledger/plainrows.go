package ledger

import (
	"context"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/world"
)

// Nearly all rows of a machine are plain: not applicable, nobody decided, never tried. They are counted without being made, unless a page
// shows them or a filter reads their patches.

// told makes the entries of a machine that are not plain, in no order, and gives how many are.
func told(ctx context.Context, v *world.View, s *world.Sight) (out []entry, plain int, err error) {
	judged, current := s.Judged()
	if !current {
		out, err = entries(ctx, v, s)
		return out, 0, err
	}
	attempts, err := s.Attempts(ctx, "")
	if err != nil {
		return nil, 0, err
	}
	tried := byPatch(attempts)
	even := map[int]bool{} // columns that have an entry even if they are not applicable
	note := func(id patch.ID) {
		if i, listed := s.Shelf.List.Index(id); listed {
			even[i] = true
		}
	}
	for _, id := range v.Decided() {
		note(id)
	}
	for id := range tried {
		note(id)
	}
	counts, _ := s.Counts()
	patches := len(s.Shelf.List.Patches())
	out = make([]entry, 0, patches-counts[patch.NotApplicable]+len(even))
	put := func(i int, d patch.Verdict) error {
		e, err := newEntry(ctx, v, s, i, d, tried)
		out = append(out, e)
		return err
	}
	for i, d := range judged {
		if !even[i] {
			out = append(out, bareEntry(s, i, d))
			continue
		}
		delete(even, i)
		if err := put(i, d); err != nil {
			return nil, 0, err
		}
	}
	for i := range even {
		if err := put(i, patch.NotApplicable); err != nil {
			return nil, 0, err
		}
	}
	return out, patches - len(out), nil
}

// refuses reports whether the filter selects no plain row, whichever patch it is about.
func (f RowFilter) refuses() bool {
	return f.Deployable || !oneOf(f.Verdicts, patch.NotApplicable) || !oneOf(f.Stands, patch.Undecided) || !oneOf(f.Executions, patch.ExecNone) || !oneOf(f.Effects, "")
}

// spares reports whether the page of a filter is full before its plain rows come, and which of them it selects is known without them.
func (f RowFilter) spares(all []entry) bool {
	if f.refuses() {
		return true
	}
	if f.Limit == 0 || f.Category != "" || f.Severity != "" || f.Text != "" || f.Gate != "" || f.Code != "" {
		return false
	}
	before := 0
	for i := range all {
		if all[i].verdict != patch.NotApplicable && f.matches(&all[i]) {
			before++
		}
	}
	return before >= max(0, f.Offset)+f.Limit
}

// spoken makes the plain entries that the filter's words speak of.
func (f RowFilter) spoken(s *world.Sight, told []entry) (out []entry) {
	made := make([]bool, len(s.Shelf.List.Patches()))
	for i := range told {
		made[told[i].place-1] = true
	}
	for i, is := range made {
		if e := bareEntry(s, i, patch.NotApplicable); !is && f.mentions(&e) {
			out = append(out, e)
		}
	}
	return out
}

// addPlain counts plain rows that were not made. Those that the filter's words speak of were.
func (s *Summary) addPlain(n int, f RowFilter) {
	s.Total += n
	s.Verdicts[patch.NotApplicable] += n
	s.Stands.Undecided += n
	s.Executions.None += n
	s.Effects.None += n
	if !f.refuses() && f.Text == "" {
		s.Matching += n
	}
}

// rowsOf counts a machine's rows and makes those of a page.
func rowsOf(ctx context.Context, v *world.View, s *world.Sight, f RowFilter) ([]Row, Summary, error) {
	if s.Shelf == nil {
		return selected(ctx, nil, f)
	}
	all, plain, err := told(ctx, v, s)
	if err != nil {
		return nil, Summary{}, err
	}
	switch {
	case plain == 0 || f.spares(all):
	case f.Text != "":
		spoken := f.spoken(s, all)
		all, plain = append(all, spoken...), plain-len(spoken)
	default:
		if all, err = entries(ctx, v, s); err != nil {
			return nil, Summary{}, err
		}
		plain = 0
	}
	rows, sum, err := selected(ctx, all, f)
	sum.addPlain(plain, f)
	return rows, sum, err
}
