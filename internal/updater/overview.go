package updater

import (
	"context"
	"slices"

	"github.com/fettle-project/fettle/internal/patch"
)

// Overview is one patch service over the whole fleet.
type Overview struct {
	Advice
	On      int `json:"on"` // machines on which it acts
	Off     int `json:"off"`
	Taken   int `json:"taken"`  // off because Fettle turned it off
	Undone  int `json:"undone"` // turned on again by somebody
	Failed  int `json:"failed"` // could not be turned off, or its owner does not allow it
	Waiting int `json:"waiting"`
	// Machines are those on which it acts or needs somebody, up to 200.
	Machines []patch.MachineUpdater `json:"machines"`
	Rulings  []patch.Ruling         `json:"rulings"`
}

const maxMachines = 200

// List gives every service that is known, or on a machine, or ruled about, by name.
func (d *Desk) List(ctx context.Context) ([]Overview, error) {
	states, err := d.Store.ListUpdaters(ctx, "")
	if err != nil {
		return nil, err
	}
	rulings, err := d.Store.ListRulings(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Overview, 0, 8)
	for _, a := range advices() {
		o := Overview{Advice: a, Machines: []patch.MachineUpdater{}, Rulings: []patch.Ruling{}}
		for _, r := range rulings {
			if r.Updater == a.Name || r.Updater == patch.AnyUpdater {
				o.Rulings = append(o.Rulings, r)
			}
		}
		for _, u := range states {
			if u.UpdaterState.Name == a.Name {
				o.add(u)
			}
		}
		out = append(out, o)
	}
	return out, nil
}

func (o *Overview) add(u patch.MachineUpdater) {
	if u.Enabled {
		o.On++
	} else {
		o.Off++
	}
	switch u.Hand {
	case patch.HandOff:
		o.Taken++
	case patch.HandUndone:
		o.Undone++
	case patch.HandFailed, patch.HandVetoed:
		o.Failed++
	case patch.HandWaiting:
		o.Waiting++
	}
	if (u.Enabled || u.Hand != "") && len(o.Machines) < maxMachines {
		o.Machines = append(o.Machines, u)
	}
}

// States are the ways in which List counts the machines of a service.
const (
	On     = "on"
	Off    = "off"
	Taken  = "taken"
	Undone = "undone"
	Open   = "open" // could not be turned off, or not yet
)

// Machines gives a page of the machines that List counts in one of the States, by name, and how many there are.
func (d *Desk) Machines(ctx context.Context, service, state string, offset, limit int) ([]patch.MachineUpdater, int, error) {
	all, err := d.Store.ListUpdaters(ctx, "")
	if err != nil {
		return nil, 0, err
	}
	all = slices.DeleteFunc(all, func(u patch.MachineUpdater) bool { return u.UpdaterState.Name != service || !counted(u, state) })
	some := all[min(offset, len(all)):]
	return some[:min(limit, len(some))], len(all), nil
}

func counted(u patch.MachineUpdater, state string) bool {
	var o Overview
	o.add(u)
	switch state {
	case On:
		return o.On > 0
	case Off:
		return o.Off > 0
	case Taken:
		return o.Taken > 0
	case Undone:
		return o.Undone > 0
	case Open:
		return o.Failed+o.Waiting > 0
	}
	return false
}

// Here is one service on one machine, with what was decided about it there.
type Here struct {
	patch.UpdaterState
	Advice Advice        `json:"advice"`
	Ruling *patch.Ruling `json:"ruling,omitempty"` // the one that counts; nil where nobody decided
}

// On gives the other patch services of one machine, by name.
func (d *Desk) On(ctx context.Context, id patch.MachineID) ([]Here, error) {
	states, err := d.Store.ListUpdaters(ctx, id)
	if err != nil || len(states) == 0 {
		return []Here{}, err
	}
	rulings, err := d.Store.ListRulings(ctx)
	if err != nil {
		return nil, err
	}
	labels, err := d.Labels.LabelsOf(ctx, id)
	if err != nil {
		return nil, err
	}
	out := make([]Here, 0, len(states))
	for _, u := range states {
		h := Here{UpdaterState: u.UpdaterState}
		h.Advice, _ = AdviceOn(u.UpdaterState.Name)
		if r, ok := RulingOf(rulings, labels, u.UpdaterState.Name); ok {
			h.Ruling = &r
		}
		out = append(out, h)
	}
	return out, nil
}
