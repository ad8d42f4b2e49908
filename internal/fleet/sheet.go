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

func newSheet(r *patch.Receipt) *sheet {
	s := &sheet{os: r.OS, revision: r.Revision, columns: r.Expected, machines: roaring.New()}
	for v := range s.sets {
		s.sets[v], s.counts[v] = make([]*roaring.Bitmap, r.Expected), make([]int32, r.Expected)
	}
	return s
}

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

func (s *sheet) leave(machine uint32, c cells) {
	s.machines.Remove(machine)
	for column, v := range c.all() {
		s.set(machine, column, v, patch.NotApplicable)
	}
}

// having gives a copy of the machines with a verdict in a column.
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
		return b.Clone()
	}
	return roaring.New()
}

// eachHaving visits the numbers of having, in order.
func (s *sheet) eachHaving(column int, v patch.Verdict, visit func(machine uint32) bool) {
	if v == patch.NotApplicable {
		s.having(column, v).Iterate(visit)
	} else if b := s.sets[v-1][column]; b != nil {
		b.Iterate(visit)
	}
}
