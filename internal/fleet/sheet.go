package fleet

import (
	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/patch"
)

// sheet is one revision of one host OS with the admitted machines that run this OS and whose newest complete detect used it: per verdict
// but not-applicable and per column of the list the machines that have it.
type sheet struct {
	os       patch.HostOS
	revision patch.RevisionID
	columns  int
	machines *roaring.Bitmap
	sets     [3][]*roaring.Bitmap // by verdict - 1; nil where no machine ever had it
	counts   [3][]int32
}

func newSheet(k sheetKey) *sheet {
	s := &sheet{os: k.os, revision: k.revision, columns: k.columns, machines: roaring.New()}
	for v := range s.sets {
		s.sets[v], s.counts[v] = make([]*roaring.Bitmap, k.columns), make([]int32, k.columns)
	}
	return s
}

func (s *sheet) key() sheetKey { return sheetKey{s.os, s.revision, s.columns} }

// set moves a machine from one verdict to another.
func (s *sheet) set(machine uint32, column int, from, to patch.Verdict) {
	if from != patch.NotApplicable {
		s.sets[from-1][column].Remove(machine)
		s.counts[from-1][column]--
	}
	if to != patch.NotApplicable {
		b := s.sets[to-1][column]
		if b == nil {
			b = roaring.New()
			s.sets[to-1][column] = b
		}
		b.Add(machine)
		s.counts[to-1][column]++
	}
}

func (s *sheet) enter(machine uint32, c cells) {
	s.machines.Add(machine)
	for column, v := range c.all() {
		s.set(machine, column, patch.NotApplicable, v)
	}
}

// fewAlike machines of one base are not worth entering together.
const fewAlike = 8

// enterAll enters many machines that it does not have: those of one base all at once where they are like it, and then the little that differs.
func (s *sheet) enterAll(seats []*Seat) {
	alike := map[*base][]*Seat{}
	for _, seat := range seats {
		alike[seat.cells.base] = append(alike[seat.cells.base], seat)
	}
	for b, those := range alike {
		if b == nil || len(those) < fewAlike {
			for _, seat := range those {
				s.enter(seat.Number, seat.cells)
			}
			continue
		}
		s.enterAlike(b, those)
	}
}

func (s *sheet) enterAlike(b *base, seats []*Seat) {
	all := roaring.New()
	for _, seat := range seats {
		all.Add(seat.Number)
	}
	s.machines.Or(all)
	for _, c := range b.some {
		at, column := c.verdict()-1, c.column()
		if set := s.sets[at][column]; set == nil {
			s.sets[at][column] = all.Clone()
		} else {
			set.Or(all)
		}
		s.counts[at][column] += int32(len(seats))
	}
	for _, seat := range seats {
		differ(cells{base: b}, seat.cells, func(column int, from, to patch.Verdict) { s.set(seat.Number, column, from, to) })
	}
}

func (s *sheet) leave(machine uint32, c cells) {
	s.machines.Remove(machine)
	for column, v := range c.all() {
		s.set(machine, column, v, patch.NotApplicable)
	}
}

// having gives the machines with a verdict in a column; the caller must not change it, nor keep it longer than the index's lock.
func (s *sheet) having(column int, v patch.Verdict) *roaring.Bitmap {
	if v == patch.NotApplicable {
		b := s.machines.Clone()
		for _, sets := range s.sets {
			if sets[column] != nil {
				b.AndNot(sets[column])
			}
		}
		return b
	}
	if b := s.sets[v-1][column]; b != nil {
		return b
	}
	return roaring.New()
}
