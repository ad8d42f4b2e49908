package calendar

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/schedule"
	"github.com/fettle-project/fettle/internal/world"
)

// A window is planned some time before it opens, so that machines which are away when it does hold their orders by then. What changes meanwhile
// reaches such an order as decision 12 has it: decisions, holds and freezes by the gates, whatever is about the schedule itself here.

// MaxAhead bounds how long before its window a schedule may plan.
const MaxAhead = 12 * time.Hour

// by is the name under which a schedule acts.
func by(schedule string) string { return "schedule " + schedule }

func callerOf(schedule string) patch.Caller {
	return patch.Caller{Name: by(schedule), Role: patch.Operator, From: "local", Via: "appliance"}
}

// due gives the window that is to be planned now: open with enough time left, or to open soon.
func (d *Desk) due(rule schedule.Rule, zone *time.Location) (o schedule.Occurrence, ahead, ok bool) {
	if o, ok = d.open(rule, zone); ok {
		return o, false, true
	}
	o, ok = rule.At(d.Now(), zone)
	wait := o.Start.Sub(d.Now())
	return o, true, ok && wait > 0 && wait <= d.Ahead
}

// recall takes back what was planned ahead of a window that will not come as it was planned, and takes it back from machines that do not carry the
// schedule's label any more. What has begun goes on.
func (d *Desk) recall(ctx context.Context, all []patch.Schedule) error {
	deployments, err := d.Deployments.ListDeployments(ctx, recalled)
	if err != nil {
		return err
	}
	schedules := map[string]patch.Schedule{}
	for _, s := range all {
		schedules[by(s.Name)] = s
	}
	for _, dep := range deployments {
		name, scheduled := strings.CutPrefix(dep.By, by(""))
		if !scheduled || dep.State != patch.Running || !dep.Plan.Window.NotBefore.After(d.Now()) {
			continue
		}
		s, known := schedules[dep.By]
		members, comes := []patch.MachineID(nil), false
		if known {
			if members, comes, err = d.comes(ctx, s, dep.Plan); err != nil {
				return err
			}
		}
		why := phrase.Of("the machine does not carry the label {1} of the schedule {2} any more", s.Label, name)
		if !comes {
			members, why = nil, phrase.Of("the schedule {1} is another one now than when this was planned", name)
		}
		if err := d.Deploy.KeepOnly(ctx, dep.ID, members, why); err != nil {
			return err
		}
	}
	return nil
}

// stopped reports whether a person has halted what a schedule deploys in a window: then it deploys nothing more there.
func (d *Desk) stopped(ctx context.Context, s patch.Schedule, o schedule.Occurrence) (bool, error) {
	all, err := d.Deployments.ListDeployments(ctx, recalled)
	return slices.ContainsFunc(all, func(dep patch.Deployment) bool {
		w := dep.Plan.Window
		return dep.State == patch.Halted && dep.By == by(s.Name) && w.NotBefore.Equal(o.Start) && w.NotAfter.Equal(o.End)
	}), err
}

// recalled is how many of the newest deployments are looked at: what is planned ahead is never older than MaxAhead.
const recalled = 500

// comes reports whether a window for which a schedule has planned ahead still comes as it was planned, and who carries the label now.
func (d *Desk) comes(ctx context.Context, s patch.Schedule, p patch.Plan) ([]patch.MachineID, bool, error) {
	rule, err := schedule.Parse(s.Window)
	if err != nil || s.Paused || s.Detect || !reflect.DeepEqual(s.Reboot, p.Reboot) || !reflect.DeepEqual(s.Manner, p.Manner) {
		return nil, false, nil
	}
	if (p.Label != "") == rule.OfMachine() || p.Label != "" && p.Label != s.Label {
		return nil, false, nil
	}
	machines, err := d.carriers(ctx, s.Label)
	if err != nil {
		return nil, false, err
	}
	zones := map[*time.Location]bool{d.Zone: true}
	var members []patch.MachineID
	for _, m := range machines {
		loc, _ := world.ZoneOf(rule, m, d.Zone)
		zones[loc] = true
		members = append(members, m.ID)
	}
	for loc := range zones {
		if o, ok := rule.At(p.Window.NotBefore, loc); ok && o.Start.Equal(p.Window.NotBefore) && o.End.Equal(p.Window.NotAfter) {
			return members, true, nil
		}
	}
	return nil, false, nil
}
