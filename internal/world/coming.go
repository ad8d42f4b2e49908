package world

import (
	"context"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/patch"
)

// coming is where patches that would replace others are on their way, worked out once for each of them and each kind of machines.
type coming struct {
	among *roaring.Bitmap // whom the question is about
	on    map[comingKey]*roaring.Bitmap
}

type comingKey struct {
	of *kind
	id patch.ID
}

// replaced are the machines of a kind, some of which lack the patch, on which one that replaces it can be deployed, or is being.
func (c *parting) replaced(ctx context.Context, k *kind, seats *roaring.Bitmap) (*roaring.Bitmap, error) {
	shelf, err := c.Shelf(ctx, k.os, "")
	if err != nil {
		return nil, err
	}
	out := roaring.New()
	for _, id := range shelf.Newer(c.ask.Patch) {
		if contains(c.above, id) {
			continue
		}
		some, err := c.comes(ctx, k, shelf, id, seats)
		if err != nil {
			return nil, err
		}
		out.Or(some)
	}
	return out, nil
}

// comes are the machines of a kind, at least of some of them, that lack a patch and on which it is on its way.
func (c *parting) comes(ctx context.Context, k *kind, shelf *Shelf, id patch.ID, seats *roaring.Bitmap) (*roaring.Bitmap, error) {
	above := append(slices.Clone(c.above), c.ask.Patch)
	whole := !circular(shelf, id, above)
	if whole {
		if known := c.coming.on[comingKey{k, id}]; known != nil {
			return known, nil
		}
		seats = roaring.And(c.coming.among, k.seats)
	}
	parts, err := c.verdicts(ctx, k, id, seats)
	if err != nil {
		return nil, err
	}
	out := roaring.New()
	sub := &parting{View: c.View, above: above, sight: c.sight, coming: c.coming, by: map[string]int{},
		ask: Ask{Patch: id, Start: c.ask.Start, Window: c.ask.Window, Assume: assumed(c.ask.Assume, id)}}
	cells, err := c.Policies(ctx, sub.ask, parts[patch.NotPatched])
	if err != nil {
		return nil, err
	}
	for _, cell := range cells {
		if err := sub.kind(ctx, cell, k); err != nil {
			return nil, err
		}
	}
	for _, co := range sub.out {
		if onItsWay(co.Answer.Outline()) {
			out.Or(co.Seats)
		}
	}
	if whole {
		c.coming.on[comingKey{k, id}] = out
	}
	return out, nil
}

// circular reports whether a patch would be replaced by one of those that wait for what is said of it: then what is said of it is for them alone.
func circular(shelf *Shelf, id patch.ID, above []patch.ID) bool {
	newer := shelf.Newer(id)
	return slices.ContainsFunc(above, func(x patch.ID) bool { return contains(newer, x) })
}
