package expr

import (
	"cmp"
	"slices"
	"sort"
)

// bound is a comparison with a constant, told by the words for which it holds: those below the constant, the constant itself, those above.
type bound struct {
	at                 string
	below, same, above bool
}

// newBound gives nil for functions that compare nothing.
func newBound(function, at string) *bound {
	is := comparing(function, 0)
	if is == nil {
		return nil
	}
	return &bound{at: at, below: is(-1), same: is(0), above: is(1)}
}

// order is a column's words from the lowest to the highest. Every comparison with a constant holds for runs of them, so that the constant is
// looked for once and compared with few.
type order struct {
	words  []string
	lowest [][]uint64 // by number: the things that have so many lowest words
}

func (c *column) inOrder() *order {
	if c.order != nil {
		return c.order
	}
	n, width := len(c.words), (len(c.words)+63)/64
	by := make([]int, n)
	for i := range by {
		by[i] = i
	}
	slices.SortFunc(by, func(a, b int) int { return cmp.Compare(c.words[a], c.words[b]) })
	o := &order{words: make([]string, n), lowest: make([][]uint64, n+1)}
	bits := make([]uint64, width*(n+1))
	for i := range o.lowest {
		o.lowest[i], bits = bits[:width:width], bits[width:]
		if i > 0 {
			t := by[i-1]
			o.words[i-1] = c.words[t]
			copy(o.lowest[i], o.lowest[i-1])
			o.lowest[i][t/64] |= 1 << (t % 64)
		}
	}
	c.order = o
	return o
}

// over gives the things whose words a comparison holds for.
func (o *order) over(b *bound) []uint64 {
	from := sort.SearchStrings(o.words, b.at)
	to := from + sort.Search(len(o.words)-from, func(i int) bool { return o.words[from+i] > b.at })
	below, through, all := o.lowest[from], o.lowest[to], o.lowest[len(o.words)]
	out := make([]uint64, len(all))
	for i := range out {
		if b.below {
			out[i] |= below[i]
		}
		if b.same {
			out[i] |= through[i] &^ below[i]
		}
		if b.above {
			out[i] |= all[i] &^ through[i]
		}
	}
	return out
}
