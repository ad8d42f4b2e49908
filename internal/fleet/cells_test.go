package fleet

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fettle-project/fettle/internal/patch"
)

const columns = 300

// drawVector gives one of a few states, with some columns changed.
func drawVector(t *rapid.T) patch.Vector {
	r := rand.New(rand.NewPCG(uint64(rapid.IntRange(0, 40).Draw(t, "state")), 0))
	v := patch.NewVector(columns)
	for range 150 {
		v.Set(r.IntN(columns), patch.Verdict(r.IntN(4)))
	}
	for range rapid.IntRange(0, 5).Draw(t, "changes") {
		v.Set(rapid.IntRange(0, columns-1).Draw(t, "column"), patch.Verdict(rapid.IntRange(0, 3).Draw(t, "verdict")))
	}
	return v
}

// What is kept as the difference from a base is what was kept, whichever base that is, and so is what two differ in.
func TestCellsAreTheVerdicts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := bases{of: map[sheetKey][]*base{}}
		var was cells
		before := patch.NewVector(columns)
		for range rapid.IntRange(1, 30).Draw(t, "machines") {
			v := drawVector(t)
			c := packCells(all.near(sheetKey{}, v), v)
			for i := range columns {
				if c.at(i) != v.At(i) {
					t.Fatalf("column %d is %s, want %s", i, c.at(i), v.At(i))
				}
			}
			if diff := cmp.Diff(v.Bits(), c.vector(columns).Bits()); diff != "" {
				t.Fatal(diff)
			}
			amiss, want := patch.NewVector(columns), patch.NewVector(columns)
			for i, d := range c.amiss().all() {
				amiss.Set(i, d)
			}
			for i := range columns {
				if d := v.At(i); d == patch.NotPatched || d == patch.Faulty {
					want.Set(i, d)
				}
			}
			if diff := cmp.Diff(want.Bits(), amiss.Bits()); diff != "" {
				t.Fatalf("amiss: %s", diff)
			}
			seen := patch.NewVector(columns)
			copy(seen.Bits(), before.Bits())
			differ(was, c, func(column int, from, to patch.Verdict) {
				if from == to || before.At(column) != from {
					t.Fatalf("column %d went from %s to %s, and was %s", column, from, to, before.At(column))
				}
				seen.Set(column, to)
			})
			if diff := cmp.Diff(v.Bits(), seen.Bits()); diff != "" {
				t.Fatal(diff)
			}
			was, before = c, v
		}
		if n := len(all.of[sheetKey{}]); n > maxBases {
			t.Fatalf("%d bases", n)
		}
	})
}

// Machines that enter a sheet together are counted as those that enter one by one.
func TestEnteringTogetherIsEnteringOneByOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := bases{of: map[sheetKey][]*base{}}
		k := sheetKey{columns: columns}
		together, alone := newSheet(k), newSheet(k)
		for n := uint32(0); n < 60; {
			var seats []*Seat
			for range rapid.IntRange(1, 40).Draw(t, "at once") {
				v := drawVector(t)
				s := &Seat{Number: n, cells: packCells(all.near(k, v), v)}
				alone.enter(n, s.cells)
				seats = append(seats, s)
				n++
			}
			together.enterAll(seats)
			if rapid.Bool().Draw(t, "one leaves") {
				together.leave(seats[0].Number, seats[0].cells)
				alone.leave(seats[0].Number, seats[0].cells)
			}
		}
		if diff := cmp.Diff(content(alone), content(together)); diff != "" {
			t.Fatal(diff)
		}
	})
}

// content is who has what on a sheet, and how many.
func content(s *sheet) map[string][]uint32 {
	out := map[string][]uint32{"all": s.machines.ToArray()}
	for v := range s.sets {
		for i, set := range s.sets[v] {
			name := patch.Verdict(v+1).String() + " " + string(rune('a'+i))
			if set != nil && !set.IsEmpty() {
				out[name] = set.ToArray()
			}
			if n := s.counts[v][i]; n != 0 {
				out[name+" counted"] = []uint32{uint32(n)}
			}
		}
	}
	return out
}
