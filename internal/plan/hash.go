package plan

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"github.com/fettle-project/fettle/internal/patch"
)

// Hash is over the canonical JSON of what a plan would do: label, window, and for each machine its items in their order, with what is foretold of
// them and of the machine: outcome, bytes, time and restart. Who made it and when, what is left
// out and which snapshots it rests on are not in it, so that the same deed has the same hash.
func Hash(p patch.Plan) patch.Hash {
	frame, err := json.Marshal(struct {
		Label    string              `json:"label"`
		Window   patch.Window        `json:"window"`
		Machines []struct{}          `json:"machines"` // nil
		Reboot   *patch.RebootPolicy `json:"reboot,omitempty"`
		Manner   *patch.Manner       `json:"manner,omitempty"`
		Rollback *patch.Rollback     `json:"rollback,omitempty"`
		Restarts bool                `json:"restarts,omitempty"`
	}{Label: p.Label, Restarts: p.Restarts, Reboot: p.Reboot, Manner: p.Manner, Rollback: p.Rollback, Window: patch.Window{NotBefore: p.Window.NotBefore.UTC(), NotAfter: p.Window.NotAfter.UTC()}})
	if err != nil {
		return "" // only a value that JSON cannot hold; no field of a plan is one
	}
	name := []byte(`"machines":`)
	at := bytes.Index(frame, name) + len(name) // no text in JSON holds a quotation mark that is not escaped
	sum := sha256.New()                        // whose Write never fails
	_, _ = sum.Write(frame[:at])
	w := deeds{items: map[itemKey][]byte{}}
	var b []byte
	end := "null"
	for i := range p.Machines {
		if m := &p.Machines[i]; len(m.Items) > 0 {
			next := byte(',')
			if end == "null" {
				next, end = '[', "]"
			}
			b = w.appendMachine(append(b[:0], next), m)
			_, _ = sum.Write(b)
		}
	}
	_, _ = sum.Write([]byte(end))
	_, _ = sum.Write(frame[at+len("null"):])
	return patch.Hash(hex.EncodeToString(sum.Sum(nil)))
}

// Again makes a plan once more, as of now, for exactly the machines and patches that it installs. What has become deployable since is not
// added, because nobody has seen it; what is deployable no more is missing.
func (p *Planner) Again(ctx context.Context, caller patch.Caller, old patch.Plan) (patch.Plan, error) {
	if Hash(old) != old.Hash {
		return patch.Plan{}, &patch.Error{Kind: patch.Conflict, What: "this is not the plan that was made", Why: "its hash is another one than it says: it was changed since, or made by another version",
			Do: "Make the plan again and look at it."}
	}
	type pair struct {
		machine patch.MachineID
		patch   patch.ID
	}
	r := Request{Label: old.Label, Window: old.Window, Reboot: old.Reboot, Manner: old.Manner, Rollback: old.Rollback, Restarts: old.Restarts}
	wanted := map[pair]bool{}
	for _, m := range old.Machines {
		if len(m.Items) > 0 && r.Label == "" {
			r.Machines = append(r.Machines, m.Machine)
		}
		for _, i := range m.Items {
			wanted[pair{m.Machine, i.Patch}] = true
			if !old.Restarts {
				r.Patches = append(r.Patches, i.Patch)
			}
		}
	}
	if len(wanted) == 0 {
		return patch.Plan{}, patch.Errorf(patch.Invalid, "the plan installs nothing")
	}
	fresh, err := p.Make(ctx, caller, r)
	if err != nil {
		return patch.Plan{}, err
	}
	for i := range fresh.Machines {
		m := &fresh.Machines[i]
		narrow(m, func(id patch.ID) bool { return wanted[pair{m.Machine, id}] })
		foretell(m, r, fresh.Made)
	}
	fresh.Machines = slices.DeleteFunc(fresh.Machines, func(m patch.MachinePlan) bool { return len(m.Items)+len(m.Left) == 0 })
	fresh.Hash = Hash(fresh)
	return fresh, nil
}

// narrow leaves of a machine's part what is about some patches. What is left out stands in a list that is other machines' too.
func narrow(m *patch.MachinePlan, wanted func(patch.ID) bool) {
	m.Items = slices.DeleteFunc(m.Items, func(x patch.PlanItem) bool { return !wanted(x.Patch) })
	m.Left = slices.DeleteFunc(slices.Clone(m.Left), func(x patch.LeftOut) bool { return !wanted(x.Patch) })
}
