package fleet

import (
	"cmp"
	"context"
	"math/bits"
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/patch"
)

// Name is a machine as people call it.
type Name struct {
	ID   patch.MachineID `json:"id"`
	Name string          `json:"name"`
}

// order is all machines by name, then by ID.
type order struct {
	names []Name
	rank  []uint32 // in names, by number
}

// Having gives the numbers of the admitted machines whose newest complete detect, with whichever list of the OS that they run, gave a patch that
// verdict. Machines of which it is unknown have none.
func (x *Index) Having(ctx context.Context, os patch.HostOS, id patch.ID, v patch.Verdict) (*roaring.Bitmap, error) {
	columns, err := x.columnsOf(ctx, os, id)
	if err != nil {
		return nil, err
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	out := roaring.New()
	for _, c := range columns {
		if s := x.sheets[c.of]; s != nil {
			out.Or(s.having(c.column, v))
		}
	}
	return out, nil
}

// Who names the machines of Having, of every OS, by name.
func (x *Index) Who(ctx context.Context, id patch.ID, v patch.Verdict) ([]Name, error) {
	columns, err := x.columnsOf(ctx, "", id)
	if err != nil {
		return nil, err
	}
	o := x.byName()
	x.mu.RLock()
	defer x.mu.RUnlock()
	marks, found := make([]uint64, len(o.names)/64+1), 0
	for _, c := range columns {
		s := x.sheets[c.of]
		if s == nil {
			continue
		}
		s.eachHaving(c.column, v, func(n uint32) bool {
			if int(n) < len(o.rank) { // the others came while the names were put in order
				marks[o.rank[n]/64] |= 1 << (o.rank[n] % 64)
				found++
			}
			return true
		})
	}
	out := make([]Name, 0, found)
	for i, word := range marks {
		for ; word != 0; word &= word - 1 {
			out = append(out, o.names[i*64+bits.TrailingZeros64(word)])
		}
	}
	return out, nil
}

// byName puts the machines in order, or remembers that. put forgets it when a machine comes or is called something else.
func (x *Index) byName() *order {
	x.mu.RLock()
	o := x.named
	x.mu.RUnlock()
	if o != nil {
		return o
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.named == nil {
		x.named = x.inOrder()
	}
	return x.named
}

func (x *Index) inOrder() *order {
	by := make([]uint32, x.seats.n)
	for i := range by {
		by[i] = uint32(i)
	}
	slices.SortFunc(by, func(a, b uint32) int {
		m, n := &x.seats.at(a).Machine, &x.seats.at(b).Machine
		return cmp.Or(strings.Compare(m.Name, n.Name), cmp.Compare(m.ID, n.ID))
	})
	o := &order{make([]Name, len(by)), make([]uint32, len(by))}
	for i, n := range by {
		m := &x.seats.at(n).Machine
		o.names[i], o.rank[n] = Name{m.ID, m.Name}, uint32(i)
	}
	return o
}

// columnOf is where a sheet counts a patch.
type columnOf struct {
	of     sheetKey
	column int
}

// columnsOf follows the store and gives the sheets of an OS, of all where it is empty, that count a patch.
func (x *Index) columnsOf(ctx context.Context, os patch.HostOS, id patch.ID) ([]columnOf, error) {
	if err := x.follow(ctx); err != nil {
		return nil, err
	}
	var out []columnOf
	for _, k := range x.kept(os) {
		list, err := x.lists(ctx, k.os, k.revision)
		if err != nil && patch.KindOf(err) != patch.NotFound {
			return nil, err
		}
		if err != nil {
			continue
		}
		if column, ok := list.Index(id); ok && column < k.columns {
			out = append(out, columnOf{k, column})
		}
	}
	return out, nil
}
