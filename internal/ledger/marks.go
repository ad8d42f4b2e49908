package ledger

import (
	"context"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/world"
)

// marks say how decided patches stand on the machines that need them, in sets: what many machines are counted by without judging one by one.
type marks map[patch.ID]*mark

type mark struct {
	undecided  *roaring.Bitmap // nobody has decided for them
	deployable *roaring.Bitmap
	stuck      *roaring.Bitmap // a person has to look
	exhausted  *roaring.Bitmap // of those: attempts are used up
}

// marked judges every decided patch for the machines of any OS that lack it.
func marked(ctx context.Context, v *world.View, shelves map[patch.HostOS]*world.Shelf, lacking map[patch.HostOS][]*roaring.Bitmap) (marks, error) {
	out := marks{}
	for _, id := range v.Decided() {
		needy := roaring.New()
		for os, shelf := range shelves {
			if i, listed := shelf.List.Index(id); listed && lacking[os][i] != nil {
				needy.Or(lacking[os][i])
			}
		}
		if needy.IsEmpty() {
			continue
		}
		m := &mark{roaring.New(), roaring.New(), roaring.New(), roaring.New()}
		if err := m.judge(ctx, v, id, needy); err != nil {
			return nil, err
		}
		v.Forget()
		out[id] = m
	}
	return out, nil
}

// runs are the admitted machines by the OS that they run.
func runs(ctx context.Context, v *world.View) (map[patch.HostOS]*roaring.Bitmap, error) {
	look, err := v.Look(ctx)
	if err != nil {
		return nil, err
	}
	out := map[patch.HostOS]*roaring.Bitmap{}
	for seat := range look.All() {
		if seat.Machine.State != patch.Admitted {
			continue
		}
		if out[seat.OS()] == nil {
			out[seat.OS()] = roaring.New()
		}
		out[seat.OS()].Add(seat.Number)
	}
	return out, nil
}

func (m *mark) judge(ctx context.Context, v *world.View, id patch.ID, among *roaring.Bitmap) error {
	cells, err := v.Policies(ctx, world.Ask{Patch: id}, among)
	if err != nil {
		return err
	}
	approved := roaring.New()
	for _, c := range cells {
		switch c.Policy.Stand {
		case patch.Undecided:
			m.undecided.Or(c.Seats)
		case patch.Approved:
			approved.Or(c.Seats)
		}
	}
	if approved.IsEmpty() {
		return nil
	}
	cohorts, err := v.Cohorts(ctx, world.Ask{Patch: id}, approved)
	if err != nil {
		return err
	}
	for _, c := range cohorts {
		switch {
		case c.World.Verdict != patch.NotPatched:
		case c.Answer.Deployable:
			m.deployable.Or(c.Seats)
		case sticks(c.Answer.Closed.Code):
			m.stuck.Or(c.Seats)
			if c.Answer.Closed.Code == gate.CodeOutOf {
				m.exhausted.Or(c.Seats)
			}
		}
	}
	return nil
}

// sticks reports whether a closed gate of an approved patch waits for a person.
func sticks(code string) bool {
	return code == gate.CodeOutOf || code == gate.CodeDependency || code == gate.CodeSuspect
}
