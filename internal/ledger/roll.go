package ledger

import (
	"context"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/patch"
)

// Roll is every machine with its numbers, and all of them added up, at one moment. It is shared: nobody changes it.
type Roll struct {
	Machines []MachineRow // of any state, by name
	Fleet    Fleet
	Waiting  Waiting
}

// Waiting are the patches, by host OS, that some admitted machine needs and nobody has decided about for it: decided for one label is not
// decided for all machines.
type Waiting map[patch.HostOS]map[patch.ID]bool

func (w Waiting) add(os patch.HostOS, id patch.ID) {
	if w[os] == nil {
		w[os] = map[patch.ID]bool{}
	}
	w[os][id] = true
}

// Roll calls every machine once: Machines and Status in one walk.
func (l *Ledger) Roll(ctx context.Context) (*Roll, error) {
	v, err := l.World.View(ctx)
	if err != nil {
		return nil, err
	}
	c, err := l.count(ctx, v)
	if err != nil {
		return nil, err
	}
	look, err := v.Look(ctx)
	if err != nil {
		return nil, err
	}
	everyone := roaring.New()
	everyone.AddRange(0, uint64(look.Len()))
	seats := look.ByName(everyone, 0, 0)
	r, all, sum := &Roll{}, c.numbers(look.Len()), newSum(v.Now)
	if r.Machines, err = rowsBy(ctx, v, seats, all); err != nil {
		return nil, err
	}
	for i, seat := range seats {
		if seat.Machine.State != patch.Admitted {
			sum.shut(seat.Machine.State)
			continue
		}
		m := &r.Machines[i]
		sum.add(v, seat, glance{m.Freshness, m.Verdicts, v.Meta(seat.OS())}, all[seat.Number].stuck)
	}
	sum.enter(c)
	r.Waiting = c.waiting()
	r.Fleet, err = l.conclude(ctx, sum)
	return r, err
}
