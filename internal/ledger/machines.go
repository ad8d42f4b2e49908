package ledger

import (
	"cmp"
	"context"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/world"
)

// Machines lists machines with their freshness and numbers, by name. A filter for a smart label is understood.
func (l *Ledger) Machines(ctx context.Context, f patch.MachineFilter) ([]MachineRow, error) {
	rows, _, err := l.MachinesPage(ctx, f, 0, 0)
	return rows, err
}

// fewMachines are counted one by one: that is quicker than counting all of them.
const fewMachines = 500

// MachinesPage is a page of Machines, and how many there are in all: so many rows at most, without the first few. 0 is no limit.
func (l *Ledger) MachinesPage(ctx context.Context, f patch.MachineFilter, offset, limit int) ([]MachineRow, int, error) {
	v, err := l.World.View(ctx)
	if err != nil {
		return nil, 0, err
	}
	some, err := filtered(ctx, v, f)
	if err != nil {
		return nil, 0, err
	}
	seats, err := v.ByName(ctx, some, offset, limit)
	if err != nil {
		return nil, 0, err
	}
	rows, err := l.rowsAt(ctx, v, seats)
	return rows, int(some.GetCardinality()), err
}

// filtered are the machines that a filter selects; NotFound where it names a label that is gone.
func filtered(ctx context.Context, v *world.View, f patch.MachineFilter) (*roaring.Bitmap, error) {
	look, err := v.Look(ctx)
	if err != nil {
		return nil, err
	}
	some := roaring.New()
	for seat := range look.All() {
		if (f.State == "" || seat.Machine.State == f.State) && (f.OS == "" || seat.Machine.OS == f.OS) {
			some.Add(seat.Number)
		}
	}
	if f.Label == "" {
		return some, nil
	}
	in, err := v.Carrying(ctx, f.Label)
	if err != nil {
		return nil, err
	}
	some.And(in)
	return some, nil
}

// rowsAt makes the rows of some machines, in their order.
func (l *Ledger) rowsAt(ctx context.Context, v *world.View, seats []*fleet.Seat) ([]MachineRow, error) {
	var all []numbers
	if len(seats) > cmp.Or(l.Few, fewMachines) {
		c, err := l.count(ctx, v)
		if err != nil {
			return nil, err
		}
		look, err := v.Look(ctx)
		if err != nil {
			return nil, err
		}
		all = c.numbers(look.Len())
	}
	return rowsBy(ctx, v, seats, all)
}

// rowsBy makes rows; the numbers are known by number of the seat, or have to be found machine by machine.
func rowsBy(ctx context.Context, v *world.View, seats []*fleet.Seat, all []numbers) ([]MachineRow, error) {
	out := make([]MachineRow, len(seats))
	counting := counting{view: v}
	for i, seat := range seats {
		s, err := v.SightAt(ctx, seat)
		if err != nil {
			return nil, err
		}
		if all == nil || seat.Machine.State != patch.Admitted {
			if out[i], err = alone(ctx, v, s); err != nil {
				return nil, err
			}
			continue
		}
		g, err := counting.glance(ctx, seat)
		if err != nil {
			return nil, err
		}
		out[i] = rowOf(s, g.verdicts)
		n := all[seat.Number]
		out[i].Person = n.stuck
		out[i].Security, out[i].Undecided, out[i].Deployable, out[i].Exhausted = int(n.security), int(n.undecided), int(n.deployable), int(n.exhausted)
	}
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
	return alone(ctx, v, s)
}

// alone counts one machine by itself: all verdicts, but only its eligible patches one by one.
func alone(ctx context.Context, v *world.View, s *world.Sight) (MachineRow, error) {
	if s.Shelf == nil {
		return rowOf(s, patch.Counts{}), nil
	}
	patches := s.Shelf.List.Patches()
	eligible, counts := eligible(s)
	r := rowOf(s, counts)
	for _, i := range eligible {
		if err := r.eligible(ctx, v, s, &patches[i]); err != nil {
			return r, err
		}
	}
	return r, nil
}

// rowOf is a machine's row without what needs policy and gates.
func rowOf(s *world.Sight, verdicts patch.Counts) MachineRow {
	r := MachineRow{Machine: s.Machine, Freshness: freshness(s.Machine.State, s.FreshnessCode()), Text: s.Freshness().Text, Receipt: s.Receipt,
		Verdicts: verdicts, Needed: verdicts[patch.NotPatched]}
	if verdicts[patch.Faulty] > 0 {
		r.Unjudged = unjudged(s)
	}
	return r
}

// unjudged counts the security patches that a machine's newest detect could not judge.
func unjudged(s *world.Sight) (n int) {
	few, current := s.Amiss()
	if !current {
		return 0
	}
	security := s.Shelf.Security()
	for i, v := range few {
		if v == patch.Faulty && i < len(security) && security[i].Is {
			n++
		}
	}
	return n
}

// eligible counts a patch that the machine needs.
func (r *MachineRow) eligible(ctx context.Context, v *world.View, s *world.Sight, p *patch.Patch) error {
	if p.Category == patch.Security {
		r.Security++
	}
	policy, err := s.Policy(ctx, p.ID, v.Now)
	if err != nil {
		return err
	}
	if policy.Stand == patch.Undecided {
		r.Undecided++
		r.Person = true
	}
	if policy.Stand != patch.Approved {
		return nil
	}
	b, _, err := s.Brief(ctx, world.Ask{Patch: p.ID})
	if b.Deployable {
		r.Deployable++
	} else if sticks(b.Code) {
		r.Person = true
	}
	if b.Code == gate.CodeOutOf {
		r.Exhausted++
	}
	return err
}

// freshness sorts a machine by its snapshot gate's code, which is empty where that is open.
func freshness(state patch.MachineState, code string) Freshness {
	switch {
	case state != patch.Admitted:
		return Shut
	case code == "":
		return Fresh
	case code == gate.CodeNever, code == gate.CodeNoList:
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
