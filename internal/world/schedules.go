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
	at   map[string]gate.ScheduleFact // by time zone and blackouts: its window that is open or opens next
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

// next is a schedule's window that is open or opens next for machines of a time zone, outside some blackouts; its Start is zero where none is
// left.
func (t *timetable) next(now time.Time, loc *time.Location, frozen []patch.Blackout) gate.ScheduleFact {
	key := loc.String()
	for _, b := range frozen {
		key += "\x00" + b.Name
	}
	f, known := t.at[key]
	if !known {
		if o, by, ok := NextWindow(t.rule, now, loc, frozen); ok {
			f = gate.ScheduleFact{Name: t.Name, Start: o.Start, End: o.End, MovedBy: by}
		}
		t.at[key] = f
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

// Late is the time in which a schedule makes up for a window.
type Late struct {
	schedule.Occurrence
	MovedBy string // the blackout that took the window, or the beginning of this time
	Taken   bool   // a blackout took all of the window: it is made up for on every machine, whether it was away or not
}

// Missed is the time in which a schedule makes up for its newest window on a machine that was away for all of it, or that a blackout kept out of all
// of it; ok is false where there is nothing to make up for at t. Blackouts are no time for catching up: it goes on after them.
func Missed(s patch.Schedule, rule schedule.Rule, m patch.Machine, t time.Time, loc *time.Location, frozen []patch.Blackout) (l Late, ok bool) {
	within := time.Duration(s.CatchUp) * time.Hour
	if within == 0 || s.Detect {
		return l, false
	}
	back := within
	for _, b := range frozen {
		if b.From.Before(t) {
			back += b.Until.Sub(b.From)
		}
	}
	last, ended := rule.Last(t, back, loc)
	if !ended {
		return l, false
	}
	if l.Taken = len(last.Without(times(frozen))) == 0; !l.Taken && (m.AwayFrom.IsZero() || m.AwayFrom.After(last.Start) || m.AwayUntil.Before(last.End)) {
		return Late{}, false
	}
	l.Start, l.End = last.End, unfrozen(last.End, within, frozen)
	if l.Taken {
		l.moved(frozen, last.Start)
	}
	l.moved(frozen, last.End)
	l.moved(frozen, t)
	return l, t.Before(l.End)
}

// moved begins after the blackout that covers a moment, if one does.
func (l *Late) moved(frozen []patch.Blackout, t time.Time) {
	if b, until, covered := gate.Frozen(frozen, t); covered {
		l.MovedBy = b.Name
		if until.After(l.Start) {
			l.Start = until
		}
	}
}

// unfrozen is the moment at which so much time has passed since another one, blackouts not counted.
func unfrozen(since time.Time, d time.Duration, frozen []patch.Blackout) time.Time {
	for _, b := range frozen {
		switch gap := max(0, b.From.Sub(since)); {
		case !b.Until.After(since):
		case gap >= d:
			return since.Add(d)
		default:
			since, d = b.Until, d-gap
		}
	}
	return since.Add(d)
}

// NextWindow is a rule's window that is open at t or opens next, as blackouts leave it; by is the one that took something of it or of those
// before it.
func NextWindow(rule schedule.Rule, t time.Time, loc *time.Location, frozen []patch.Blackout) (o schedule.Occurrence, by string, ok bool) {
	for whole := range rule.From(t, loc) {
		for _, b := range frozen {
			if b.From.Before(whole.End) && b.Until.After(whole.Start) && by == "" {
				by = b.Name
			}
		}
		for _, part := range whole.Without(times(frozen)) {
			if part.End.After(t) {
				return part, by, true
			}
		}
	}
	return o, "", false
}

func times(all []patch.Blackout) []schedule.Occurrence {
	out := make([]schedule.Occurrence, 0, len(all))
	for _, b := range all {
		out = append(out, schedule.Occurrence{Start: b.From, End: b.Until})
	}
	return out
}

// scheduled lists the schedules that deploy to this machine, by when they do so next.
func (s *Sight) scheduled(ctx context.Context) ([]gate.ScheduleFact, error) {
	organisation := s.v.r.Zone
	if organisation == nil {
		organisation = time.UTC
	}
	if len(s.v.schedules) == 0 {
		return nil, nil
	}
	frost, err := s.v.frostOf(ctx, s.seat.Number)
	if err != nil {
		return nil, err
	}
	frozen := frost.all
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
		f := t.next(s.v.Now, loc, frozen)
		f.ZoneUnknown = !known
		if l, ok := Missed(t.Schedule, t.rule, s.Machine, s.v.Now, loc, frozen); ok && f.Start.After(s.v.Now) && l.Start.Before(f.Start) {
			f.Start, f.End, f.CatchUp, f.MovedBy = l.Start, l.End, true, l.MovedBy
		}
		if !f.Start.IsZero() {
			out = append(out, f)
		}
	}
	slices.SortStableFunc(out, func(a, b gate.ScheduleFact) int { return a.Start.Compare(b.Start) })
	return out, nil
}
