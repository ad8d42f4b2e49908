package approval

import (
	"context"
	"slices"
	"strings"

	"github.com/oklog/ulid/v2"

	"github.com/fettle-project/fettle/internal/patch"
)

// Rollbacks has rollbacks that a second person confirms made again and carried out; the program joins planner and deployments for it.
type Rollbacks interface {
	// Again makes a proposed rollback's plan as of now.
	Again(ctx context.Context, caller patch.Caller, p patch.Proposal) (patch.Plan, error)
	Carry(ctx context.Context, caller patch.Caller, plan patch.Plan, confirmed patch.Proposal) (patch.Deployment, error)
}

// ProposeRollback files a plan that takes patches back as a proposal, where it reaches machines for which two persons decide; nil where it does
// not. The same plan again is the same proposal.
func (d *Desk) ProposeRollback(ctx context.Context, caller patch.Caller, plan patch.Plan) (*patch.Proposal, error) {
	needed, err := d.reaches(ctx, plan)
	if err != nil || !needed {
		return nil, err
	}
	open, err := d.Proposals.ListProposals(ctx, true)
	if err != nil {
		return nil, err
	}
	for i := range open {
		if open[i].Verb == patch.TakeBack && open[i].Plan == plan.Hash {
			return &open[i], nil
		}
	}
	p := patch.Proposal{ID: ulid.Make().String(), Label: plan.Label, Verb: patch.TakeBack, Until: plan.Rollback.HoldUntil, By: caller.Name, Author: caller.Name,
		At: d.Now().UTC(), Why: plan.Rollback.Why, State: patch.Proposed, Plan: plan.Hash,
		Rollback: &patch.RollbackRequest{Rollback: *plan.Rollback, Label: plan.Label, Window: plan.Window, Reboot: plan.Reboot, Manner: plan.Manner}}
	for _, m := range plan.Machines {
		if len(m.Items) > 0 && plan.Label == "" {
			p.Rollback.Machines = append(p.Rollback.Machines, m.Machine)
		}
		for _, i := range m.Items {
			p.Patches = append(p.Patches, i.Patch)
		}
	}
	slices.Sort(p.Patches)
	p.Patches = slices.Compact(p.Patches)
	return &p, d.Proposals.PutProposal(ctx, caller, p)
}

// reaches reports whether a plan touches a machine for which two persons decide.
func (d *Desk) reaches(ctx context.Context, plan patch.Plan) (bool, error) {
	if !d.TwoPerson.On {
		return false, nil
	}
	if len(d.TwoPerson.Labels) == 0 {
		return true, nil
	}
	for _, name := range d.TwoPerson.Labels {
		members, err := d.World.Labels.Members(ctx, name)
		if err != nil && patch.KindOf(err) != patch.NotFound {
			return false, err
		}
		if slices.ContainsFunc(plan.Machines, func(m patch.MachinePlan) bool { return len(m.Items) > 0 && slices.Contains(members, m.Machine) }) {
			return true, nil
		}
	}
	return false, nil
}

// confirmRollback carries a proposed rollback out, if it would still do exactly what was proposed.
func (d *Desk) confirmRollback(ctx context.Context, caller patch.Caller, p patch.Proposal, why string) error {
	if d.Rollbacks == nil || p.Rollback == nil {
		return patch.Errorf(patch.Unavailable, "this rollback cannot be confirmed here")
	}
	plan, err := d.Rollbacks.Again(ctx, caller, p)
	if err != nil {
		return err
	}
	if plan.Hash != p.Plan {
		return &patch.Error{Kind: patch.Conflict, What: "the rollback is not the one that was proposed any more", Why: "a machine, a version or a file has changed since", Do: "Reject it, and plan it again: fettle deploy rollback"}
	}
	p.State, p.AnsweredBy, p.AnsweredAt, p.Answer = patch.Confirmed, caller.Name, d.Now().UTC(), strings.TrimSpace(why)
	_, err = d.Rollbacks.Carry(ctx, caller, plan, p)
	return err
}
