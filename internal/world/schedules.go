package world

import (
	"context"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/schedule"
)

// readSchedules notes the schedules that may act, by when they are open.
func (v *View) readSchedules(ctx context.Context) error {
	all, err := v.r.Store.ListSchedules(ctx)
	if err != nil {
		return err
	}
	zone := v.r.Zone
	if zone == nil {
		zone = time.UTC
	}
	v.covers = map[string]string{}
	for _, s := range all {
		rule, err := schedule.Parse(s.Window)
		if err != nil || s.Paused {
			continue
		}
		if o, ok := rule.At(v.Now, zone); ok {
			v.schedules = append(v.schedules, gate.ScheduleFact{Name: s.Name, Start: o.Start, End: o.End})
			v.covers[s.Name] = s.Label
		}
	}
	slices.SortStableFunc(v.schedules, func(a, b gate.ScheduleFact) int { return a.Start.Compare(b.Start) })
	return nil
}

// scheduled lists the schedules that deploy to this machine.
func (s *Sight) scheduled(ctx context.Context) ([]gate.ScheduleFact, error) {
	var out []gate.ScheduleFact
	for _, f := range s.v.schedules {
		in, err := s.v.carries(ctx, s.v.covers[f.Name], s.seat.Number)
		if err != nil {
			return nil, err
		}
		if in {
			out = append(out, f)
		}
	}
	return out, nil
}
