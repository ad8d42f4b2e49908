package world

import (
	"context"
	"slices"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
)

// readBlackouts notes the blackouts, in the order in which they begin.
func (v *View) readBlackouts(ctx context.Context) (err error) {
	v.blackouts, err = v.r.Store.ListBlackouts(ctx)
	gate.SortBlackouts(v.blackouts)
	return err
}

// blackoutsOf are those whose label a machine carries, those that are over too.
func (v *View) blackoutsOf(ctx context.Context, seat uint32) ([]patch.Blackout, error) {
	var out []patch.Blackout
	for _, b := range v.blackouts {
		in, err := v.carries(ctx, b.Label, seat)
		if err != nil {
			return nil, err
		}
		if in {
			out = append(out, b)
		}
	}
	return out, nil
}

// Freezes are the blackouts that cover the machine and are not over, in the order in which they begin.
func (s *Sight) Freezes(ctx context.Context) ([]patch.Blackout, error) {
	all, err := s.v.blackoutsOf(ctx, s.seat.Number)
	return slices.DeleteFunc(all, func(b patch.Blackout) bool { return !b.Until.After(s.v.Now) }), err
}

// Unfrozen cuts a deployment's window where the next blackout of the machine begins.
func (s *Sight) Unfrozen(ctx context.Context, w patch.Window) (patch.Window, error) {
	all, err := s.Freezes(ctx)
	for _, b := range all {
		if b.From.After(s.v.Now) && (w.NotAfter.IsZero() || b.From.Before(w.NotAfter)) {
			w.NotAfter = b.From
		}
	}
	return w, err
}
