package whatif

import (
	"context"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/world"
)

// Revision names a catalog that waits for a person; without an ID the one of that host OS.
type Revision struct {
	OS patch.HostOS     `json:"os"`
	ID patch.RevisionID `json:"id,omitempty"`
}

// Waiting is such a catalog with its files.
type Waiting struct {
	Meta       patch.RevisionMeta
	List       world.List
	Signatures *detect.Signatures
	Payloads   func(id patch.ID) ([]patch.PayloadFile, error)
}

// Held finds a catalog that waits for a person; patch.NotFound where none does.
type Held func(ctx context.Context, r Revision) (Waiting, error)

// supposedRevision is a catalog that is taken as published, and as judged by every machine over the facts that it sent last.
type supposedRevision struct{ Waiting }

func (s *Supposer) supposeRevision(ctx context.Context, r Revision, p *supposition) error {
	w, err := s.Held(ctx, r)
	if err != nil {
		return err
	}
	p.revision, p.anyVerdict = &supposedRevision{w}, true
	all, err := s.World.Store.ListMachines(ctx, patch.MachineFilter{State: patch.Admitted, OS: w.Meta.OS})
	for _, m := range all {
		p.machines = append(p.machines, m.ID)
	}
	return err
}

func (r *supposedRevision) is(os patch.HostOS, rev patch.RevisionID) bool {
	return os == r.Meta.OS && rev == r.Meta.ID
}

func (r *supposedRevision) lists(stored world.Lists) world.Lists {
	return func(ctx context.Context, os patch.HostOS, rev patch.RevisionID) (world.List, error) {
		if r.is(os, rev) {
			return r.List, nil
		}
		return stored(ctx, os, rev)
	}
}

// predicted is every machine as its newest detect would have judged it with this catalog. Where its facts are not at hand it stays as it is,
// and so speaks of an older list.
func (r *supposedRevision) predicted(store world.Store) func(context.Context, *fleet.Seat) (*fleet.Seat, error) {
	return func(ctx context.Context, seat *fleet.Seat) (*fleet.Seat, error) {
		snap, ok := seat.Snapshot()
		if !ok || snap.OS != r.Meta.OS {
			return seat, nil
		}
		b, err := store.FindFacts(ctx, snap.Facts)
		if err != nil {
			if patch.KindOf(err) == patch.NotFound {
				return seat, nil
			}
			return nil, err
		}
		var facts patch.Facts
		if err := world.Decode(b, &facts); err != nil {
			return nil, patch.Errorf(patch.Internal, "cannot read the stored facts %s: %w", snap.Facts, err)
		}
		result, err := r.Signatures.Evaluate(&facts)
		if err != nil {
			return seat, nil // facts of another host OS say nothing about this catalog
		}
		snap.Revision, snap.Verdicts = r.Meta.ID, result.Verdicts
		snap.Expected, snap.Evaluated, snap.Errors = result.Verdicts.Len(), result.Verdicts.Len(), result.Errors
		return seat.With(snap), nil
	}
}

// supposedCatalog has one more published revision.
type supposedCatalog struct {
	world.Catalog
	r *supposedRevision
}

func (c supposedCatalog) Meta(os patch.HostOS) (patch.RevisionMeta, bool) {
	if os == c.r.Meta.OS {
		return c.r.Meta, true
	}
	return c.Catalog.Meta(os)
}

func (c supposedCatalog) Signatures(ctx context.Context, os patch.HostOS, rev patch.RevisionID) (*detect.Signatures, error) {
	if c.r.is(os, rev) {
		return c.r.Signatures, nil
	}
	return c.Catalog.Signatures(ctx, os, rev)
}

func (c supposedCatalog) Payloads(ctx context.Context, os patch.HostOS, id patch.ID) ([]patch.PayloadFile, error) {
	if os == c.r.Meta.OS {
		return c.r.Payloads(id)
	}
	return c.Catalog.Payloads(ctx, os, id)
}
