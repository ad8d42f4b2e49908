package ledger

import (
	"context"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/world"
)

// census is how the admitted machines stand on the patches that they need, in sets of machines by patch: what a fleet is counted by without
// asking each machine about each patch.
type census struct {
	view  *world.View
	needs map[patch.HostOS][]need
	marks marks
}

// need is one patch of an OS's newest list that some admitted machine of the OS needs.
type need struct {
	patch      patch.ID
	security   bool
	needy      *roaring.Bitmap
	undecided  *roaring.Bitmap // those of needy for which nobody decided
	deployable *roaring.Bitmap // nil where nobody decided
	stuck      *roaring.Bitmap // likewise
	exhausted  *roaring.Bitmap // likewise
}

// count makes the census of all machines.
func (l *Ledger) count(ctx context.Context, v *world.View) (*census, error) {
	c := &census{view: v, needs: map[patch.HostOS][]need{}}
	oses, err := runs(ctx, v)
	if err != nil {
		return nil, err
	}
	shelves, lacking := map[patch.HostOS]*world.Shelf{}, map[patch.HostOS][]*roaring.Bitmap{}
	for os := range oses {
		shelf, err := v.Shelf(ctx, os, "")
		if err != nil {
			return nil, err
		}
		if shelf == nil {
			continue
		}
		shelves[os] = shelf
		if lacking[os], err = l.World.Fleet.Lacking(ctx, os, shelf.Revision); err != nil {
			return nil, err
		}
	}
	if c.marks, err = marked(ctx, v, shelves, lacking); err != nil {
		return nil, err
	}
	for os, shelf := range shelves {
		c.enter(os, shelf, lacking[os])
	}
	return c, nil
}

// enter notes what an OS's machines need.
func (c *census) enter(os patch.HostOS, shelf *world.Shelf, lacking []*roaring.Bitmap) {
	patches := shelf.List.Patches()
	for i, needy := range lacking {
		if needy == nil || needy.IsEmpty() {
			continue
		}
		n := need{patch: patches[i].ID, security: patches[i].Category == patch.Security, needy: needy, undecided: needy}
		if m := c.marks[patches[i].ID]; m != nil {
			n.undecided = roaring.And(needy, m.undecided)
			n.deployable, n.stuck, n.exhausted = roaring.And(needy, m.deployable), roaring.And(needy, m.stuck), roaring.And(needy, m.exhausted)
		}
		c.needs[os] = append(c.needs[os], n)
	}
}

// numbers are what one machine is counted by beside its verdicts.
type numbers struct {
	security, undecided, deployable, exhausted int32
	stuck                                      bool
}

// numbers gives those of all machines by number of their seat.
func (c *census) numbers(machines int) []numbers {
	all := make([]numbers, machines)
	add := func(set *roaring.Bitmap, to func(*numbers)) {
		if set == nil {
			return
		}
		set.Iterate(func(n uint32) bool {
			if int(n) < machines { // others came later
				to(&all[n])
			}
			return true
		})
	}
	for _, needs := range c.needs {
		for _, n := range needs {
			if n.security {
				add(n.needy, func(x *numbers) { x.security++ })
			}
			add(n.undecided, func(x *numbers) { x.undecided++; x.stuck = true })
			add(n.deployable, func(x *numbers) { x.deployable++ })
			add(n.stuck, func(x *numbers) { x.stuck = true })
			add(n.exhausted, func(x *numbers) { x.exhausted++ })
		}
	}
	return all
}

func (c *census) waiting() Waiting {
	w := Waiting{}
	for os, needs := range c.needs {
		for _, n := range needs {
			if !n.undecided.IsEmpty() {
				w.add(os, n.patch)
			}
		}
	}
	return w
}

// stuck are the machines on which something that they need waits for a person.
func (c *census) stuck() *roaring.Bitmap {
	var sets []*roaring.Bitmap
	for _, needs := range c.needs {
		for _, n := range needs {
			sets = append(sets, n.undecided)
			if n.stuck != nil {
				sets = append(sets, n.stuck)
			}
		}
	}
	return roaring.FastOr(sets...)
}
