package world

import (
	"context"
	"strconv"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
)

// kind is machines that are alike apart from any patch.
type kind struct {
	os    patch.HostOS
	moved bool           // they detected on another OS before
	ring  string         // the ring that they belong to
	of    *patch.Receipt // one of their newest detects: all used the same list; nil where there is none
	first *fleet.Seat
	seats *roaring.Bitmap
}

// sortSeats sorts all machines by kind, once.
func (v *View) sortSeats(ctx context.Context) error {
	if v.kinds != nil {
		return nil
	}
	look, err := v.Look(ctx)
	if err != nil {
		return err
	}
	v.kinds = []*kind{}
	by := map[string]*kind{}
	s := &Sight{v: v}
	for seat := range look.All() {
		if err := s.turn(ctx, seat); err != nil {
			return err
		}
		w := s.detected()
		if w.Schedules, err = s.scheduled(ctx); err != nil {
			return err
		}
		if w.Freezes, err = s.Freezes(ctx); err != nil {
			return err
		}
		ring, err := v.ringAt(ctx, seat.Number)
		if err != nil {
			return err
		}
		v.key = append(append(gate.Character(v.key[:0], &w), ring...), 0)
		if s.Receipt != nil {
			v.key = strconv.AppendInt(append(v.key, s.Receipt.Revision...), int64(s.Receipt.Expected), 10)
		}
		v.key = strconv.AppendBool(v.key, seat.Moved)
		k := by[string(v.key)]
		if k == nil {
			k = &kind{os: s.OS, moved: seat.Moved, ring: ring, of: s.Receipt, first: seat, seats: roaring.New()}
			by[string(v.key)] = k
			v.kinds = append(v.kinds, k)
		}
		k.seats.Add(seat.Number)
	}
	return nil
}

// ringAt is RingOf by the number of a seat; empty where there are no rings.
func (v *View) ringAt(ctx context.Context, seat uint32) (string, error) {
	for _, r := range v.rings {
		if in, err := v.carries(ctx, r.Label, seat); err != nil || in {
			return r.Name, err
		}
	}
	if len(v.rings) > 0 {
		return patch.RestRing, nil
	}
	return "", nil
}
