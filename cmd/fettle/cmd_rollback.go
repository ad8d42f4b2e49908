package main

import (
	"context"
	"time"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/patch"
)

type deployBackCmd struct {
	Deployment string `arg:"" optional:"" help:"Take back what this deployment installed."`
	planFlags
	Why       string `required:"" help:"The reason; it is kept, and the hold shows it." placeholder:"TEXT"`
	HoldUntil string `xor:"hold" help:"Hold the patches for exactly these machines until then: a time, or a span such as 30d; 90 days if left out." placeholder:"TIME"`
	NoHold    bool   `xor:"hold" help:"Do not hold the patches: the next deployment may bring them again."`
	Out       string `short:"o" help:"Also write the plan to this file, for fettle deploy apply." placeholder:"FILE"`
	Apply     bool   `help:"Carry the plan out at once; without it nothing is changed."`
	Watch     bool   `short:"w" help:"With --apply: follow it until it ends."`
}

func (deployBackCmd) Help() string {
	return `Every package goes back to exactly the version that it had before Fettle installed the patch: from the vendor's index where that still offers it, else
from what the appliance has kept. Machines that cannot go back are left out, each with its reason. Without --apply nothing is changed, and it exits
with 1 when nothing would go back.

Afterwards the patches are held for exactly these machines, so that no window brings them again; fettle clear lifts that.

Examples:
  fettle deploy rollback 01J… --why "the shop is slow"
  fettle deploy rollback 01J… --why "the shop is slow" -o back.json && fettle deploy apply back.json --watch
  fettle deploy rollback --patch openssl --label web --why "handshakes fail" --hold-until 30d --apply --watch
  fettle deploy rollback --patch openssl --machine web-14 --why "a test" --no-hold --apply`
}

func (c deployBackCmd) request() (api.RollbackRequest, error) {
	r := api.RollbackRequest{Deployment: c.Deployment, Why: c.Why, NoHold: c.NoHold}
	switch {
	case c.Deployment == "" && len(c.Patch) == 0:
		return r, usagef("name a deployment, or patches (--patch) with a label (--label) or machines (--machine)")
	case c.Deployment != "" && c.Label != "":
		return r, usagef("a deployment is taken back on its own machines: name some of them with --machine, and no label")
	case c.Watch && !c.Apply:
		return r, usagef("--watch follows what --apply begins")
	}
	var err error
	if r.PlanRequest, err = c.planFlags.asked(); err != nil {
		return r, err
	}
	r.HoldUntil, err = parseMoment(c.HoldUntil, time.Now())
	return r, err
}

func (c deployBackCmd) Run(ctx context.Context, s *screen) error {
	r, err := c.request()
	if err != nil {
		return err
	}
	if c.Deployment == "" && r.Label == "" && len(r.Machines) == 0 {
		return usagef("name a label (--label) or machines (--machine)")
	}
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	p, err := makePlan(ctx, client, api.Path("plans", "rollback"), r, c.Out)
	if err != nil {
		return err
	}
	return planOrApply(ctx, s, client, p, c.Apply, c.Watch)
}

// rollbackLines tell what a rollback leaves behind.
func rollbackLines(p patch.Plan) []string {
	r := p.Rollback
	switch {
	case r == nil:
		return nil
	case !installsAny(p):
		return []string{"Nothing is changed, and nothing is held. To keep the patch from other machines meanwhile: fettle hold PATCH --label … --until …"}
	case r.HoldUntil.IsZero():
		return []string{"Afterwards nothing is held: where the patches are approved, the next deployment brings them again."}
	case p.Label != "":
		return []string{"Afterwards they are held for " + clean(p.Label) + " until " + when(r.HoldUntil) + "; fettle clear lifts that."}
	}
	return []string{"Afterwards they are held for exactly these machines until " + when(r.HoldUntil) + "; fettle clear lifts that."}
}
