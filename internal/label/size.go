package label

import (
	"context"

	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/patch"
)

// Size is how many carry a label now.
type Size struct {
	Label    patch.Label `json:"label"` // without those that carry it by hand
	Machines int         `json:"machines"`
	Patches  int         `json:"patches,omitempty"`  // of a label of patches
	Unjudged int         `json:"unjudged,omitempty"` // machines or patches for which it could not be evaluated
}

// Sizes is List in numbers.
func (b *Book) Sizes(ctx context.Context) ([]Size, error) {
	look, labels, err := b.all(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Size, 0, len(labels))
	for _, l := range labels {
		n, err := b.size(ctx, l, look)
		if err != nil {
			return nil, err
		}
		n.Label = l
		n.Label.Members, n.Label.Patches = nil, nil
		out = append(out, n)
	}
	return out, nil
}

func (b *Book) size(ctx context.Context, l patch.Label, look *fleet.Look) (Size, error) {
	if l.Of == patch.OfPatches {
		m, err := b.judgePatches(ctx, l)
		return Size{Patches: len(m.Patches), Unjudged: len(m.Faulty)}, err
	}
	set, why, err := b.carrying(ctx, l, look)
	if err != nil {
		return Size{}, err
	}
	return Size{Machines: int(set.GetCardinality()), Unjudged: len(why)}, nil
}
