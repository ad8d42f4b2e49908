package deploy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/world"
)

// ResetRequest asks for new attempts of a patch: on one machine, or wherever they are used up under a label.
type ResetRequest struct {
	Patch   patch.ID
	Machine patch.MachineID
	Label   string
	Why     string
}

// ResetAttempts lets a patch be tried anew: its failures until now count no more. On one machine that holds whatever is left of its attempts;
// under a label it is done where they are used up, and the machines are given back. Conflict where there are none.
func (d *Desk) ResetAttempts(ctx context.Context, caller patch.Caller, r ResetRequest) ([]patch.Reset, error) {
	switch {
	case (r.Machine == "") == (r.Label == ""):
		return nil, patch.Errorf(patch.Invalid, "attempts are reset on a machine or under a label, not both and not neither")
	case strings.TrimSpace(r.Why) == "":
		return nil, &patch.Error{Kind: patch.Invalid, What: "cannot reset the attempts", Why: "a reason is missing", Do: "Say why it will work now; it is kept."}
	}
	machines, object := []patch.MachineID{r.Machine}, fmt.Sprintf("%s on %s", r.Patch, r.Machine)
	if r.Label != "" {
		object = fmt.Sprintf("%s for %s", r.Patch, r.Label)
		var err error
		if machines, err = d.exhausted(ctx, r.Label, r.Patch); err != nil {
			return nil, err
		}
	} else if _, err := d.World.Store.FindMachine(ctx, r.Machine); err != nil {
		return nil, err
	}
	if len(machines) == 0 {
		return nil, &patch.Error{Kind: patch.Conflict, What: phrase.Of("no machine of {1} is out of attempts of {2}", r.Label, string(r.Patch)),
			Do: phrase.Of("See why they do not install it: {1}. Machines where a patch is out of attempts: {2}", "fettle explain --label "+r.Label+" "+string(r.Patch), "fettle machines list --show exhausted")}
	}
	out := make([]patch.Reset, len(machines))
	for i, m := range machines {
		out[i] = patch.Reset{Machine: m, Patch: r.Patch, Label: r.Label, By: caller.Name, At: d.Now().UTC(), Why: clip(r.Why, maxText)}
	}
	if err := d.Store.PutResets(ctx, caller, object, clip(r.Why, maxText), out); err != nil {
		return nil, err
	}
	return out, nil
}

// exhausted lists the machines of a label on which a patch is out of attempts.
func (d *Desk) exhausted(ctx context.Context, label string, id patch.ID) ([]patch.MachineID, error) {
	members, err := d.World.Labels.Members(ctx, label)
	if err != nil {
		return nil, err
	}
	tried, err := d.World.Store.ListAttempts(ctx, patch.AttemptFilter{Patch: id})
	if err != nil {
		return nil, err
	}
	has := map[patch.MachineID]bool{}
	for _, a := range tried {
		has[a.Machine] = true
	}
	v, err := d.World.View(ctx)
	if err != nil {
		return nil, err
	}
	var out []patch.MachineID
	for _, m := range members {
		if !has[m] {
			continue
		}
		s, err := v.Sight(ctx, m)
		if err != nil {
			return nil, err
		}
		a, err := s.Walk(ctx, world.Ask{Patch: id})
		if err != nil {
			return nil, err
		}
		if a.Gate(gate.Attempts).Code == gate.CodeOutOf {
			out = append(out, m)
		}
	}
	slices.Sort(out)
	return out, nil
}

// files names what is installed for an item, by the beginnings of its files' hashes.
func files(item patch.PlanItem) []string {
	var out []string
	for _, p := range item.Packages {
		out = append(out, p.SHA256.Short())
	}
	slices.Sort(out)
	return slices.Compact(out)
}
