package deploy

import (
	"context"
	"sync"

	"github.com/fettle-project/fettle/internal/patch"
)

// keptPlans is how many deployments' plans are kept as they were read. A plan of ten thousand machines takes longer to read than everything else
// that handing out one order takes, and it never changes.
const keptPlans = 4

// plans keeps the newest plans that orders were made from. The zero value is empty.
type plans struct {
	mu    sync.Mutex
	order []string // of use, the oldest first
	kept  map[string]map[patch.MachineID][]patch.PlanItem
}

// planned is what a deployment's plan has for a machine.
func (d *Desk) planned(ctx context.Context, deployment string, id patch.MachineID) ([]patch.PlanItem, error) {
	d.plans.mu.Lock()
	defer d.plans.mu.Unlock()
	if known, ok := d.plans.kept[deployment]; ok {
		return known[id], nil
	}
	dep, err := d.Store.FindDeployment(ctx, deployment)
	if err != nil {
		return nil, err
	}
	by := make(map[patch.MachineID][]patch.PlanItem, len(dep.Plan.Machines))
	for _, m := range dep.Plan.Machines {
		by[m.Machine] = m.Items
	}
	if d.plans.kept == nil {
		d.plans.kept = map[string]map[patch.MachineID][]patch.PlanItem{}
	}
	d.plans.kept[deployment] = by
	d.plans.order = append(d.plans.order, deployment)
	if len(d.plans.order) > keptPlans {
		delete(d.plans.kept, d.plans.order[0])
		d.plans.order = d.plans.order[1:]
	}
	return by[id], nil
}
