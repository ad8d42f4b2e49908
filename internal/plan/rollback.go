package plan

import (
	"context"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/world"
)

func (r Request) checkRollback(now time.Time) error {
	if err := r.Rollback.Check(now); err != nil {
		return err
	}
	switch {
	case r.Rollback.Deployment == "" && len(r.Patches) == 0:
		return &patch.Error{Kind: patch.Invalid, What: "cannot plan the rollback", Why: "it needs a deployment, or patches with a label or machines", Do: "Name what has to go back."}
	case r.Rollback.Deployment != "" && r.Label != "":
		return patch.Errorf(patch.Invalid, "a deployment is taken back on its own machines: name some of them, and no label")
	}
	return nil
}

// back makes a plan that takes patches back: of a deployment what it brought, else the patches of the request. Every machine that has not got
// a patch, or cannot go back, is left out with the gate that says why.
func (p *Planner) back(ctx context.Context, v *world.View, caller patch.Caller, r Request) (patch.Plan, error) {
	targets, err := p.targets(ctx, r)
	if err != nil {
		return patch.Plan{}, err
	}
	out := patch.Plan{Made: v.Now.UTC(), By: caller.Name, Label: r.Label, Window: r.Window, Reboot: r.Reboot, Manner: r.Manner, Rollback: r.Rollback, Machines: []patch.MachinePlan{}}
	for _, t := range targets {
		m, err := backOn(ctx, v, t, r)
		if err != nil {
			return patch.Plan{}, err
		}
		if len(m.Items)+len(m.Left) > 0 {
			out.Machines = append(out.Machines, m)
		}
	}
	return sealed(out), nil
}

// target is a machine with the patches that have to go back there, in that order.
type target struct {
	machine patch.MachineID
	patches []patch.ID
}

func (p *Planner) targets(ctx context.Context, r Request) (out []target, err error) {
	if id := r.Rollback.Deployment; id != "" {
		dep, err := p.World.Store.FindDeployment(ctx, id)
		if err != nil {
			return nil, err
		}
		if dep.Plan.Rollback != nil {
			return nil, &patch.Error{Kind: patch.Invalid, What: "this deployment took patches back itself", Do: "To have them again, lift the hold and deploy them."}
		}
		return brought(dep.Plan, r), nil
	}
	machines := r.Machines
	if r.Label != "" {
		if machines, err = p.World.Labels.Members(ctx, r.Label); err != nil {
			return nil, err
		}
	}
	patches := slices.Compact(slices.Sorted(slices.Values(r.Patches)))
	for _, m := range slices.Compact(slices.Sorted(slices.Values(machines))) {
		out = append(out, target{m, patches})
	}
	return out, nil
}

// brought is what a plan installed, the last one first, as far as the request does not narrow it.
func brought(p patch.Plan, r Request) (out []target) {
	for _, m := range p.Machines {
		if len(r.Machines) > 0 && !slices.Contains(r.Machines, m.Machine) {
			continue
		}
		t := target{machine: m.Machine}
		for _, i := range slices.Backward(m.Items) {
			if len(r.Patches) == 0 || slices.Contains(r.Patches, i.Patch) {
				t.patches = append(t.patches, i.Patch)
			}
		}
		if len(t.patches) > 0 {
			out = append(out, t)
		}
	}
	return out
}

func backOn(ctx context.Context, v *world.View, t target, r Request) (patch.MachinePlan, error) {
	s, err := v.Sight(ctx, t.machine)
	if err != nil {
		return patch.MachinePlan{}, err
	}
	m := patch.MachinePlan{Machine: t.machine, Name: s.Machine.Name, OS: s.OS, Items: []patch.PlanItem{}}
	if s.Receipt != nil {
		m.Snapshot, m.Revision = s.Receipt.Seq, s.Receipt.Revision
	}
	for _, id := range t.patches {
		ask := world.Ask{Patch: id, Start: r.start(v.Now), Window: r.Window, Manner: r.Manner, Back: true, Among: t.patches}
		w, err := s.World(ctx, ask)
		if err != nil {
			return m, err
		}
		a := gate.Walk(w)
		if !a.Deployable && !a.Queues() {
			m.Left = append(m.Left, patch.LeftOut{Patch: id, Gate: string(a.Closed.Name) + "/" + a.Closed.Code, Text: a.Closed.Text, Outcome: backOutcome(*a.Closed), Next: a.Closed.Next})
			continue
		}
		packages, err := s.BackPackages(ctx, ask)
		if err != nil {
			return m, err
		}
		item := patch.PlanItem{Patch: id, Title: w.Patch.Title, Packages: packages}
		if !a.Deployable {
			item.Outcome, item.Text = patch.WillWait, a.Closed.Text
		}
		m.Items = append(m.Items, item)
	}
	foretell(&m, r, v.Now)
	return m, nil
}

// backOutcome sorts what keeps a patch from going back.
func backOutcome(g gate.Gate) patch.Outcome {
	switch {
	case g.Code == gate.CodeNotThere:
		return patch.NotThere
	case g.Code == gate.CodeNeeded:
		return patch.NeedsDecision
	case g.Name == gate.Prerequisites:
		return patch.DoesNotApply
	}
	return patch.IsBlocked
}
