package calendar

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/schedule"
)

// Act deploys for every schedule whose window is open and has not been planned for a while. It is called often; a schedule that fails
// does not keep the others from acting, and is tried again.
func (d *Desk) Act(ctx context.Context) error {
	all, err := d.Store.ListSchedules(ctx)
	if err != nil {
		return err
	}
	var failed []error
	for _, s := range all {
		if err := d.act(ctx, s); err != nil {
			failed = append(failed, fmt.Errorf("the schedule %s: %w", s.Name, err))
		}
	}
	return errors.Join(failed...)
}

func (d *Desk) act(ctx context.Context, s patch.Schedule) error {
	rule, err := schedule.Parse(s.Window)
	if err != nil || s.Paused {
		return err
	}
	now := d.Now()
	o, ok := rule.At(now, d.Zone)
	if !ok || !o.Contains(now) || o.End.Sub(now) < reserve || !d.turn(s.Name, o.Start, now) {
		return nil
	}
	caller := patch.Caller{Name: "schedule " + s.Name, Role: patch.Operator, From: "local", Via: "appliance"}
	plan, err := d.Plan(ctx, caller, s.Label, patch.Window{NotBefore: o.Start.UTC(), NotAfter: o.End.UTC()})
	if err == nil && slices.ContainsFunc(plan.Machines, func(m patch.MachinePlan) bool { return len(m.Items) > 0 }) {
		_, err = d.Deploy.Apply(ctx, caller, plan)
	}
	switch patch.KindOf(err) {
	case patch.Conflict, patch.NotFound: // the world moved on meanwhile, or the label is gone
		d.Log.InfoContext(ctx, "schedule did not deploy", slog.String("schedule", s.Name), slog.Any("error", err))
		return nil
	}
	if err != nil {
		d.forget(s.Name)
	}
	return err
}

// turn reports whether a schedule is to plan now, and remembers that it does.
func (d *Desk) turn(name string, opened, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if last, ok := d.acted[name]; ok && !last.Before(opened) && now.Sub(last) < again {
		return false
	}
	if d.acted == nil {
		d.acted = map[string]time.Time{}
	}
	d.acted[name] = now
	return true
}

func (d *Desk) forget(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.acted, name)
}
