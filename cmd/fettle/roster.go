package main

import (
	"context"
	"slices"

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
	seats = slices.DeleteFunc(seats, func(s *fleet.Seat) bool {
		return f.State != "" && f.State != s.Machine.State || f.OS != "" && f.OS != s.Machine.OS
	})
	out := make([]patch.Machine, len(seats)) // of a large fleet they are many megabytes
	for i, s := range seats {
		out[i] = s.Machine
	}
	return out, nil
}

// detects is a roster that has the newest detects in memory as well.
type detects struct{ roster }

// NewestReceipt is Store.NewestReceipt.
func (d detects) NewestReceipt(ctx context.Context, id patch.MachineID) (patch.Receipt, error) {
	s, err := d.fleet.Seat(ctx, id)
	if err != nil {
		return patch.Receipt{}, err
	}
	if s != nil && s.Receipt != nil {
		return *s.Receipt, nil
	}
	return patch.Receipt{}, patch.Errorf(patch.NotFound, "the machine %s never completed a detect", id)
}
