package deploy

import (
	"cmp"
	"context"
	"slices"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/world"
)

// WatchPart is Watch of some machines only, of which it also says how many there are. It reads no more than these: however large the deployment.
func (d *Desk) WatchPart(ctx context.Context, id string, want Part) (p Progress, machines int, err error) {
	dep, err := d.Store.FindDeploymentHead(ctx, id)
	if err != nil {
		return p, 0, err
	}
	all, err := d.tally(ctx, dep)
	if err != nil {
		return p, 0, err
	}
	p = all[0]
	if want.Limit == 0 {
		return p, 0, nil
	}
	v, err := d.World.View(ctx)
	if err != nil {
		return p, 0, err
	}
	names, err := d.takingPart(ctx, v, id, want.Stage)
	if err != nil {
		return p, 0, err
	}
	machines = len(names)
	names = names[min(want.Offset, machines):min(want.Offset+want.Limit, machines)]
	p.Machines, err = d.part(ctx, v, dep, want.Stage, names)
	return p, machines, err
}

// takingPart are the machines that have an install at a stage, by name.
func (d *Desk) takingPart(ctx context.Context, v *world.View, id string, at patch.Stage) ([]patch.MachinePlan, error) {
	ids, err := d.Store.ListTakingPart(ctx, id, at)
	if err != nil {
		return nil, err
	}
	look, err := v.Look(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]patch.MachinePlan, 0, len(ids))
	for _, id := range ids {
		if seat := look.Find(id); seat != nil {
			out = append(out, patch.MachinePlan{Machine: id, Name: seat.Machine.Name})
		}
	}
	slices.SortFunc(out, func(a, b patch.MachinePlan) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Machine, b.Machine))
	})
	return out, nil
}

// part reads what these machines do, and keeps of it what is at the stage.
func (d *Desk) part(ctx context.Context, v *world.View, dep patch.Deployment, at patch.Stage, machines []patch.MachinePlan) ([]MachineProgress, error) {
	if len(machines) == 0 {
		return nil, nil
	}
	ids := make([]patch.MachineID, len(machines))
	for i, m := range machines {
		ids[i] = m.Machine
	}
	attempts, err := d.World.Store.ListAttempts(ctx, patch.AttemptFilter{Deployment: dep.ID, Machines: ids})
	if err != nil {
		return nil, err
	}
	by := byMachine(attempts)
	budget := explained
	var out []MachineProgress
	for _, m := range machines {
		if len(by[m.Machine]) == 0 {
			continue
		}
		mp, err := machine(ctx, v, dep, m, by[m.Machine], &budget)
		if err != nil {
			return nil, err
		}
		mp.Items = slices.DeleteFunc(mp.Items, func(i ItemProgress) bool { return !at.In(i.Attempt) })
		out = append(out, mp)
	}
	return out, nil
}

// List gives the newest deployments with their progress in numbers.
func (d *Desk) List(ctx context.Context, limit int) ([]Progress, error) {
	all, err := d.Store.ListDeployments(ctx, limit)
	if err != nil {
		return nil, err
	}
	return d.tally(ctx, all...)
}

// tally adds deployments' attempts up, without reading them.
func (d *Desk) tally(ctx context.Context, deps ...patch.Deployment) ([]Progress, error) {
	if len(deps) == 0 {
		return []Progress{}, nil
	}
	ids := make([]string, len(deps))
	for i, dep := range deps {
		ids[i] = dep.ID
	}
	tallies, err := d.Store.TallyAttempts(ctx, ids...)
	if err != nil {
		return nil, err
	}
	out := make([]Progress, len(deps))
	for i, dep := range deps {
		at := slices.IndexFunc(tallies, func(t patch.AttemptTally) bool { return t.Deployment == dep.ID })
		if at < 0 {
			out[i] = summed(dep, patch.AttemptTally{})
			continue
		}
		out[i] = summed(dep, tallies[at])
	}
	return out, nil
}
