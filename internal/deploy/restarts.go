package deploy

import (
	"context"
	"strconv"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// MayRestart says what is against a restart of a machine that one of its orders permits: text is empty where nothing is. With never it is off
// for good, because the order's deployment was halted; else the machine asks again, as in a blackout that was announced since. An order
// that is not known (before a restored backup it was) is no reason against it.
func (d *Desk) MayRestart(ctx context.Context, id patch.MachineID, order string) (text string, never bool, err error) {
	if off, err := d.CalledOff(ctx, id, order); off != "" || err != nil {
		return off, true, err
	}
	v, err := d.World.View(ctx)
	if err != nil {
		return "", false, err
	}
	sight, err := v.Sight(ctx, id)
	if err != nil {
		return "", false, err
	}
	freezes, err := sight.Freezes(ctx)
	for _, b := range freezes {
		if !b.From.After(v.Now) {
			return phrase.Of("blackout until {1}, by {2}: {3}", b.Until.UTC().Format("2006-01-02 15:04 UTC"), b.Owner, b.Reason).String(), false, err
		}
	}
	return "", false, err
}

// CalledOff says why an order of a machine restarts it no more; empty where it may.
func (d *Desk) CalledOff(ctx context.Context, id patch.MachineID, order string) (string, error) {
	if order == "" {
		return "", nil
	}
	whole, err := d.World.Store.ListAttempts(ctx, patch.AttemptFilter{Machine: id, Order: order})
	if err != nil || len(whole) == 0 {
		return "", err
	}
	dep, err := d.Store.FindDeploymentHead(ctx, whole[0].Deployment)
	if err != nil || dep.State != patch.Halted {
		return "", err
	}
	return phrase.Of("the deployment {1} was halted; what the machine owes stays owed", dep.ID).String(), nil
}

// restartSentence is sentence for restarts alone. A machine that has taken the order is not counted as restarted before another boot proves it.
func restartSentence(c Counts) phrase.Phrase {
	parts := []phrase.Phrase{phrase.Of("{1} of {2} restarted", c.Done-c.RebootOwed, c.Total)}
	for _, x := range []struct {
		n    int
		says phrase.Phrase
	}{{c.RebootOwed, phrase.Of("{1} due on the machine", c.RebootOwed)}, {c.Waiting, phrase.Of("{1} waiting", c.Waiting)}, {c.Failed, phrase.Of("{1} failed", c.Failed)}, {c.Withdrawn, phrase.Of("{1} withdrawn", c.Withdrawn)}} {
		if x.n > 0 {
			parts = append(parts, x.says)
		}
	}
	return phrase.Join(parts, ", ")
}

// sayingRestart is saying for a restart alone whose order a machine has taken.
func sayingRestart(a patch.Attempt) phrase.Phrase {
	if a.RebootOwed || a.VerifiedSeq == 0 {
		return "the machine has the order and has not restarted yet"
	}
	return phrase.Of("restarted: snapshot {1} is of another boot", strconv.FormatUint(a.VerifiedSeq, 10))
}

// restartsDue reports whether a deployment of restarts alone has machines that took the order, have not restarted, and still may.
func (d *Desk) restartsDue(ctx context.Context, dep patch.Deployment) (bool, error) {
	end := dep.Plan.Window.NotAfter
	if !dep.Plan.Restarts || !end.IsZero() && d.Now().After(end.Add(d.grace())) || d.Now().Sub(dep.At) > d.patience() {
		return false, nil
	}
	p, err := d.tally(ctx, dep)
	return err == nil && p[0].Counts.RebootOwed > 0, err
}
