package deploy

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// Arrived calls the machines that wait for patches whose files have just come: they may have asked before, and were told to wait.
func (d *Desk) Arrived(ctx context.Context, patches []patch.ID) error {
	if len(patches) == 0 {
		return nil
	}
	machines, err := d.Store.ListAwaiting(ctx, patches)
	if err != nil {
		return err
	}
	d.wake(machines...)
	return nil
}

// HasOrder reports, cheaply, whether OrderFor may have something for a machine. It may say yes where all of it still waits for something.
func (d *Desk) HasOrder(ctx context.Context, id patch.MachineID) (bool, error) {
	return d.Store.HasWaiting(ctx, id)
}

// OrderFor gives the order that a machine should carry out now, and whether there is one. The machine is the one of the caller's
// certificate. Every item passes all gates at this moment: what a decision or a change of the machine has closed since the plan is withdrawn with
// the reason; what only waits (for a detect, a payload, the window) waits on. One order is open at a time, the oldest deployment first.
// An open order goes out again unchanged for as long as nothing of it was withdrawn.
func (d *Desk) OrderFor(ctx context.Context, id patch.MachineID) (wire.Envelope, bool, error) {
	// The same machine may ask twice at once, and an attempt may be withdrawn meanwhile: then what holds now is worked out again.
	for try := 1; ; try++ {
		e, ok, err := d.order(ctx, id)
		if err == nil || patch.KindOf(err) != patch.Conflict || try == 3 {
			return e, ok, err
		}
	}
}

func (d *Desk) order(ctx context.Context, id patch.MachineID) (wire.Envelope, bool, error) {
	none := wire.Envelope{}
	m, err := d.World.Store.FindMachine(ctx, id)
	if err != nil {
		return none, false, err
	}
	if m.State != patch.Admitted {
		return none, false, patch.Errorf(patch.Forbidden, "the machine is not admitted")
	}
	open, err := d.World.Store.ListAttempts(ctx, patch.AttemptFilter{Machine: id, Open: true})
	if err != nil || len(open) == 0 {
		return none, false, err
	}
	order, err := d.Store.OpenOrder(ctx, id)
	switch {
	case patch.KindOf(err) == patch.NotFound && err != nil:
		return d.next(ctx, m, open)
	case err != nil:
		return none, false, err
	}
	return d.again(ctx, m, order, open)
}

// next hands out the first order of the oldest deployment that has something ready.
func (d *Desk) next(ctx context.Context, m patch.Machine, open []patch.Attempt) (wire.Envelope, bool, error) {
	var deployments []string
	for _, a := range open {
		if !slices.Contains(deployments, a.Deployment) {
			deployments = append(deployments, a.Deployment)
		}
	}
	for _, id := range deployments {
		mine := slices.DeleteFunc(slices.Clone(open), func(a patch.Attempt) bool { return a.Deployment != id || a.State != patch.ExecWaiting })
		c, err := d.check(ctx, id, m.ID, mine)
		if err != nil {
			return wire.Envelope{}, false, err
		}
		if len(c.ready) > 0 {
			return d.issue(ctx, m, c)
		}
	}
	return wire.Envelope{}, false, nil
}

// again deals with an order that is open already.
func (d *Desk) again(ctx context.Context, m patch.Machine, o patch.OrderRow, open []patch.Attempt) (wire.Envelope, bool, error) {
	none := wire.Envelope{}
	whole, err := d.World.Store.ListAttempts(ctx, patch.AttemptFilter{Machine: m.ID, Order: o.ID})
	if err != nil {
		return none, false, err
	}
	mine := slices.DeleteFunc(slices.Clone(open), func(a patch.Attempt) bool { return a.Order != o.ID })
	waiting := slices.DeleteFunc(slices.Clone(mine), func(a patch.Attempt) bool { return a.State != patch.ExecWaiting })
	c, err := d.check(ctx, o.Deployment, m.ID, waiting)
	if err != nil {
		return none, false, err
	}
	torn := c.withdrawn > 0 || slices.ContainsFunc(whole, func(a patch.Attempt) bool { return a.State == patch.ExecWithdrawn })
	begun := len(mine) > len(waiting)
	switch {
	case c.halted || len(c.later) > 0:
		return none, false, nil
	case !torn && d.Now().Before(o.ExpiresAt):
		var e wire.Envelope
		if err := json.Unmarshal(o.Envelope, &e); err != nil {
			return none, false, patch.Errorf(patch.Internal, "cannot read the stored order %s: %w", o.ID, err)
		}
		return e, true, nil
	case begun:
		return none, false, nil // the machine is at it; a second order would cross the first
	case len(c.ready) == 0:
		return d.next(ctx, m, slices.DeleteFunc(slices.Clone(open), func(a patch.Attempt) bool { return a.Order == o.ID }))
	}
	return d.issue(ctx, m, c)
}

