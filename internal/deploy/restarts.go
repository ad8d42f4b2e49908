package deploy

import (
	"context"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// MayRestart says what is against a restart of a machine that one of its orders permits: text is empty where nothing is. With never it is off
// for good, because the order's deployment was halted; else the machine asks again, as in a blackout that was announced since. An order
// that is not known (before a restored backup it was) is no reason against it.
func (d *Desk) MayRestart(ctx context.Context, id patch.MachineID, order string) (text string, never bool, err error) {
	if order != "" {
		whole, err := d.World.Store.ListAttempts(ctx, patch.AttemptFilter{Machine: id, Order: order})
		if err != nil {
			return "", false, err
		}
		if len(whole) > 0 {
			dep, err := d.Store.FindDeploymentHead(ctx, whole[0].Deployment)
			if err != nil {
				return "", false, err
			}
			if dep.State == patch.Halted {
				return phrase.Of("the deployment {1} was halted; what the machine owes stays owed", dep.ID).String(), true, nil
			}
		}
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
			return phrase.Of("blackout until {1}, by {2}: {3}", b.Until.UTC().Format("2006-01-02 15:04Z"), b.Owner, b.Reason).String(), false, err
		}
	}
	return "", false, err
}
