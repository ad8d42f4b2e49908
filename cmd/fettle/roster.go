package main

import (
	"context"

	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/store"
)

// roster is the store, but lists machines out of memory, which has what was acknowledged before: what goes through the whole fleet every few
// seconds must not read it from the disk each time.
type roster struct {
	*store.Store
	fleet *fleet.Index
}

// ListMachines is Store.ListMachines.
func (r roster) ListMachines(ctx context.Context, f patch.MachineFilter) ([]patch.Machine, error) {
	if f.Label != "" {
		return r.Store.ListMachines(ctx, f)
	}
	seats, err := r.fleet.ByName(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]patch.Machine, 0, len(seats))
	for _, s := range seats {
		if m := &s.Machine; (f.State == "" || f.State == m.State) && (f.OS == "" || f.OS == m.OS) {
			out = append(out, *m)
		}
	}
	return out, nil
}

// detects is a roster that has the newest detects in memory as well.
type detects struct{ roster }

// NewestSnapshot is Store.NewestSnapshot.
func (d detects) NewestSnapshot(ctx context.Context, id patch.MachineID) (patch.Snapshot, error) {
	s, err := d.fleet.Seat(ctx, id)
	if err != nil {
		return patch.Snapshot{}, err
	}
	if s != nil {
		if snap, ok := s.Snapshot(); ok {
			return snap, nil
		}
	}
	return patch.Snapshot{}, patch.Errorf(patch.NotFound, "the machine %s never completed a detect", id)
}
