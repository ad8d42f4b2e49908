package world

import (
	"cmp"
	"context"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/patch"
)

// tries are all attempts at a patch with what tells machines apart, by seat.
type tries struct {
	by    map[uint32][]patch.Attempt // oldest first
	seats *roaring.Bitmap
}

// gatherTries reads what was tried with a patch.
func (v *View) gatherTries(ctx context.Context, id patch.ID) (*tries, error) {
	if t := v.gathered.tries[id]; t != nil {
		return t, nil
	}
	all, err := v.r.Store.ListTries(ctx, id)
	if err != nil {
		return nil, err
	}
	t := newTries(v.look, all)
	if v.gathered.tries == nil {
		v.gathered.tries = map[patch.ID]*tries{}
	}
	v.gathered.tries[id] = t
	return t, nil
}

// fewMachines is of how many machines at most what was tried is read for them alone.
const fewMachines = 50

// triesOf is gatherTries for a question about some machines: where they are few, nothing else is read.
func (v *View) triesOf(ctx context.Context, id patch.ID, among *roaring.Bitmap) (*tries, error) {
	if v.gathered.tries[id] != nil || among.GetCardinality() > fewMachines {
		return v.gatherTries(ctx, id)
	}
	if err := v.gatherSome(ctx, id, seatsOf(v.look, among)); err != nil {
		return nil, err
	}
	var all []patch.Attempt
	for _, mine := range v.gathered.some[id] {
		all = append(all, mine...)
	}
	return newTries(v.look, all), nil
}

// gatherFlaps reads, once for all patches, what was tried with a patch and found missing afterwards.
func (v *View) gatherFlaps(ctx context.Context, id patch.ID) (*tries, error) {
	if v.gathered.flaps == nil {
		all, err := v.r.Store.ListFlaps(ctx)
		if err != nil {
			return nil, err
		}
		by := map[patch.ID][]patch.Attempt{}
		for _, a := range all {
			by[a.Patch] = append(by[a.Patch], a)
		}
		v.gathered.flaps = map[patch.ID]*tries{}
		for id, mine := range by {
			v.gathered.flaps[id] = newTries(v.look, mine)
		}
	}
	if t := v.gathered.flaps[id]; t != nil {
		return t, nil
	}
	return newTries(v.look, nil), nil
}

func newTries(look *fleet.Look, all []patch.Attempt) *tries {
	t := &tries{by: make(map[uint32][]patch.Attempt, len(all)), seats: roaring.New()}
	for _, a := range all {
		if s := look.Find(a.Machine); s != nil {
			t.by[s.Number] = append(t.by[s.Number], a)
		}
	}
	for n, mine := range t.by {
		t.seats.Add(n)
		slices.SortFunc(mine, func(a, b patch.Attempt) int {
			return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.Number, b.Number))
		})
	}
	return t
}

func (t *tries) unproven(ring string) (n int) {
	if t != nil {
		for _, all := range t.by {
			n += unproven(all, ring)
		}
	}
	return n
}

// gatherSome reads all of some machines' attempts at a patch.
func (v *View) gatherSome(ctx context.Context, id patch.ID, seats []*fleet.Seat) error {
	known := v.gathered.some[id]
	if known == nil {
		known = map[patch.MachineID][]patch.Attempt{}
	}
	var fresh []patch.MachineID
	for _, s := range seats {
		if _, read := known[s.Machine.ID]; !read {
			known[s.Machine.ID], fresh = nil, append(fresh, s.Machine.ID)
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	all, err := v.r.Store.ListAttempts(ctx, patch.AttemptFilter{Patch: id, Machines: fresh})
	if err != nil {
		return err
	}
	for _, a := range all {
		known[a.Machine] = append(known[a.Machine], a)
	}
	if v.gathered.some == nil {
		v.gathered.some = map[patch.ID]map[patch.MachineID][]patch.Attempt{}
	}
	v.gathered.some[id] = known
	return nil
}

// busySeats are the seats of busyIn.
func (v *View) busySeats(ctx context.Context, ring string) (*roaring.Bitmap, error) {
	busy, err := v.busyIn(ctx, ring)
	out := roaring.New()
	for id := range busy {
		if s := v.look.Find(id); s != nil {
			out.Add(s.Number)
		}
	}
	return out, err
}
