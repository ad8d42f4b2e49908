package world

import (
	"context"
	"encoding/binary"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
)

// readBlackouts notes the blackouts, in the order in which they begin.
func (v *View) readBlackouts(ctx context.Context) (err error) {
	v.blackouts, err = v.r.Store.ListBlackouts(ctx)
	gate.SortBlackouts(v.blackouts)
	return err
}

// frost is what blackouts are for some machines; those of machines that the same ones cover are one.
type frost struct {
	all  []patch.Blackout // those that are over too
	left []patch.Blackout
}

// frostOf are the blackouts whose label a machine carries, in the order in which they begin. Nobody may change them.
func (v *View) frostOf(ctx context.Context, seat uint32) (f frost, err error) {
	v.covered = v.covered[:0]
	for i := range v.blackouts {
		in, err := v.carries(ctx, v.blackouts[i].Label, seat)
		if err != nil {
			return f, err
		}
		if in {
			v.covered = binary.AppendUvarint(v.covered, uint64(i))
		}
	}
	f, known := v.frosts[string(v.covered)]
	if known {
		return f, nil
	}
	for at := v.covered; len(at) > 0; {
		i, n := binary.Uvarint(at)
		at = at[n:]
		b := v.blackouts[i]
		f.all = append(f.all, b)
		if b.Until.After(v.Now) {
			f.left = append(f.left, b)
		}
	}
	v.frosts[string(v.covered)] = f
	return f, nil
}

// Freezes are the blackouts that cover the machine and are not over, in the order in which they begin. The caller must not change them.
func (s *Sight) Freezes(ctx context.Context) ([]patch.Blackout, error) {
	f, err := s.v.frostOf(ctx, s.seat.Number)
	return f.left, err
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
