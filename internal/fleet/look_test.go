package fleet

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

// Machines that come are put between those that were there.
func TestMachinesStayInTheOrderOfTheirIDs(t *testing.T) {
	x := New(nil, nil)
	for range 30 {
		for range rand.IntN(9) {
			n := x.seats.n
			x.seats.put(n, &Seat{Number: n, Machine: patch.Machine{ID: patch.MachineID(fmt.Sprintf("%08x-%d", rand.Uint32(), n))}})
		}
		x.sortByID()
		if len(x.ids) != int(x.seats.n) || len(x.sorted) != len(x.ids) || !slices.IsSorted(x.ids) {
			t.Fatalf("%d of %d: %v", len(x.ids), x.seats.n, x.ids)
		}
		for i, n := range x.sorted {
			if x.seats.at(n).Machine.ID != x.ids[i] {
				t.Fatalf("%s is not at %d", x.ids[i], n)
			}
		}
	}
}
