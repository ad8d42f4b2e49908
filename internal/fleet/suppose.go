package fleet

import "github.com/fettle-project/fettle/internal/patch"

// With is the machine as it would be if its newest complete detect were another one. The index does not learn of it.
func (s *Seat) With(snap patch.Snapshot) *Seat {
	r := snap.Receipt
	supposed := *s
	supposed.Receipt, supposed.cells, supposed.sheet = &r, packCells(nil, snap.Verdicts), nil
	supposed.amiss, supposed.counts = supposed.cells.amiss(), snap.Verdicts.Counts()
	return &supposed
}
