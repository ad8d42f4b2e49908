package main

import (
	"context"

	"github.com/fettle-project/fettle/internal/deploy"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/plan"
)

// rollbacks joins planner and deployments for rollbacks that a second person confirms.
type rollbacks struct {
	planner *plan.Planner
	desk    *deploy.Desk
}

// Again makes the plan of a proposal again.
func (r rollbacks) Again(ctx context.Context, caller patch.Caller, p patch.Proposal) (patch.Plan, error) {
	return r.planner.Make(ctx, caller, plan.Request{Label: p.Rollback.Label, Machines: p.Rollback.Machines, Patches: p.Patches, Window: p.Rollback.Window,
		Reboot: p.Rollback.Reboot, Manner: p.Rollback.Manner, Rollback: &p.Rollback.Rollback})
}

// Carry carries it out, for whoever proposed it, and keeps the answer with it.
func (r rollbacks) Carry(ctx context.Context, caller patch.Caller, p patch.Plan, confirmed patch.Proposal) (patch.Deployment, error) {
	return r.desk.ApplySeconded(ctx, caller, p, confirmed)
}
