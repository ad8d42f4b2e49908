package ledger

import (
	"context"
	"slices"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/world"
)

// Machines lists machines with their freshness and numbers, by name. A filter for a smart label is understood.
func (l *Ledger) Machines(ctx context.Context, f patch.MachineFilter) ([]MachineRow, error) {
	v, err := l.World.View(ctx)
	if err != nil {
		return nil, err
	}
	all, err := l.marked(ctx, v)
	if err != nil {
		return nil, err
	}
	label := f.Label
	f.Label = ""
	out := []MachineRow{}
	err = l.sights(ctx, v, f, func(s *world.Sight) error {
		if label != "" {
			if in, err := v.Member(ctx, label, s.Machine.ID); err != nil || !in {
				return err
			}
		}
		t, err := tallied(ctx, v, s, all)
		out = append(out, t.row)
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(out, byName)
	return out, nil
}

// Machine is one line of Machines.
func (l *Ledger) Machine(ctx context.Context, id patch.MachineID) (MachineRow, error) {
	v, err := l.World.View(ctx)
	if err != nil {
		return MachineRow{}, err
	}
	s, err := v.Sight(ctx, id)
	if err != nil {
		return MachineRow{}, err
	}
	t, err := tallied(ctx, v, s, nil)
	return t.row, err
}

// tally is a machine in numbers, with the columns of its newest list behind them.
type tally struct {
	row       MachineRow
	undecided []int // eligible, and nobody decided
	security  []int // eligible security patches
	stuck     bool  // something eligible waits for a person
}

// tallied adds a machine up: all verdicts, but only its eligible patches one by one. What is not marked is judged for this machine alone.
func tallied(ctx context.Context, v *world.View, s *world.Sight, all marks) (tally, error) {
	fresh := s.Freshness()
	t := tally{row: MachineRow{Machine: s.Machine, Freshness: freshness(s.Machine.State, s.FreshnessCode()), Text: fresh.Text, Receipt: s.Receipt}}
	if s.Shelf == nil {
		return t, nil
	}
	patches := s.Shelf.List.Patches()
	eligible, counts := eligible(s)
	t.row.Verdicts, t.row.Needed = counts, len(eligible)
	t.undecided = make([]int, 0, len(eligible))
	for _, i := range eligible {
		if err := t.eligible(ctx, v, s, i, &patches[i], all); err != nil {
			return t, err
		}
	}
	return t, nil
}

func (t *tally) eligible(ctx context.Context, v *world.View, s *world.Sight, i int, p *patch.Patch, all marks) error {
	if p.Category == patch.Security {
		t.row.Security++
		t.security = append(t.security, i)
	}
	if m := all[p.ID]; m != nil && s.Machine.State == patch.Admitted {
		n := s.Number()
		t.count(i, m.undecided.Contains(n), m.deployable.Contains(n), m.stuck.Contains(n), m.exhausted.Contains(n))
		return nil
	}
	policy, err := s.Policy(ctx, p.ID, v.Now)
	if err != nil || policy.Stand != patch.Approved {
		t.count(i, policy.Stand == patch.Undecided, false, false, false)
		return err
	}
	b, _, err := s.Brief(ctx, world.Ask{Patch: p.ID})
	t.count(i, false, b.Deployable, sticks(b.Code), b.Code == gate.CodeOutOf)
	return err
}

// count notes how one patch stands that the machine needs.
func (t *tally) count(column int, undecided, deployable, stuck, exhausted bool) {
	t.stuck = t.stuck || undecided || stuck
	if undecided {
		t.row.Undecided++
		t.undecided = append(t.undecided, column)
	}
	if deployable {
		t.row.Deployable++
	}
	if exhausted {
		t.row.Exhausted++
	}
}

// freshness sorts a machine by its snapshot gate's code, which is empty where that is open.
func freshness(state patch.MachineState, code string) Freshness {
	switch {
	case state != patch.Admitted:
		return Shut
	case code == "":
		return Fresh
	case code == gate.CodeNever:
		return Never
	case code == gate.CodeDetectFailed:
		return Failed
	case code == gate.CodeStale:
		return Stale
	}
	return Behind
}

// eligible gives the columns of a machine's newest list that are not patched, and counts all verdicts over it.
func eligible(s *world.Sight) (columns []int, c patch.Counts) {
	if few, current := s.Amiss(); current {
		c, _ = s.Counts()
		columns = make([]int, 0, c[patch.NotPatched])
		for i, v := range few {
			if v == patch.NotPatched {
				columns = append(columns, i)
			}
		}
		return columns, c
	}
	patches := s.Shelf.List.Patches()
	for i := range patches {
		v := s.Verdict(patches[i].ID)
		if c[v]++; v == patch.NotPatched {
			columns = append(columns, i)
		}
	}
	return columns, c
}
