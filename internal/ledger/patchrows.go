package ledger

import (
	"context"
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/world"
)

// PatchRows gives one patch's row on every admitted machine whose list carries it, and on machines where it closed if f.Closed asks. Machines in
// the same situation are judged once; those of the page are judged one by one.
func (l *Ledger) PatchRows(ctx context.Context, id patch.ID, f RowFilter) ([]Row, Summary, error) {
	v, err := l.World.View(ctx)
	if err != nil {
		return nil, Summary{}, err
	}
	row, err := l.World.Store.FindPatch(ctx, id)
	if err != nil {
		return nil, Summary{}, err
	}
	carry, elsewhere, err := l.carriers(ctx, v, id, f.Label)
	if err != nil {
		return nil, Summary{}, err
	}
	x := patchRows{view: v, id: id, filter: f}
	if err := x.count(ctx, carry); err != nil {
		return nil, x.sum, err
	}
	rows, err := x.page(ctx)
	if err != nil {
		return nil, x.sum, err
	}
	sum := x.sum
	closed, err := l.closedElsewhere(ctx, v, id, elsewhere)
	if err != nil {
		return nil, sum, err
	}
	sum.Closed = len(closed)
	if f.Closed {
		sum.Matching += len(closed)
		rows = append(rows, page(closed, room(f, len(rows)), max(0, f.Offset-(sum.Matching-len(closed))))...)
	}
	sum.Sentence = ofPatch(row, sum)
	return rows, sum, nil
}

// carriers parts the admitted machines (of a label, if any) in those whose list carries the patch and those whose list does not.
func (l *Ledger) carriers(ctx context.Context, v *world.View, id patch.ID, label string) (carry, elsewhere *roaring.Bitmap, err error) {
	carry, elsewhere = roaring.New(), roaring.New()
	oses, err := runs(ctx, v)
	if err != nil {
		return nil, nil, err
	}
	for os, seats := range oses {
		shelf, err := v.Shelf(ctx, os, "")
		if err != nil {
			return nil, nil, err
		}
		if _, _, listed := shelf.Find(id); listed {
			carry.Or(seats)
		} else {
			elsewhere.Or(seats)
		}
	}
	if label == "" {
		return carry, elsewhere, nil
	}
	in, err := v.Carrying(ctx, label)
	switch {
	case err == nil:
		carry.And(in)
		elsewhere.And(in)
	case patch.KindOf(err) == patch.NotFound:
		return roaring.New(), roaring.New(), nil
	}
	return carry, elsewhere, err
}

// patchRows is one question about one patch on all machines.
type patchRows struct {
	view   *world.View
	id     patch.ID
	filter RowFilter
	sum    Summary
	hits   [patch.Unknown + 1]*roaring.Bitmap // by verdict: the machines that the filter selects
}

// count adds all machines up and finds those that the filter selects.
func (x *patchRows) count(ctx context.Context, among *roaring.Bitmap) error {
	cohorts, err := x.view.Cohorts(ctx, world.Ask{Patch: x.id, Reason: x.filter.Gate != "" || x.filter.Code != ""}, among)
	if err != nil {
		return err
	}
	for i := range x.hits {
		x.hits[i] = roaring.New()
	}
	for _, c := range cohorts {
		e := entry{patch: &c.World.Patch, verdict: c.World.Verdict, policy: &c.World.Policy, asked: true, deployable: c.Answer.Deployable}
		e.tried(c.World.Attempts)
		x.sum.addMany(&e, int(c.Seats.GetCardinality()))
		if !x.filter.matchesAxes(&e) || !x.filter.matchesAnswer(c.Answer) {
			continue
		}
		if err := x.mentioned(ctx, &e, c.Seats); err != nil {
			return err
		}
	}
	for _, set := range x.hits {
		x.sum.Matching += int(set.GetCardinality())
	}
	return nil
}

