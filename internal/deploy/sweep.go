package deploy

import (
	"context"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Halt stops a deployment: what no machine has begun to install is withdrawn, what is being installed finishes, and no machine is restarted for
// it any more, also where all of it is installed already. Halting it again changes nothing.
func (d *Desk) Halt(ctx context.Context, caller patch.Caller, id string) (patch.Deployment, error) {
	dep, err := d.Store.FindDeploymentHead(ctx, id)
	if err != nil {
		return dep, err
	}
	switch {
	case dep.MayRestart():
		if err := d.Store.CallOffRestarts(ctx, caller, id); err != nil {
			return dep, err
		}
		if err := d.wakeOwing(ctx, id); err != nil {
			return dep, err
		}
		return d.Store.FindDeployment(ctx, id)
	case dep.State == patch.Finished:
		return dep, patch.Errorf(patch.Conflict, "the deployment has already finished")
	}
	if err := d.Store.SetDeploymentState(ctx, caller, id, patch.Halted, d.Now()); err != nil {
		return dep, err
	}
	open, err := d.World.Store.ListAttempts(ctx, patch.AttemptFilter{Deployment: id, Open: true})
	if err != nil {
		return dep, err
	}
	var ids []string
	var machines []patch.MachineID
	for _, a := range open {
		if a.State != patch.ExecInstalling {
			ids = append(ids, a.ID)
			machines = append(machines, a.Machine)
		}
	}
	if err := d.Store.WithdrawAttempts(ctx, ids, "", phrase.Of("halted by {1}", caller.Name)); err != nil {
		return dep, err
	}
	d.wake(machines...)
	if err := d.wakeOwing(ctx, id); err != nil {
		return dep, err
	}
	return d.Store.FindDeployment(ctx, id)
}

// wakeOwing has machines hear at once that a deployment restarts them no more: people there are told of a restart to come.
func (d *Desk) wakeOwing(ctx context.Context, id string) error {
	all, err := d.World.Store.ListAttempts(ctx, patch.AttemptFilter{Deployment: id})
	if err != nil {
		return err
	}
	for _, a := range all {
		if a.State == patch.ExecDone && a.RebootOwed {
			d.wake(a.Machine)
		}
	}
	return nil
}

// KeepOnly takes back what a deployment has not begun on other machines than these.
func (d *Desk) KeepOnly(ctx context.Context, id string, machines []patch.MachineID, why phrase.Phrase) error {
	open, err := d.World.Store.ListAttempts(ctx, patch.AttemptFilter{Deployment: id, Open: true})
	if err != nil {
		return err
	}
	var ids []string
	var gone []patch.MachineID
	for _, a := range open {
		if a.State != patch.ExecInstalling && !slices.Contains(machines, a.Machine) {
			ids, gone = append(ids, a.ID), append(gone, a.Machine)
		}
	}
	if err := d.Store.WithdrawAttempts(ctx, ids, "", why); err != nil {
		return err
	}
	d.wake(gone...)
	return nil
}

// Sweep withdraws what has expired and finishes deployments that have nothing open, so that nothing runs for ever. Call it every minute.
func (d *Desk) Sweep(ctx context.Context) error {
	open, err := d.World.Store.ListAttempts(ctx, patch.AttemptFilter{Open: true})
	if err != nil {
		return err
	}
	patience, err := d.patienceInRings(ctx)
	if err != nil {
		return err
	}
	deployments := map[string]patch.Deployment{}
	for _, a := range open {
		dep, ok := deployments[a.Deployment]
		if !ok {
			if dep, err = d.Store.FindDeploymentHead(ctx, a.Deployment); err != nil {
				return err
			}
			deployments[a.Deployment] = dep
		}
		cause, why := d.over(a, dep, patience)
		if why == "" {
			continue
		}
		if err := d.Store.WithdrawAttempts(ctx, []string{a.ID}, cause, why); err != nil {
			return err
		}
		d.Log.InfoContext(ctx, "attempt withdrawn", "attempt", a.ID, "machine", a.Machine, "why", why)
	}
	return d.finish(ctx, 0)
}

// patienceInRings is how long an attempt may wait to be begun: longer by what rings take, because the machines of the last one wait for all
// that come before it to install, to be given up as silent, and to soak.
func (d *Desk) patienceInRings(ctx context.Context) (time.Duration, error) {
	rings, err := d.World.Store.ListRings(ctx)
	patience := d.patience()
	for _, r := range rings {
		patience += time.Duration(r.Soak) + time.Duration(r.Silence)
	}
	return patience, err
}

// over says why an open attempt has to end now; why is empty where it may go on.
func (d *Desk) over(a patch.Attempt, dep patch.Deployment, patience time.Duration) (cause patch.FailCause, why phrase.Phrase) {
	now, w := d.Now(), dep.Plan.Window
	began := a.CreatedAt
	if w.NotBefore.After(began) {
		began = w.NotBefore
	}
	switch a.State {
	case patch.ExecInstalling:
		if now.Sub(a.StartedAt) > d.life()+d.grace() {
			return patch.FailInterrupted, phrase.Of("the machine began to install it on {1} and has not said how it ended; if it still reports, that counts", phrase.At(a.StartedAt.UTC(), a.StartedAt))
		}
	case patch.ExecDownloading:
		if !w.NotAfter.IsZero() && now.After(w.NotAfter.Add(d.grace())) {
			return patch.FailWindow, "the window ended before it was installed"
		}
		if now.Sub(a.StartedAt) > d.life()+d.grace() {
			return patch.FailNetwork, "the machine began to fetch the files and never finished"
		}
	default:
		if dep.State == patch.Halted {
			return "", "halted"
		}
		if !w.NotAfter.IsZero() && !now.Before(w.NotAfter) {
			if a.Order != "" {
				return patch.FailWindow, "the window ended, and the machine holds the order and has not said that it began; if it did, it reports so, and that counts"
			}
			return patch.FailWindow, "the window ended before the machine began"
		}
		if now.Sub(began) > patience {
			return "", phrase.Of("it waited for {1} and the machine never began", patience)
		}
	}
	return "", ""
}
