package whatif

import (
	"context"
	"slices"

	"github.com/fettle-project/fettle/internal/patch"
)

func (s *Supposer) supposeBlackout(ctx context.Context, b patch.Blackout, p *supposition) error {
	all, err := s.World.Store.ListBlackouts(ctx)
	if err != nil {
		return err
	}
	for _, old := range all {
		if old.Name == b.Name {
			p.labels = append(p.labels, old.Label)
		}
	}
	p.labels = append(p.labels, b.Label)
	p.blackouts = func(all []patch.Blackout) []patch.Blackout { return append(lifted(all, b.Name), b) }
	return nil
}

func (s *Supposer) supposeNoBlackout(ctx context.Context, name string, p *supposition) error {
	all, err := s.World.Store.ListBlackouts(ctx)
	if err != nil {
		return err
	}
	for _, b := range all {
		if b.Name == name {
			p.labels = append(p.labels, b.Label)
			p.blackouts = func(all []patch.Blackout) []patch.Blackout { return lifted(all, name) }
			return nil
		}
	}
	return patch.NothingCalled("blackout", name)
}

func lifted(all []patch.Blackout, name string) []patch.Blackout {
	return slices.DeleteFunc(slices.Clone(all), func(b patch.Blackout) bool { return b.Name == name })
}

func (s supposedStore) ListBlackouts(ctx context.Context) ([]patch.Blackout, error) {
	all, err := s.Store.ListBlackouts(ctx)
	if err != nil || s.p.blackouts == nil {
		return all, err
	}
	return s.p.blackouts(all), nil
}