// mentioned takes those of some alike machines in that the filter's text speaks of: each word is the patch's or the machine's.
func (x *patchRows) mentioned(ctx context.Context, e *entry, seats *roaring.Bitmap) error {
	words := x.filter.unsaid(e.says())
	if len(words) == 0 {
		x.hits[e.verdict].Or(seats)
		return nil
	}
	look, err := x.view.Look(ctx)
	if err != nil {
		return err
	}
	seats.Iterate(func(n uint32) bool {
		if within(words, look.At(n).Machine.Name) {
			x.hits[e.verdict].Add(n)
		}
		return true
	})
	return nil
}

// page makes the rows that are shown, what an administrator acts on first before the rest.
func (x *patchRows) page(ctx context.Context) ([]Row, error) {
	rows, offset, limit := []Row{}, max(0, x.filter.Offset), x.filter.Limit
	for _, verdict := range byUrgency {
		set := x.hits[verdict]
		if n := int(set.GetCardinality()); offset >= n {
			offset -= n
			continue
		}
		room := 0
		if limit > 0 {
			room = limit - len(rows)
		}
		some, err := x.view.ByName(ctx, set, offset, room)
		if err != nil {
			return nil, err
		}
		if rows, err = x.rows(ctx, rows, some); err != nil {
			return nil, err
		}
		if offset = 0; limit > 0 && len(rows) >= limit {
			break
		}
	}
	return rows, nil
}

func (x *patchRows) rows(ctx context.Context, rows []Row, seats []*fleet.Seat) ([]Row, error) {
	if err := x.view.Gather(ctx, x.id, seats); err != nil {
		return nil, err
	}
	for _, seat := range seats {
		s, err := x.view.SightAt(ctx, seat)
		if err != nil {
			return nil, err
		}
		e := entry{sight: s, patch: &patch.Patch{ID: x.id}}
		w, err := s.World(ctx, world.Ask{Patch: x.id, Reason: true})
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(w.Attempts, func(a patch.Attempt) bool { return !a.State.Ended() }) { // only then a row tells of the order
			if w.Order, err = s.Order(ctx); err != nil {
				return nil, err
			}
		}
		e.tried(w.Attempts)
		rows = append(rows, e.rowIn(&w, gate.Sketch(&w)))
	}
	return rows, nil
}

// closedElsewhere lists the machines on which the patch had a row before their OS or its list changed.
func (l *Ledger) closedElsewhere(ctx context.Context, v *world.View, id patch.ID, machines *roaring.Bitmap) ([]Row, error) {
	ts, err := l.Store.ListLeavings(ctx, id)
	if err != nil {
		return nil, err
	}
	last := map[patch.MachineID]patch.Transition{}
	for _, t := range ts {
		last[t.Machine] = t
	}
	look, err := v.Look(ctx)
	if err != nil {
		return nil, err
	}
	left := roaring.New()
	for m := range last {
		if seat := look.Find(m); seat != nil && machines.Contains(seat.Number) {
			left.Add(seat.Number)
		}
	}
	out := []Row{}
	for _, seat := range look.ByName(left, 0, 0) {
		s, err := v.SightAt(ctx, seat)
		if err != nil {
			return nil, err
		}
		r, err := l.closedRow(ctx, s, last[seat.Machine.ID])
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// ofPatch is one patch over all machines in one sentence.
func ofPatch(row patch.PatchRow, s Summary) phrase.Phrase {
	name := strings.TrimSpace(row.Source + " " + row.Version)
	if name == "" {
		name = string(row.ID)
	}
	if s.Total == 0 {
		return phrase.Of("No machine's list carries {1} now.", name)
	}
	none := s.Verdicts[patch.NotApplicable]
	parts := []phrase.Phrase{phrase.Of("{1} patched", s.Verdicts[patch.Patched]), phrase.Count(s.Needed, "{n} needs it", "{n} need it")}
	parts = append(parts, named(readyToDeploy(s), number{s.Undecided, phrase.Of("{1} undecided", s.Undecided)}, number{none, phrase.Of("{1} not applicable", none)})...)
	parts = append(parts, named(notJudged(s)...)...)
	return phrase.Count(s.Total, "{1} on {n} machine: {2}.", "{1} on {n} machines: {2}.", name, phrase.Join(parts, ", "))
}
