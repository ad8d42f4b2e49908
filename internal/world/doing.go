package world

import (
	"context"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
)

// byDoing parts machines of a kind that are alike about the patch in all but their own doing: what was tried on them, what failed there lately,
// and what they do in their ring.
func (c *parting) byDoing(ctx context.Context, k *kind, verdict patch.Verdict, seats *roaring.Bitmap) error {
	doing, err := c.doing(ctx, k, verdict)
	if err != nil {
		return err
	}
	mine := roaring.And(seats, doing)
	if err := c.whole(ctx, roaring.AndNot(seats, mine)); err != nil || mine.IsEmpty() {
		return err
	}
	first, err := c.SightAt(ctx, c.look.At(mine.Minimum()))
	if err != nil {
		return err
	}
	w, err := c.world(ctx, first)
	if err != nil {
		return err
	}
	parts := map[string]*roaring.Bitmap{}
	var order []*roaring.Bitmap
	for _, seat := range c.seatsOf(mine) {
		if err := c.exchange(ctx, seat, &w); err != nil {
			return err
		}
		c.key = gate.Situation(c.key[:0], &w)
		part := parts[string(c.key)]
		if part == nil {
			part = roaring.New()
			parts[string(c.key)] = part
			order = append(order, part)
		}
		part.Add(seat.Number)
	}
	for _, part := range order {
		if err := c.whole(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// doing are the machines of a kind whose own doing counts for the patch: it was tried on them, or, where it could be installed, something failed on
// them lately or they install right now.
func (c *parting) doing(ctx context.Context, k *kind, verdict patch.Verdict) (*roaring.Bitmap, error) {
	if verdict != patch.NotPatched || c.ask.Eligible {
		return c.tried.seats, nil
	}
	out := c.tried.seats.Clone()
	for id := range c.gathered.blocked {
		if s := c.look.Find(id); s != nil {
			out.Add(s.Number)
		}
	}
	if k.ring == "" {
		return out, nil
	}
	busy, err := c.busySeats(ctx, k.ring)
	out.Or(busy)
	return out, err
}

// exchange turns the world of one machine into that of another which is like it in all but its own doing, as far as its situation goes.
func (c *parting) exchange(ctx context.Context, seat *fleet.Seat, w *gate.World) error {
	s := c.sight
	if err := s.turn(ctx, seat); err != nil {
		return err
	}
	id := c.ask.Patch
	w.Machine, w.Receipt, w.Reset, w.Approved = s.Machine, s.Receipt, c.resets[resetKey{s.Machine.ID, id}], time.Time{}
	w.Attempts = c.tried.by[seat.Number]
	var err error
	if w.Blocked, err = c.standing(ctx, c.ask, w.Attempts, c.gathered.blocked[s.Machine.ID]); err != nil {
		return err
	}
	if s.Machine.RebootOwed {
		if err := s.rebooting(ctx, w); err != nil {
			return err
		}
	}
	if n := len(w.Rings); n > 0 && w.Rings[n-1].Own {
		if w.Rings[n-1].Load, err = s.ringLoad(ctx, w.Rings[n-1].Name, id); err != nil {
			return err
		}
	}
	return s.approved(ctx, w)
}
