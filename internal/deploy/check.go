package deploy

import (
	"context"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/world"
)

// checked is what the gates say about a machine's waiting attempts of one deployment, now.
type checked struct {
	deployment patch.Deployment
	sight      *world.Sight
	ready      []ready
	later      []patch.Attempt // wait for something that comes by itself
	withdrawn  int
	halted     bool
}

// ready is an attempt that may be handed out.
type ready struct {
	attempt  patch.Attempt
	title    string
	packages []patch.PlanPackage
	unproven bool             // it is being tried in the machine's ring
	claim    *patch.RingClaim // the place in its ring that it takes; nil without rings
}

// check walks the gates for each attempt once more and withdraws what must not be installed any more.
func (d *Desk) check(ctx context.Context, deployment string, id patch.MachineID, waiting []patch.Attempt) (*checked, error) {
	dep, err := d.Store.FindDeploymentHead(ctx, deployment)
	if err != nil {
		return nil, err
	}
	c := &checked{deployment: dep, halted: dep.State != patch.Running}
	if c.halted || len(waiting) == 0 {
		return c, nil
	}
	v, err := d.World.View(ctx)
	if err != nil {
		return nil, err
	}
	if c.sight, err = v.Sight(ctx, id); err != nil {
		return nil, err
	}
	all, err := d.planned(ctx, deployment, id)
	if err != nil {
		return nil, err
	}
	planned := map[patch.ID]patch.PlanItem{}
	for _, i := range all {
		planned[i.Patch] = i
	}
	for _, a := range waiting {
		if err := d.judge(ctx, c, a, planned[a.Patch]); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// judge sorts one attempt into what is ready, what waits on and what is withdrawn.
func (d *Desk) judge(ctx context.Context, c *checked, a patch.Attempt, item patch.PlanItem) error {
	ask := askAbout(c.deployment, a)
	ask.Planned = item.Packages
	w, err := d.world(ctx, c, &ask)
	if err != nil {
		return err
	}
	answer := gate.Walk(w)
	if !answer.Deployable {
		if waits(*answer.Closed, a) {
			c.later = append(c.later, a)
			return nil
		}
		// Once more for the reason in full: it is kept for ever.
		ask.Deep = true
		if answer, err = c.sight.Walk(ctx, ask); err != nil {
			return err
		}
		c.withdrawn++
		return d.Store.WithdrawAttempts(ctx, []string{a.ID}, causeOf(*answer.Closed), answer.Closed.Text)
	}
	pkgs, ok, err := d.packages(ctx, c, ask)
	if err != nil || !ok {
		return err
	}
	if change := differ(item.Packages, pkgs); change != "" {
		c.withdrawn++
		return d.Store.WithdrawAttempts(ctx, []string{a.ID}, patch.FailDrift, phrase.Of("the machine has changed since the plan: {1}", change))
	}
	r := ready{attempt: a, title: item.Title, packages: pkgs, unproven: w.Unproven()}
	if claim, ok := w.Claim(); ok {
		r.claim = &claim
	}
	c.ready = append(c.ready, r)
	return nil
}

// askAbout is the question whether an attempt may be handed out.
func askAbout(dep patch.Deployment, a patch.Attempt) world.Ask {
	ask := world.Ask{Patch: a.Patch, Window: dep.Plan.Window, Manner: dep.Plan.Manner, Own: a.ID, Back: a.TakesBack()}
	if dep.Plan.Restarts {
		ask.Restart = dep.Plan.Reboot.Mode
	}
	return ask
}

// packages are what an attempt would install now.
func (d *Desk) packages(ctx context.Context, c *checked, ask world.Ask) (pkgs []patch.PlanPackage, ok bool, err error) {
	if ask.Restart != "" {
		return nil, true, nil
	}
	if !ask.Back {
		return c.sight.Packages(ctx, ask.Patch)
	}
	pkgs, err = c.sight.BackPackages(ctx, ask)
	return pkgs, true, err
}

// world is what the gates judge when an order goes out: as of the moment at which the machine may begin, where that is not far away, so that
// it has the order and its files by then and needs no connection. What rings are trying goes out at its time only: its places are few.
func (d *Desk) world(ctx context.Context, c *checked, ask *world.Ask) (gate.World, error) {
	w, err := c.sight.World(ctx, *ask)
	if err != nil {
		return w, err
	}
	begin := ask.Window.NotBefore
	if _, claims := w.Claim(); claims || !begin.After(w.Now) || begin.Sub(w.Now) > d.lead() {
		return w, nil
	}
	ask.Start = begin
	return c.sight.World(ctx, *ask)
}

// waits reports whether a closed gate opens by itself or by what is under way, so that the attempt may stay in the queue. One that is in an
// order already does not wait for the end of a quarantine or a blackout: it would keep the machine from everything else, or begin in it.
func waits(g gate.Gate, a patch.Attempt) bool {
	switch g.Name {
	case gate.Feed, gate.Catalog, gate.Snapshot, gate.Payload, gate.Preflight:
		return true
	case gate.Freeze:
		return a.Order == ""
	case gate.Ring:
		return g.Code != gate.CodeRingHalted || a.Order == ""
	case gate.Window:
		return g.Code == gate.CodeNotYet || g.Code == gate.CodeTurn
	case gate.Machine:
		return g.Code == gate.CodeSilent
	case gate.Attempts:
		return g.Code != gate.CodeOutOf && !g.Foretold
	}
	return false
}

func causeOf(g gate.Gate) patch.FailCause {
	switch g.Name {
	case gate.Window:
		return patch.FailWindow
	case gate.Policy, gate.Label, gate.Hold, gate.Ring:
		return "" // a decision of ours; the text names it
	case gate.Owed:
		return "" // there is nothing to do any more
	case gate.Attempts:
		if g.Foretold {
			return patch.FailDependency
		}
		return patch.FailPatch
	}
	return patch.FailDrift
}
