package world

import (
	"context"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
)

// PolicyCell is machines for which a patch stands alike.
type PolicyCell struct {
	Policy patch.Policy
	Seats  *roaring.Bitmap
	// Approved: somebody has approved the patch for these machines, whether or not a hold covers it now.
	Approved bool
}

// Policies parts machines by where a patch stands for them: by which labels of its decisions and open proposals they carry.
func (v *View) Policies(ctx context.Context, a Ask, among *roaring.Bitmap) ([]PolicyCell, error) {
	decisions := v.decisions[a.Patch]
	for _, d := range a.Assume {
		if d.Patch == a.Patch {
			decisions = append(decisions[:len(decisions):len(decisions)], d)
		}
	}
	names := map[string]bool{}
	for _, d := range decisions {
		names[d.Label] = true
	}
	for _, p := range v.proposed[a.Patch] {
		names[p.Label] = true
	}
	type part struct {
		labels []string
		seats  *roaring.Bitmap
	}
	parts := []part{{nil, among}}
	for name := range names {
		set, err := v.carriers(ctx, name)
		if err != nil {
			return nil, err
		}
		var next []part
		for _, p := range parts {
			if in := roaring.And(p.seats, set); !in.IsEmpty() {
				next = append(next, part{append(slices.Clone(p.labels), name), in})
			}
			if out := roaring.AndNot(p.seats, set); !out.IsEmpty() {
				next = append(next, part{p.labels, out})
			}
		}
		parts = next
	}
	at := a.Start
	if at.IsZero() {
		at = v.Now
	}
	cells := make([]PolicyCell, 0, len(parts))
	for _, p := range parts {
		if p.seats.IsEmpty() {
			continue
		}
		c := PolicyCell{Policy: gate.PolicyOf(p.labels, decisions, at), Seats: p.seats}
		_, c.Approved = gate.World{Policy: c.Policy}.Approval()
		cells = append(cells, c)
	}
	return cells, nil
}
