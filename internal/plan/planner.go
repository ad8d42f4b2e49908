// Package plan works out what a deployment would do: exact machines, patches, packages and versions, bound by a hash.
//
// It owns the order within a plan and the record of what is left out and why. Whether a patch is in a plan is not its decision:
// gate.Walk says so, and nothing else. It stores nothing.
package plan

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/world"
)

// Request says for what a plan is wanted. Exactly one of Label and Machines is given; for a rollback of a deployment they may both be missing.
type Request struct {
	Label    string            `json:"label,omitempty"`
	Machines []patch.MachineID `json:"machines,omitempty"`
	Patches  []patch.ID        `json:"patches,omitempty"` // only these; empty: everything that is deployable
	Window   patch.Window      `json:"window,omitzero"`
	// Reboot says when the machines may be restarted after it; nil: never.
	Reboot *patch.RebootPolicy `json:"reboot,omitempty"`
	// Manner is how the machines go about it; nil: nothing beside installing.
	Manner *patch.Manner `json:"manner,omitempty"`
	// Rollback asks for a plan that takes patches back; nil: for one that installs them.
	Rollback *patch.Rollback `json:"rollback,omitempty"`
	// Restarts asks for a plan of restarts alone, of the machines that owe one, or with force of all; without Reboot, where one is needed.
	Restarts bool `json:"restarts,omitempty"`
}

// Planner makes plans. Its methods may be called from many goroutines.
type Planner struct {
	World *world.Reader
}

// Make works out a plan as of now. The gates are judged for the moment at which the window opens, so that tonight can be planned today. A
// plan without any item is no error: its Left lists say why.
func (p *Planner) Make(ctx context.Context, caller patch.Caller, r Request) (patch.Plan, error) {
	v, err := p.World.View(ctx)
	if err != nil {
		return patch.Plan{}, err
	}
	if err := r.check(v.Now); err != nil {
		return patch.Plan{}, err
	}
	if r.Rollback != nil {
		return p.back(ctx, v, caller, r)
	}
	if r.Restarts {
		return p.restarts(ctx, v, caller, r)
	}
	machines, err := p.machines(ctx, v, r)
	if err != nil {
		return patch.Plan{}, err
	}
	out := patch.Plan{Made: v.Now.UTC(), By: caller.Name, Label: r.Label, Window: r.Window, Reboot: r.Reboot, Manner: r.Manner}
	patches := r.Patches
	if len(patches) == 0 {
		patches = v.Decided()
	}
	patches = slices.Compact(slices.Sorted(slices.Values(patches)))
	if out.Machines, err = onMachines(ctx, v, machines, patches, r); err != nil {
		return patch.Plan{}, err
	}
	return sealed(out), nil
}

// sealed is a plan with its machines by name, and its hash.
func sealed(p patch.Plan) patch.Plan {
	slices.SortFunc(p.Machines, func(a, b patch.MachinePlan) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Machine, b.Machine))
	})
	p.Hash = Hash(p)
	return p
}

func (r Request) check(now time.Time) error {
	if err := r.Manner.Check(); err != nil {
		return err
	}
	if r.Reboot != nil {
		if err := r.Reboot.Check(); err != nil {
			return err
		}
	}
	if r.Rollback != nil {
		if err := r.checkRollback(now); err != nil {
			return err
		}
	}
	if r.Restarts {
		if err := r.checkRestarts(); err != nil {
			return err
		}
	}
	free := r.Rollback != nil && r.Rollback.Deployment != ""
	if !free && (r.Label == "") == (len(r.Machines) == 0) {
		return &patch.Error{Kind: patch.Invalid, What: "cannot make a plan", Why: "it needs either a label or machines, not both and not neither"}
	}
	switch w := r.Window; {
	case !w.NotAfter.IsZero() && !w.NotAfter.After(w.NotBefore):
		return patch.Errorf(patch.Invalid, "the window ends before it begins")
	case !w.NotAfter.IsZero() && !w.NotAfter.After(now):
		return patch.Errorf(patch.Invalid, "the window is already over")
	}
	return nil
}

// start is when installs would begin.
func (r Request) start(now time.Time) time.Time {
	if r.Window.NotBefore.After(now) {
		return r.Window.NotBefore
	}
	return now
}

// machines are those that a plan is wanted for.
func (p *Planner) machines(ctx context.Context, v *world.View, r Request) (*roaring.Bitmap, error) {
	if r.Label != "" {
		return v.Carrying(ctx, r.Label)
	}
	out := roaring.New()
	for _, id := range r.Machines {
		s, err := v.Sight(ctx, id)
		if err != nil {
			return nil, err
		}
		out.Add(s.Number())
	}
	return out, nil
}

// install makes the item of a deployable patch; its gates have made sure that files and approval are there.
func install(ctx context.Context, s *world.Sight, w gate.World) (patch.PlanItem, error) {
	pkgs, ok, err := s.Packages(ctx, w.Patch.ID)
	if err != nil {
		return patch.PlanItem{}, err
	}
	d, approved := w.Approval()
	if !ok || len(pkgs) == 0 || !approved {
		return patch.PlanItem{}, patch.Errorf(patch.Internal, "the gates let %s through on %s without files or approval", w.Patch.ID, w.Machine.ID)
	}
	return patch.PlanItem{Patch: w.Patch.ID, Title: w.Patch.Title, Decision: d.ID, Packages: pkgs}, nil
}
