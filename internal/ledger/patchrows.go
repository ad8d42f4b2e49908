package ledger

import (
	"context"
	"fmt"
	"strings"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/world"
)

// PatchRows gives one patch's row on every admitted machine whose list carries it, and on machines where it closed if f.Closed asks.
func (l *Ledger) PatchRows(ctx context.Context, id patch.ID, f RowFilter) ([]Row, Summary, error) {
	v, err := l.World.View(ctx)
	if err != nil {
		return nil, Summary{}, err
	}
	row, err := l.World.Store.FindPatch(ctx, id)
	if err != nil {
		return nil, Summary{}, err
	}
	all, elsewhere, err := l.carriers(ctx, v, id, f.Label)
	if err != nil {
		return nil, Summary{}, err
	}
	rows, sum, err := selected(ctx, all, f)
	if err != nil {
		return nil, sum, err
	}
	closed, err := l.closedElsewhere(ctx, id, elsewhere)
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

// carriers makes an entry for every admitted machine (of a label, if any) whose list carries the patch, and lists the machines whose list
// does not.
func (l *Ledger) carriers(ctx context.Context, v *world.View, id patch.ID, label string) (all []entry, elsewhere []*world.Sight, err error) {
	attempts, err := l.World.Store.ListAttempts(ctx, patch.AttemptFilter{Patch: id})
	if err != nil {
		return nil, nil, err
	}
	tried := map[patch.MachineID][]patch.Attempt{}
	for _, a := range attempts {
		tried[a.Machine] = append(tried[a.Machine], a)
	}
	err = l.sights(ctx, v, patch.MachineFilter{State: patch.Admitted}, func(s *world.Sight) error {
		if label != "" {
			if in, err := v.Member(ctx, label, s.Machine.ID); err != nil || !in {
				return err
			}
		}
		_, i, listed := s.Shelf.Find(id)
		if !listed {
			elsewhere = append(elsewhere, s)
			return nil
		}
		e := entry{sight: s, patch: &s.Shelf.List.Patches()[i], verdict: s.Verdict(id)}
		if e.policy, err = v.Policy(ctx, id, s.Machine.ID, v.Now); err != nil {
			return err
		}
		e.axes(tried[s.Machine.ID])
		all = append(all, e)
		return nil
	})
	return all, elsewhere, err
}

// closedElsewhere lists the machines on which the patch had a row before their OS or its list changed.
func (l *Ledger) closedElsewhere(ctx context.Context, id patch.ID, machines []*world.Sight) ([]Row, error) {
	ts, err := l.Store.ListLeavings(ctx, id)
	if err != nil {
		return nil, err
	}
	last := map[patch.MachineID]patch.Transition{}
	for _, t := range ts {
		last[t.Machine] = t
	}
	out := []Row{}
	for _, s := range machines {
		t, ok := last[s.Machine.ID]
		if !ok {
			continue
		}
		r, err := l.closedRow(ctx, s, t)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

// ofPatch is one patch over all machines in one sentence.
func ofPatch(row patch.PatchRow, s Summary) string {
	name := strings.TrimSpace(row.Source + " " + row.Version)
	if name == "" {
		name = string(row.ID)
	}
	if s.Total == 0 {
		return fmt.Sprintf("No machine's list carries %s now.", name)
	}
	parts := []string{gate.Number(s.Verdicts[patch.Patched]) + " patched", gate.Count(s.Needed, "needs it", "need it")}
	parts = append(parts, named(number{s.Deployable, "ready to deploy"}, number{s.Undecided, "undecided"}, number{s.Verdicts[patch.NotApplicable], "not applicable"},
		number{s.Verdicts[patch.Faulty], "not judged"}, number{s.Verdicts[patch.Unknown], "unknown"})...)
	return fmt.Sprintf("%s on %s: %s.", name, gate.Count(s.Total, "machine", "machines"), strings.Join(parts, ", "))
}

// sights gives the machines that a filter selects, in no order; a filter for a label is not understood.
func (l *Ledger) sights(ctx context.Context, v *world.View, f patch.MachineFilter, yield func(*world.Sight) error) error {
	look, err := v.Look(ctx)
	if err != nil {
		return err
	}
	for seat := range look.All() {
		if f.State != "" && seat.Machine.State != f.State || f.OS != "" && seat.Machine.OS != f.OS {
			continue
		}
		s, err := v.SightAt(ctx, seat)
		if err != nil {
			return err
		}
		if err := yield(s); err != nil {
			return err
		}
	}
	return nil
}
