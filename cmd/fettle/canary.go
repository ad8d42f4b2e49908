package main

import (
	"cmp"
	"context"
	"iter"
	"slices"

	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/store"
	"github.com/fettle-project/fettle/internal/world"
)

// canary gives the catalog what machines said about themselves.
type canary struct{ store *store.Store }

func (f canary) StoredFacts(ctx context.Context, os patch.HostOS, n int) iter.Seq2[catalog.StoredFacts, error] {
	return func(yield func(catalog.StoredFacts, error) bool) {
		machines, err := f.store.ListMachines(ctx, patch.MachineFilter{State: patch.Admitted, OS: os})
		if err != nil {
			yield(catalog.StoredFacts{}, err)
			return
		}
		slices.SortStableFunc(machines, func(a, b patch.Machine) int {
			return cmp.Or(b.SeenAt.Compare(a.SeenAt), cmp.Compare(a.ID, b.ID))
		})
		for _, m := range machines {
			if n == 0 || m.Facts == "" {
				continue
			}
			facts, err := f.facts(ctx, m.Facts)
			if kind := patch.KindOf(err); err != nil && (kind == patch.NotFound || kind == patch.Internal) {
				continue // one machine's facts are not there or not readable: the others tell enough
			}
			n--
			if !yield(catalog.StoredFacts{Machine: m.Name, Facts: facts}, err) || err != nil {
				return
			}
		}
	}
}

func (f canary) facts(ctx context.Context, h patch.Hash) (*patch.Facts, error) {
	body, err := f.store.FindFacts(ctx, h)
	if err != nil {
		return nil, err
	}
	facts := new(patch.Facts)
	if err := world.Decode(body, facts); err != nil {
		return nil, patch.Errorf(patch.Internal, "cannot read the stored facts %s: %w", h, err)
	}
	return facts, nil
}
