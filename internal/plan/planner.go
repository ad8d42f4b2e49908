// Package plan works out what a deployment would do: exact machines, patches, packages and versions, bound by a hash.
//
// It owns the choice of packages' order and the record of what is left out and why. Whether a patch is in a plan is not its
// decision: gate.Walk says so, and nothing else. It stores nothing.
package plan

import (
	"context"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/world"
)

// Request says for what a plan is wanted. Exactly one of Label and Machines is given.
type Request struct {
	Label    string            `json:"label,omitempty"`
	Machines []patch.MachineID `json:"machines,omitempty"`
	Patches  []patch.ID        `json:"patches,omitempty"` // only these; empty: everything that is deployable
	Window   patch.Window      `json:"window,omitzero"`
}

// Planner makes plans.
type Planner struct {
	World *world.Reader
}

// Make works out a plan as of now. A plan without any item is no error: its Left lists say why.
func (p *Planner) Make(ctx context.Context, caller patch.Caller, r Request) (patch.Plan, error) {
	return patch.Plan{}, patch.Errorf(patch.Internal, "not built yet")
}

// Hash is over the plan's canonical JSON without the hash itself, the time and the person, so that the same plan made twice has the same hash.
func Hash(p patch.Plan) patch.Hash { return "" }
