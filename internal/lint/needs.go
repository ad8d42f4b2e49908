package lint

import (
	"context"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/world"
)

// need is a patch that machines need whose newest detect used the newest list, parted by what is decided for them. No set is empty.
type need struct {
	patch                        *patch.Patch
	undecided, approved, refused []*roaring.Bitmap // refused: declined or held
}

// needs visits every patch of every list that some machine needs.
func (x *look) needs(ctx context.Context, visit func(need) error) error {
	for os, current := range x.current {
		shelf, err := x.view.Shelf(ctx, os, "")
		if err != nil {
			return err
		}
		if shelf == nil {
			continue
		}
		counts, _, err := x.World.Fleet.Tally(ctx, os, shelf.Revision)
		if err != nil {
			return err
		}
		for i := range shelf.List.Patches() {
			if counts[i][patch.NotPatched] == 0 {
				continue
			}
			p := &shelf.List.Patches()[i]
			having, err := x.World.Fleet.Having(ctx, os, p.ID, patch.NotPatched)
			if err != nil {
				return err
			}
			n, err := x.need(ctx, p, roaring.And(having, current))
			if err != nil {
				return err
			}
			if err := visit(n); err != nil {
				return err
			}
		}
	}
	return nil
}

func (x *look) need(ctx context.Context, p *patch.Patch, seats *roaring.Bitmap) (n need, err error) {
	n.patch = p
	cells, err := x.view.Policies(ctx, world.Ask{Patch: p.ID}, seats)
	for _, c := range cells {
		switch c.Policy.Stand {
		case patch.Undecided:
			n.undecided = append(n.undecided, c.Seats)
		case patch.Approved:
			n.approved = append(n.approved, c.Seats)
		default:
			n.refused = append(n.refused, c.Seats)
		}
	}
	return n, err
}

// deployable adds the machines on which an approved patch is deployable.
func (x *look) deployable(ctx context.Context, n need, into *roaring.Bitmap) error {
	for _, seats := range n.approved {
		rest := roaring.AndNot(seats, into) // one patch is enough
		cohorts, err := x.view.Cohorts(ctx, world.Ask{Patch: n.patch.ID}, rest)
		if err != nil {
			return err
		}
		for _, c := range cohorts {
			if c.Answer.Deployable {
				into.Or(c.Seats)
			}
		}
		x.view.Forget()
	}
	return nil
}

// seat sorts the admitted machines: by the OS that they run, and those of whom the newest detect used the newest list.
func (x *look) seat(ctx context.Context) (err error) {
	if x.seats, err = x.view.Look(ctx); err != nil {
		return err
	}
	x.current = map[patch.HostOS]*roaring.Bitmap{}
	var s world.Sight // turned from machine to machine: there may be many
	for seat := range x.seats.All() {
		if seat.Machine.State != patch.Admitted {
			continue
		}
		if err := x.view.Turn(ctx, &s, seat); err != nil {
			return err
		}
		if x.current[s.OS] == nil {
			x.current[s.OS] = roaring.New()
		}
		if _, current := s.Judged(); current {
			x.current[s.OS].Add(seat.Number)
		}
	}
	return nil
}

// listed reports whether the list of some machine carries a patch.
func (x *look) listed(ctx context.Context, ids []patch.MachineID, p patch.ID) (bool, error) {
	asked := map[patch.HostOS]bool{}
	for _, id := range ids {
		seat := x.seats.Find(id)
		if seat == nil || asked[seat.OS()] {
			continue
		}
		asked[seat.OS()] = true
		shelf, err := x.view.Shelf(ctx, seat.OS(), "")
		if err != nil {
			return false, err
		}
		if _, _, listed := shelf.Find(p); listed {
			return true, nil
		}
	}
	return false, nil
}
