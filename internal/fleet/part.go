package fleet

import (
	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/patch"
)

// Part parts admitted machines of a look by their verdict in a column of the list that their newest complete detect used: the same list of all
// of them, that of the given receipt. What has changed since the look is left out of account.
func (x *Index) Part(look *Look, of *patch.Receipt, column int, among *roaring.Bitmap) []*roaring.Bitmap {
	out := []*roaring.Bitmap{among.Clone(), roaring.New(), roaring.New(), roaring.New()}
	x.mu.RLock()
	defer x.mu.RUnlock()
	if s := x.sheets[sheetKey{of.OS, of.Revision, of.Expected}]; s != nil && column < s.columns {
		for i, sets := range s.sets {
			if b := sets[column]; b != nil {
				out[i+1] = roaring.And(among, b)
				out[patch.NotApplicable].AndNot(b)
			}
		}
	}
	for n, was := range look.changed(&x.seats) {
		if !among.Contains(n) {
			continue
		}
		for _, set := range out {
			set.Remove(n)
		}
		out[was.Verdict(column)].Add(n)
	}
	return out
}

// changed yields the seats of a look that a table does not have any more.
func (l *Look) changed(now *table) func(yield func(uint32, *Seat) bool) {
	return func(yield func(uint32, *Seat) bool) {
		for c, was := range l.chunks {
			if now.chunks[c] == was {
				continue
			}
			for i, s := range was.seats[:min(chunkSize, l.Len()-c*chunkSize)] {
				if now.chunks[c].seats[i] != s && !yield(uint32(c*chunkSize+i), s) {
					return
				}
			}
		}
	}
}
