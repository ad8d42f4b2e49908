package world

import (
	"context"

	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
)

// Glance is what a report over many machines sees of one; Sight has what gates look at.
type Glance struct {
	Seat  *fleet.Seat
	Shelf *Shelf // newest list of the machine's OS; nil where none is published
	Code  string // gate.FreshnessCode's; where it is empty, the seat's verdicts are in the order of Shelf
}

// published is the newest list of one OS.
type published struct {
	os    patch.HostOS
	meta  *patch.RevisionMeta
	shelf *Shelf
}

// Glance gives one machine, for a seat of the View's Look.
func (v *View) Glance(ctx context.Context, seat *fleet.Seat) (g Glance, err error) {
	if v.r.Suppose != nil {
		if seat, err = v.r.Suppose(ctx, seat); err != nil {
			return g, err
		}
	}
	if os := seat.OS(); os != v.published.os {
		v.published = published{os: os, meta: v.meta(os)}
		if m := v.published.meta; m != nil {
			if v.published.shelf, err = v.Shelf(ctx, os, m.ID); err != nil {
				return g, err
			}
		}
	}
	p := &v.published
	code := gate.FreshnessCode(gate.Detected{Now: v.Now, Stale: v.Limits.Stale, Machine: &seat.Machine, OS: p.os, Revision: p.meta, Receipt: seat.Receipt})
	return Glance{seat, p.shelf, code}, nil
}

// Likeness is equal for machines of a Look whose Glances differ in nothing but the seat.
type Likeness struct {
	alike fleet.Alike
	stale bool
}

// Likeness is known without a look at the machine; ok is false where every machine has to be looked at.
func (v *View) Likeness(look *fleet.Look, number uint32) (l Likeness, ok bool) {
	l.alike, l.stale = look.Taken(number, v.Now.Add(-v.Limits.Stale))
	return l, v.r.Suppose == nil
}
