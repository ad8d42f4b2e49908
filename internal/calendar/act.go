package calendar

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/schedule"
	"github.com/fettle-project/fettle/internal/world"
)

// Act carries out every schedule whose window is open and has not been looked at for a while, and what is to be made up for. It is called
// often; a schedule that fails does not keep the others from acting, and is tried again.
func (d *Desk) Act(ctx context.Context) error {
	all, err := d.Store.ListSchedules(ctx)
	if err != nil {
		return err
	}
	frozen, err := d.freezes(ctx)
	if err != nil {
		return err
	}
	var failed []error
	if err := d.recall(ctx, all); err != nil {
		failed = append(failed, fmt.Errorf("what was planned ahead: %w", err))
	}
	for _, s := range all {
		if err := d.act(ctx, s, frozen); err != nil {
			failed = append(failed, fmt.Errorf("the schedule %s: %w", s.Name, err))
		}
	}
	return errors.Join(failed...)
}

func (d *Desk) act(ctx context.Context, s patch.Schedule, frozen freezes) error {
	rule, err := schedule.Parse(s.Window)
	if err != nil || s.Paused {
		return err
	}
	if s.Detect {
		return d.detect(ctx, s, rule)
	}
	if _, nobody := frozen.everybody(d.Now()); nobody {
		return nil // the gates would let nothing through; this spares asking them
	}
	switch {
	case rule.OfMachine():
		err = d.actByZone(ctx, s, rule)
	default:
		if o, ahead, due := d.due(rule, d.Zone); due {
			err = d.deploy(ctx, s, turnOf(s.Name, ahead), Scope{Label: s.Label}, o)
		}
	}
	if err != nil {
		return err
	}
	return d.makeUp(ctx, s, rule, frozen)
}

// open gives the window that is open now and has enough time left.
func (d *Desk) open(rule schedule.Rule, zone *time.Location) (schedule.Occurrence, bool) {
	now := d.Now()
	o, ok := rule.At(now, zone)
	return o, ok && o.Contains(now) && o.End.Sub(now) >= reserve
}

// actByZone deploys to the machines of each time zone in which the window is open.
func (d *Desk) actByZone(ctx context.Context, s patch.Schedule, rule schedule.Rule) error {
	machines, err := d.carriers(ctx, s.Label)
	if err != nil {
		return err
	}
	zones := map[string]*time.Location{}
	in := map[string][]patch.MachineID{}
	for _, m := range machines {
		loc, _ := world.ZoneOf(rule, m, d.Zone)
		zones[loc.String()] = loc
		in[loc.String()] = append(in[loc.String()], m.ID)
	}
	for name, ids := range in {
		if o, ahead, due := d.due(rule, zones[name]); due {
			if err := d.deploy(ctx, s, turnOf(s.Name+" "+name, ahead), Scope{Machines: ids}, o); err != nil {
				return err
			}
		}
	}
	return nil
}

// makeUp deploys to machines that were away for all of the newest window and are back, and to those that a blackout kept out of it, while there is
// time to catch up.
func (d *Desk) makeUp(ctx context.Context, s patch.Schedule, rule schedule.Rule, frozen freezes) error {
	if s.CatchUp == 0 {
		return nil
	}
	machines, err := d.carriers(ctx, s.Label)
	if err != nil {
		return err
	}
	now := d.Now()
	together := map[schedule.Occurrence][]patch.MachineID{} // whom a blackout kept out
	for _, m := range machines {
		loc, _ := world.ZoneOf(rule, m, d.Zone)
		if _, open := d.open(rule, loc); open {
			continue
		}
		l, missed := world.Missed(s, rule, m, now, loc, frozen.of(m.ID))
		switch {
		case !missed || l.Start.After(now) || l.End.Sub(now) < reserve:
		case l.Taken:
			together[l.Occurrence] = append(together[l.Occurrence], m.ID)
		default:
			if err := d.deploy(ctx, s, s.Name+" for "+string(m.ID), Scope{Machines: []patch.MachineID{m.ID}}, schedule.Occurrence{Start: now, End: l.End}); err != nil {
				return err
			}
		}
	}
	for o, ids := range together {
		if err := d.deploy(ctx, s, s.Name+" after "+o.Start.UTC().Format(time.RFC3339)+o.End.UTC().Format(time.RFC3339), Scope{Machines: ids}, o); err != nil {
			return err
		}
	}
	return nil
}

