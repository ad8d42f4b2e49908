package approval

import (
	"context"
	"slices"

	"github.com/fettle-project/fettle/internal/patch"
)

// Recalled is a decision with those for whom it was made.
type Recalled struct {
	Decision patch.Decision `json:"decision"`
	// Recorded says whether it is known who carried the label then. Older decisions do not know.
	Recorded bool              `json:"recorded"`
	Then     []patch.MachineID `json:"then"`   // who carried the label when it was decided
	Now      []patch.MachineID `json:"now"`    // who carries it now: whom the decision covers
	Joined   []patch.MachineID `json:"joined"` // now and not then
	Left     []patch.MachineID `json:"left"`   // then and not now
	Gone     bool              `json:"gone"`   // the label does not exist any more
	// Names are what all these machines are called now, by id.
	Names map[patch.MachineID]string `json:"names"`
}

// Recall tells for whom a decision was made, and whom it covers now.
func (d *Desk) Recall(ctx context.Context, of patch.Decision) (Recalled, error) {
	r := Recalled{Decision: of, Recorded: of.Scope != "", Then: []patch.MachineID{}, Now: []patch.MachineID{}}
	var err error
	if r.Recorded {
		if r.Then, err = d.Store.FindScope(ctx, of.Scope); err != nil {
			return r, err
		}
	}
	now, err := d.World.Labels.Members(ctx, of.Label)
	if patch.KindOf(err) == patch.NotFound && err != nil {
		r.Gone, err = true, nil
	}
	if err != nil {
		return r, err
	}
	r.Now = append(r.Now, now...)
	r.Joined, r.Left = []patch.MachineID{}, []patch.MachineID{}
	if r.Recorded {
		r.Joined, r.Left = missing(r.Now, r.Then), missing(r.Then, r.Now)
	}
	r.Names, err = d.names(ctx, r.Then, r.Now)
	return r, err
}

// names tells what machines are called. Who is shut out by now has a name too.
func (d *Desk) names(ctx context.Context, groups ...[]patch.MachineID) (map[patch.MachineID]string, error) {
	look, err := d.World.Records().Look(ctx)
	if err != nil {
		return nil, err
	}
	out := map[patch.MachineID]string{}
	for _, ids := range groups {
		for _, id := range ids {
			if seat := look.Find(id); seat != nil {
				out[id] = seat.Machine.Name
			}
		}
	}
	return out, nil
}

// missing lists those that are not among others.
func missing(of, others []patch.MachineID) []patch.MachineID {
	return slices.DeleteFunc(slices.Clone(of), func(id patch.MachineID) bool {
		_, in := slices.BinarySearch(others, id)
		return in
	})
}
