package ledger

import (
	"cmp"
	"context"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/patch"
)

// Exposed is one missing security patch that an exposure counts.
type Exposed struct {
	Patch    *patch.Patch
	Machines []patch.MachineID // that lack it, and no newer one that replaces it
	Days     int               // since it was released
	Overdue  bool
}

// Exposed gives what compliance counts of a label's exposure of one severity, the longest known first. Patches that stand on several lists are told once.
func (l *Ledger) Exposed(ctx context.Context, label string, s patch.Severity, allowed patch.Allowance) ([]Exposed, error) {
	x := complying{Compliance: patch.Compliance{Label: label}, machines: map[patch.Severity]int{}}
	v := l.World.Records()
	x.At = v.Now
	var err error
	if l.KEV != nil {
		if x.kev, err = l.KEV(ctx); err != nil {
			return nil, err
		}
	}
	look, err := v.Look(ctx)
	if err != nil {
		return nil, err
	}
	carry, err := l.carrying(ctx, look, label)
	if err != nil {
		return nil, err
	}
	kinds, kind, err := l.complianceKinds(ctx, v, look, carry)
	if err != nil {
		return nil, err
	}
	members := make([][]patch.MachineID, len(kinds)+1)
	for _, number := range numbersOf(carry, len(kind)) {
		members[kind[number]] = append(members[kind[number]], look.At(number).Machine.ID)
	}
	found := map[patch.ID]*Exposed{}
	for i, k := range kinds {
		for _, column := range k.lacks {
			one := x.lacking(&k.shelf.List.Patches()[column])
			if len(members[i+1]) == 0 || one.severity != s && (s != patch.Exploited || !one.exploited) {
				continue
			}
			e := found[one.patch.ID]
			if e == nil {
				e = &Exposed{Patch: one.patch, Days: one.days, Overdue: one.late(s, allowed)}
				found[one.patch.ID] = e
			}
			e.Machines = append(e.Machines, members[i+1]...)
		}
	}
	out := make([]Exposed, 0, len(found))
	for _, e := range found {
		slices.Sort(e.Machines)
		out = append(out, *e)
	}
	slices.SortFunc(out, func(a, b Exposed) int {
		return cmp.Or(cmp.Compare(b.Days, a.Days), cmp.Compare(a.Patch.ID, b.Patch.ID))
	})
	return out, nil
}

// numbersOf gives the numbers of a set that are below an end.
func numbersOf(some *roaring.Bitmap, end int) []uint32 {
	all := some.ToArray()
	i, _ := slices.BinarySearch(all, uint32(end))
	return all[:i]
}

// late reports whether a patch of an exposure may not be missing any more.
func (x *lacked) late(s patch.Severity, allowed patch.Allowance) bool {
	if s == patch.Exploited {
		return x.overdue
	}
	limit, limited := allowed[s]
	return limited && x.days > limit
}