// carriers lists the admitted machines that carry a label; none where it is gone.
func (d *Desk) carriers(ctx context.Context, label string) ([]patch.Machine, error) {
	ids, err := d.Labels.Members(ctx, label)
	if err != nil {
		if patch.KindOf(err) == patch.NotFound {
			return nil, nil
		}
		return nil, err
	}
	all, err := d.Machines.ListMachines(ctx, patch.MachineFilter{State: patch.Admitted})
	return slices.DeleteFunc(all, func(m patch.Machine) bool {
		_, in := slices.BinarySearch(ids, m.ID)
		return !in
	}), err
}

// deploy plans and applies for a window, at most once in a while under one name.
func (d *Desk) deploy(ctx context.Context, s patch.Schedule, turn string, of Scope, o schedule.Occurrence) error {
	opened, now := o.Start, d.Now()
	if opened.After(now) {
		opened = time.Time{} // planned ahead: what counts is only when that was done last
	}
	if !d.turn(turn, opened, now) {
		return nil
	}
	if halted, err := d.stopped(ctx, s, o); err != nil || halted {
		return err
	}
	caller := callerOf(s.Name)
	of.Reboot = s.Reboot
	of.Manner = s.Manner
	plan, err := d.Plan(ctx, caller, of, patch.Window{NotBefore: o.Start.UTC(), NotAfter: o.End.UTC()})
	if err == nil && slices.ContainsFunc(plan.Machines, func(m patch.MachinePlan) bool { return len(m.Items) > 0 }) {
		_, err = d.Deploy.Apply(ctx, caller, plan)
	}
	switch patch.KindOf(err) {
	case patch.Conflict, patch.NotFound: // the world moved on meanwhile, or the label is gone
		d.Log.InfoContext(ctx, "schedule did not deploy", slog.String("schedule", s.Name), slog.Any("error", err))
		return nil
	}
	if err != nil {
		d.forget(turn)
	}
	return err
}

// detect asks each machine of an open window once to detect: not all at once, but each at a moment of its own in the first half of it.
func (d *Desk) detect(ctx context.Context, s patch.Schedule, rule schedule.Rule) error {
	machines, err := d.carriers(ctx, s.Label)
	if err != nil {
		return err
	}
	now := d.Now()
	for _, m := range machines {
		loc, _ := world.ZoneOf(rule, m, d.Zone)
		o, ok := rule.At(now, loc)
		if !ok || now.Before(o.Start.Add(splay(m.ID, o))) {
			continue
		}
		if err := d.AskDetect(ctx, m.ID, o.Start); err != nil {
			return err
		}
	}
	return nil
}

// splay is a machine's own moment in the first half of a window, the same whenever it is asked for.
func splay(id patch.MachineID, o schedule.Occurrence) time.Duration {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	half := o.End.Sub(o.Start) / 2
	return time.Duration(float64(half) * float64(h.Sum32()) / (1 << 32))
}

// turnOf tells what is planned ahead of a window from what is planned in it.
func turnOf(name string, ahead bool) string {
	if ahead {
		return name + " ahead"
	}
	return name
}

// turn reports whether something is to be planned now, and remembers that it is.
func (d *Desk) turn(name string, opened, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if last, ok := d.acted[name]; ok && (!last.Before(opened) || opened.Equal(now)) && now.Sub(last).Abs() < again { // a clock may have been ahead then
		return false
	}
	if d.acted == nil {
		d.acted = map[string]time.Time{}
	}
	for other, last := range d.acted {
		if now.Sub(last) > longest {
			delete(d.acted, other)
		}
	}
	d.acted[name] = now
	return true
}

func (d *Desk) forget(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.acted, name)
}
