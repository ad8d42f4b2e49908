package updater

import (
	"context"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Note takes what a machine's newest inventory says about other patch services, and raises or clears the alarms about them.
func (d *Desk) Note(ctx context.Context, m patch.Machine, inv patch.Inventory) error {
	before, err := d.Store.ListUpdaters(ctx, m.ID)
	if err != nil {
		return err
	}
	if len(before)+len(inv.Services) == 0 {
		return nil
	}
	if err := d.Store.PutUpdaters(ctx, m.ID, inv.Services); err != nil {
		return err
	}
	rulings, err := d.Store.ListRulings(ctx)
	if err != nil {
		return err
	}
	labels, err := d.Labels.LabelsOf(ctx, m.ID)
	if err != nil {
		return err
	}
	now := map[string]bool{}
	for _, u := range inv.Services {
		now[u.Name] = true
		if err := d.hold(ctx, patch.MachineUpdater{Machine: m.ID, Name: m.Name, UpdaterState: u}, rulings, labels, culprit(inv.Changes, u)); err != nil {
			return err
		}
	}
	for _, u := range before {
		if !now[u.UpdaterState.Name] {
			if err := d.Store.ClearAlarm(ctx, key(u), d.Now()); err != nil {
				return err
			}
		}
	}
	return nil
}

// review holds every machine against the rulings as they are now.
func (d *Desk) review(ctx context.Context) error {
	all, err := d.Store.ListUpdaters(ctx, "")
	if err != nil {
		return err
	}
	rulings, err := d.Store.ListRulings(ctx)
	if err != nil {
		return err
	}
	carried := map[patch.MachineID][]string{}
	for _, u := range all {
		labels, ok := carried[u.Machine]
		if !ok {
			if labels, err = d.Labels.LabelsOf(ctx, u.Machine); err != nil {
				return err
			}
			carried[u.Machine] = labels
		}
		if err := d.hold(ctx, u, rulings, labels, ""); err != nil {
			return err
		}
	}
	return nil
}

func key(u patch.MachineUpdater) string {
	return "updater/" + string(u.Machine) + "/" + u.UpdaterState.Name
}

// hold raises the alarm about one service on one machine, or clears it.
func (d *Desk) hold(ctx context.Context, u patch.MachineUpdater, rulings []patch.Ruling, labels []string, by phrase.Phrase) error {
	name := u.UpdaterState.Name
	r, ruled := RulingOf(rulings, labels, name)
	advice, _ := AdviceOn(name)
	var text phrase.Phrase
	do := phrase.Of("On the machine: {1}. Or accept what it does: {2}", advice.Command, "fettle updaters adopt "+name+" --label "+patch.LabelAll)
	switch {
	case ruled && r.Verb == patch.TakeOver && u.Hand == patch.HandUndone:
		text = phrase.Of("{1} was turned off by Fettle on {2}: {3}", name, u.Name, phrase.Recall(u.Text))
		if by != "" {
			text = phrase.Of("{1}; {2}", text, by)
		}
		do = phrase.Of("Find out who wants it there. To turn it off once more: {1}", "fettle updaters take-over "+name+" --label "+r.Label)
	case ruled && r.Verb == patch.TakeOver && u.Hand == patch.HandFailed:
		text = phrase.Of("{1} could not be turned off on {2}: {3}", name, u.Name, phrase.Recall(u.Text))
	case ruled && r.Verb == patch.TakeOver && u.Hand == patch.HandVetoed:
		text = phrase.Of("{1} is on on {2}: {3}", name, u.Name, phrase.Recall(u.Text))
		do = "Settle it with the machine's owner, or adopt it there."
	case ruled && r.Verb == patch.AlertOn && u.Enabled:
		text = phrase.Of("{1} installs updates beside Fettle on {2}: {3}", name, u.Name, u.Evidence)
	default:
		return d.Store.ClearAlarm(ctx, key(u), d.Now())
	}
	return d.Store.RaiseAlarm(ctx, patch.Alarm{Key: key(u), Kind: "updater", Text: text, Do: do, RaisedAt: d.Now(), SeenAt: d.Now()})
}

// before is how long before a service was found on again what made it so may have been.
const before = 24 * time.Hour

// culprit is what the machine's history has about the time in which somebody turned a service on again.
func culprit(changes []patch.PkgChange, u patch.UpdaterState) phrase.Phrase {
	if u.Hand != patch.HandUndone {
		return ""
	}
	for _, x := range changes { // newest first
		if x.Who != patch.DoerFettle && x.By != "" && !x.At.After(u.Since) && u.Since.Sub(x.At) < before {
			return phrase.Of("the last to change packages before that was {1} ({2} of {3} at {4})", x.By, patch.ActionWord(x.Action), x.Name, phrase.At(x.At, x.At))
		}
	}
	return ""
}
