package ledger

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/world"
)

// Roll is every machine with its numbers, and all of them added up, at one moment. It is shared: nobody changes it.
type Roll struct {
	Machines []MachineRow // of any state, by name
	Fleet    Fleet
}

// Roll calls every machine once: Machines and Status in one walk.
func (l *Ledger) Roll(ctx context.Context) (*Roll, error) {
	v, err := l.World.View(ctx)
	if err != nil {
		return nil, err
	}
	r := &Roll{}
	all, err := l.marked(ctx, v)
	if err != nil {
		return nil, err
	}
	sum := newSum(v.Now)
	err = l.sights(ctx, v, patch.MachineFilter{}, func(s *world.Sight) error {
		t, err := tallied(ctx, v, s, all)
		if err != nil {
			return err
		}
		r.Machines = append(r.Machines, t.row)
		sum.add(v, s, t)
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(r.Machines, byName)
	r.Fleet, err = l.conclude(ctx, sum)
	return r, err
}

func byName(a, b MachineRow) int {
	return cmp.Or(strings.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
}