// Standing names the attempts of an order that a machine holds which were taken back since it went out. Decisions and halts that have been
// made meanwhile count: what has not begun is judged once more. An order that was never the machine's is NotFound.
func (d *Desk) Standing(ctx context.Context, id patch.MachineID, order string) ([]string, error) {
	whole, err := d.World.Store.ListAttempts(ctx, patch.AttemptFilter{Machine: id, Order: order})
	if err != nil {
		return nil, err
	}
	if len(whole) == 0 {
		return nil, patch.Errorf(patch.NotFound, "no such order was given to this machine")
	}
	var open []patch.Attempt
	for _, a := range whole {
		if a.State == patch.ExecWaiting || a.State == patch.ExecDownloading {
			open = append(open, a)
		}
	}
	if _, err := d.check(ctx, whole[0].Deployment, id, open); err != nil {
		return nil, err
	}
	if whole, err = d.World.Store.ListAttempts(ctx, patch.AttemptFilter{Machine: id, Order: order}); err != nil {
		return nil, err
	}
	var out []string
	for _, a := range whole {
		if a.State == patch.ExecWithdrawn {
			out = append(out, a.ID)
		}
	}
	return out, nil
}

// issue signs an order for what is ready and binds its attempts to it.
func (d *Desk) issue(ctx context.Context, m patch.Machine, c *checked) (wire.Envelope, bool, error) {
	now := d.Now()
	window, err := c.sight.Unfrozen(ctx, c.deployment.Plan.Window)
	if err != nil {
		return wire.Envelope{}, false, err
	}
	o := wire.Order{ID: ulid.Make().String(), Machine: m.ID, Number: m.OrderNumber + 1, Deployment: c.deployment.ID, OS: c.sight.OS,
		Issued: now.UTC(), Window: window, Expires: d.expires(now, window).UTC()}
	o.Reboot, o.Manner = c.deployment.Plan.Reboot, c.deployment.Plan.Manner
	if r := c.sight.Receipt; r != nil { // a restart alone rests on none
		o.Revision, o.Snapshot = r.Revision, r.Seq
	}
	var attempts []string
	var claims []patch.RingClaim
	for _, r := range c.ready {
		if r.claim != nil {
			o.Probes = r.claim.Probes
		}
		o.Items = append(o.Items, wire.OrderItem{Attempt: r.attempt.ID, Patch: r.attempt.Patch, Title: r.title, Packages: r.packages, AskFirst: r.unproven})
		attempts = append(attempts, r.attempt.ID)
		if r.claim != nil {
			claims = append(claims, *r.claim)
		}
	}
	e, err := wire.Seal(d.Key, wire.TypeOrder, o)
	if err != nil {
		return e, false, err
	}
	body, err := json.Marshal(e)
	if err != nil {
		return e, false, patch.Errorf(patch.Internal, "cannot encode an order: %w", err)
	}
	row := patch.OrderRow{ID: o.ID, Machine: m.ID, Number: o.Number, Deployment: o.Deployment, Envelope: body, IssuedAt: now, BeginsAt: o.Window.NotBefore, ExpiresAt: o.Expires}
	if err := d.Store.PutOrder(ctx, row, attempts, claims...); err != nil {
		return wire.Envelope{}, false, err
	}
	d.Log.InfoContext(ctx, "order handed out", "order", o.ID, "machine", m.ID, "number", o.Number, "items", len(o.Items))
	return e, true, nil
}

func (d *Desk) expires(now time.Time, w patch.Window) time.Time {
	begin := now
	if w.NotBefore.After(now) {
		begin = w.NotBefore
	}
	end := begin.Add(d.life())
	if !w.NotAfter.IsZero() && w.NotAfter.Before(end) {
		return w.NotAfter
	}
	return end
}
