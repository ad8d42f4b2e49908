package calendar

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/schedule"
	"github.com/fettle-project/fettle/internal/world"
)

// Event is one window of one schedule, or a blackout.
type Event struct {
	schedule.Occurrence
	Schedule string `json:"schedule,omitempty"`
	Label    string `json:"label"`
	Machines int    `json:"machines"` // that carry the label now and that it is about
	Detect   bool   `json:"detect,omitempty"`
	// Manner is how the machines go about what is deployed in the window; nil: nothing beside installing.
	Manner *patch.Manner `json:"manner,omitempty"`
	Zone   string        `json:"zone,omitempty"` // of windows in machines' own time zones: which
	// Blackout: the event is this blackout itself, and Reason and Owner are its own.
	Blackout string `json:"blackout,omitempty"`
	Reason   string `json:"reason,omitempty"`
	Owner    string `json:"owner,omitempty"`
	// Frozen: a blackout of this name takes all of the window for these machines, and nothing is deployed.
	Frozen string `json:"frozen,omitempty"`
	// CutBy: a blackout takes a part of the window, and this is what is left.
	CutBy string `json:"cut_by,omitempty"`
	// CatchUp: the time in which a window that MovedBy, a blackout, took is made up for.
	CatchUp bool   `json:"catch_up,omitempty"`
	MovedBy string `json:"moved_by,omitempty"`
}

// maxEvents bounds an answer about one schedule.
const maxEvents = 1000

// Between lists the windows and blackouts that touch [from, to), by their start. Paused schedules have none.
func (d *Desk) Between(ctx context.Context, from, to time.Time) ([]Event, error) {
	all, err := d.Store.ListSchedules(ctx)
	if err != nil {
		return nil, err
	}
	frozen, err := d.freezes(ctx)
	if err != nil {
		return nil, err
	}
	out := []Event{}
	for _, b := range frozen.all {
		if b.Until.After(from) && b.From.Before(to) {
			machines, err := d.carriers(ctx, b.Label)
			if err != nil {
				return nil, err
			}
			out = append(out, Event{Occurrence: schedule.Occurrence{Start: b.From, End: b.Until}, Label: b.Label, Machines: len(machines), Blackout: b.Name, Reason: b.Reason, Owner: b.Owner})
		}
	}
	for _, s := range all {
		rule, err := schedule.Parse(s.Window)
		if err != nil || s.Paused {
			continue
		}
		machines, err := d.carriers(ctx, s.Label)
		if err != nil {
			return nil, err
		}
		out = append(out, d.events(s, rule, machines, frozen, from, to)...)
	}
	slices.SortStableFunc(out, func(a, b Event) int {
		return cmp.Or(a.Start.Compare(b.Start), cmp.Compare(b.Blackout, a.Blackout), cmp.Compare(a.Schedule, b.Schedule), cmp.Compare(a.Zone, b.Zone))
	})
	return out, nil
}

// events are the windows of one schedule, apart for machines of other time zones and under other blackouts.
func (d *Desk) events(s patch.Schedule, rule schedule.Rule, machines []patch.Machine, frozen freezes, from, to time.Time) (out []Event) {
	merged := map[Event]int{}
	for _, g := range d.groups(s, rule, machines, frozen) {
		for _, e := range g.events(s, rule, from, to) {
			merged[e] += len(g.machines)
		}
	}
	for e, n := range merged {
		e.Machines = n
		out = append(out, e)
	}
	return out
}

// group is machines that have the same windows of a schedule: in one time zone, under the same blackouts.
type group struct {
	zone     *time.Location
	frozen   []patch.Blackout
	machines []patch.MachineID
}

func (d *Desk) groups(s patch.Schedule, rule schedule.Rule, machines []patch.Machine, frozen freezes) map[string]*group {
	groups := map[string]*group{}
	for _, m := range machines {
		loc, _ := world.ZoneOf(rule, m, d.Zone)
		mine := frozen.of(m.ID)
		if s.Detect {
			mine = nil
		}
		key := loc.String() + "\x00" + names(mine)
		if groups[key] == nil {
			groups[key] = &group{zone: loc, frozen: mine}
		}
		groups[key].machines = append(groups[key].machines, m.ID)
	}
	if len(groups) == 0 && !rule.OfMachine() {
		groups[""] = &group{zone: d.Zone}
	}
	return groups
}

func (g *group) events(s patch.Schedule, rule schedule.Rule, from, to time.Time) []Event {
	all := windows(s, rule, g.zone, g.frozen, from, to)
	for i := range all {
		e := &all[i]
		e.Schedule, e.Label, e.Detect, e.Manner = s.Name, s.Label, s.Detect, s.Manner
		if rule.OfMachine() {
			if e.Zone = g.zone.String(); g.zone == time.Local { // its name is that of no zone
				e.Zone = e.Start.In(g.zone).Format("MST")
			}
		}
	}
	return all
}

func names(all []patch.Blackout) string {
	var b strings.Builder
	for _, x := range all {
		b.WriteString(x.Name + "\x00")
	}
	return b.String()
}

// windows are those of a schedule for machines under the same blackouts.
func windows(s patch.Schedule, rule schedule.Rule, zone *time.Location, frozen []patch.Blackout, from, to time.Time) (out []Event) {
	back := from
	for _, b := range frozen { // one that is over soon may move a window of before
		if s.CatchUp > 0 && b.Until.After(from) && b.From.Before(back) {
			back = b.From
		}
	}
	shown := func(o schedule.Occurrence) bool { return o.End.After(from) && o.Start.Before(to) }
	for _, o := range rule.Between(back, to, zone, maxEvents) {
		taken := touching(frozen, o)
		parts := o.Without(spans(taken))
		switch {
		case len(taken) == 0 && shown(o):
			out = append(out, Event{Occurrence: o})
		case len(taken) > 0 && len(parts) == 0:
			if shown(o) {
				out = append(out, Event{Occurrence: o, Frozen: taken[0].Name})
			}
			if l, ok := madeUp(s, rule, zone, frozen, o); ok && shown(l.Occurrence) {
				out = append(out, Event{Occurrence: l.Occurrence, CatchUp: true, MovedBy: l.MovedBy})
			}
		default:
			for _, part := range parts {
				if shown(part) {
					out = append(out, Event{Occurrence: part, CutBy: taken[0].Name})
				}
			}
		}
	}
	return out
}

// madeUp is when a window that blackouts took is made up for; a newer window takes its place.
func madeUp(s patch.Schedule, rule schedule.Rule, zone *time.Location, frozen []patch.Blackout, o schedule.Occurrence) (world.Late, bool) {
	l, ok := world.Missed(s, rule, patch.Machine{}, o.End, zone, frozen)
	if !ok || !l.Taken {
		return l, false
	}
	next, _, open := world.NextWindow(rule, o.End, zone, nil)
	if open && !next.End.After(l.Start) {
		return l, false // by then the one after it is over too
	}
	return l, true
}

func spans(all []patch.Blackout) []schedule.Occurrence {
	out := make([]schedule.Occurrence, 0, len(all))
	for _, b := range all {
		out = append(out, schedule.Occurrence{Start: b.From, End: b.Until})
	}
	return out
}
