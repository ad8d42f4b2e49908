package world

import (
	"context"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/schedule"
)

// timetable is a schedule that may act.
type timetable struct {
	patch.Schedule
	rule schedule.Rule
	at   map[string]gate.ScheduleFact // by time zone: its window that is open or opens next
}

// readSchedules notes the schedules that may deploy.
func (v *View) readSchedules(ctx context.Context) error {
	all, err := v.r.Store.ListSchedules(ctx)
	if err != nil {
		return err
	}
	for _, s := range all {
		rule, err := schedule.Parse(s.Window)
		if err != nil || s.Paused || s.Detect {
			continue
		}
		v.schedules = append(v.schedules, &timetable{Schedule: s, rule: rule, at: map[string]gate.ScheduleFact{}})
	}
	return nil
}

// next is a schedule's window that is open or opens next for machines of a time zone; its Start is zero where none is left.
func (t *timetable) next(now time.Time, zone string, loc *time.Location) gate.ScheduleFact {
	f, known := t.at[zone]
	if !known {
		if o, ok := t.rule.At(now, loc); ok {
			f = gate.ScheduleFact{Name: t.Name, Start: o.Start, End: o.End}
		}
		t.at[zone] = f
	}
	return f
}

// ZoneOf is the time zone in which a schedule's windows open for a machine: its own where the schedule says so, else the organisation's.
// known is false where the machine's own is wanted and cannot be told.
func ZoneOf(rule schedule.Rule, m patch.Machine, organisation *time.Location) (loc *time.Location, known bool) {
	if !rule.OfMachine() {
		return organisation, true
	}
	if m.Zone != "" {
		if loc, err := time.LoadLocation(m.Zone); err == nil {
			return loc, true
		}
	}
	return organisation, false
}

// Missed is the time in which a schedule makes up for its newest window on a machine that was away for all of it; ok is false where there is
// nothing to make up for at t.
func Missed(s patch.Schedule, rule schedule.Rule, m patch.Machine, t time.Time, loc *time.Location) (o schedule.Occurrence, ok bool) {
	within := time.Duration(s.CatchUp) * time.Hour
	if within == 0 || s.Detect {
		return o, false
	}
	last, ended := rule.Last(t, within, loc)
	if !ended || m.AwayFrom.IsZero() || m.AwayFrom.After(last.Start) || m.AwayUntil.Before(last.End) {
		return o, false
	}
	return schedule.Occurrence{Start: last.End, End: last.End.Add(within)}, true
}

// scheduled lists the schedules that deploy to this machine, by when they do so next.
func (s *Sight) scheduled(ctx context.Context) ([]gate.ScheduleFact, error) {
	organisation := s.v.r.Zone
	if organisation == nil {
		organisation = time.UTC
	}
	var out []gate.ScheduleFact
	for _, t := range s.v.schedules {
		in, err := s.v.carries(ctx, t.Label, s.seat.Number)
		if err != nil {
			return nil, err
		}
		if !in {
			continue
		}
		loc, known := ZoneOf(t.rule, s.Machine, organisation)
		f := t.next(s.v.Now, loc.String(), loc)
		f.ZoneUnknown = !known
		if o, ok := Missed(t.Schedule, t.rule, s.Machine, s.v.Now, loc); ok && f.Start.After(s.v.Now) {
			f.Start, f.End, f.CatchUp = o.Start, o.End, true
		}
		if !f.Start.IsZero() {
			out = append(out, f)
		}
	}
	slices.SortStableFunc(out, func(a, b gate.ScheduleFact) int { return a.Start.Compare(b.Start) })
	return out, nil
}
