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
	names   []Name
	numbers []uint32 // in the same order
	rank    []uint32 // in names, by number
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

// Who names the machines of Having, of every OS, by name; the caller must not change the names.
func (x *Index) Who(ctx context.Context, id patch.ID, v patch.Verdict) ([]*Name, error) {
	columns, err := x.columnsOf(ctx, "", id)
	if err != nil {
		return nil, err
	}
	o := x.byName()
	return o.of(x.marksOf(columns, v, len(o.rank))), nil
}

// marksOf sets the bits, by number, of machines with a verdict in some columns; those of numbers from most on are left out: they came later.
func (x *Index) marksOf(columns []columnOf, v patch.Verdict, most int) (marks []uint64, found int) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	marks = make([]uint64, (most+63)/64)
	var dense []uint64
	for _, c := range columns {
		s := x.sheets[c.of]
		if s == nil {
			continue
		}
		set := s.having(c.column, v)
		dense = append(dense[:0], make([]uint64, set.DenseSize())...)
		set.WriteDenseTo(dense)
		for i, word := range dense[:min(len(dense), len(marks))] {
			marks[i] |= word
		}
	}
	if most%64 > 0 {
		marks[most/64] &= 1<<(most%64) - 1
	}
	for _, word := range marks {
		found += bits.OnesCount64(word)
	}
	return marks, found
}

// of names the machines whose bits are set. Where these are many of all, each of all is looked at in turn; else their places are put in order by
// setting bits.
func (o *order) of(marks []uint64, found int) []*Name {
	out := make([]*Name, 0, found)
	if 4*found > len(o.names) {
		for _, place := range marked(o.numbers, marks, make([]uint32, len(o.numbers)+1)) {
			out = append(out, &o.names[place])
		}
		return out
	}
	places := make([]uint64, len(marks))
	each(marks, func(n int) { places[o.rank[n]/64] |= 1 << (o.rank[n] % 64) })
	each(places, func(i int) { out = append(out, &o.names[i]) })
	return out
}

// each visits the bits that are set.
func each(marks []uint64, visit func(n int)) {
	for i, word := range marks {
		for ; word != 0; word &= word - 1 {
			visit(i*64 + bits.TrailingZeros64(word))
		}
	}
}

// ByName gives every machine as of now, by name, then by ID.
func (x *Index) ByName(ctx context.Context) ([]*Seat, error) {
	if err := x.follow(ctx); err != nil {
		return nil, err
	}
	o := x.byName()
	x.mu.RLock()
	defer x.mu.RUnlock()
	out := make([]*Seat, len(o.numbers))
	for i, n := range o.numbers {
		out[i] = x.seats.at(n)
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
	o := &order{make([]Name, len(by)), by, make([]uint32, len(by))}
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

// Lacking gives, by column of an OS's list of that revision, the numbers of the admitted machines whose newest complete detect, with whichever
// list, gave the patch the verdict not-patched; nil where there are none. They are the caller's own.
func (x *Index) Lacking(ctx context.Context, os patch.HostOS, revision patch.RevisionID) ([]*roaring.Bitmap, error) {
	for {
		p, err := x.pairs(ctx, os, revision)
		if err != nil {
			return nil, err
		}
		if out, ok := x.lacking(p); ok {
			return out, nil
		}
	}
}

// lacking is not ok where a detect with a list that p does not know has come meanwhile.
func (x *Index) lacking(p pairing) (out []*roaring.Bitmap, ok bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	out = make([]*roaring.Bitmap, p.columns)
	for _, s := range x.sheets {
		if s.os != p.os {
			continue
		}
		to, known := p.by[s.revision]
		if !known {
			return nil, false
		}
		for i := range out {
			c := i
			if s.revision != p.revision {
				if i >= len(to) {
					continue
				}
				c = int(to[i])
			}
			if c < 0 || c >= s.columns || s.counts[patch.NotPatched-1][c] == 0 {
				continue
			}
			if set := s.sets[patch.NotPatched-1][c]; out[i] == nil {
				out[i] = set.Clone()
			} else {
				out[i].Or(set)
			}
		}
	}
	return out, true
}
