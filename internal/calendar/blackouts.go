package calendar

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/schedule"
)

// Blackouts is the storage of blackouts. RemoveBlackout gives it as it was.
type Blackouts interface {
	PutBlackout(ctx context.Context, caller patch.Caller, b patch.Blackout) error
	ListBlackouts(ctx context.Context) ([]patch.Blackout, error)
	RemoveBlackout(ctx context.Context, caller patch.Caller, name string) (patch.Blackout, error)
}

// BlackoutDraft is a blackout as a person writes it. From and Until are days or moments in the organisation's time zone: "2026-12-20",
// "2026-12-20 18:00"; a day as Until is the last day of it.
type BlackoutDraft struct {
	Name   string `json:"name"`
	From   string `json:"from"`
	Until  string `json:"until"`
	Label  string `json:"label,omitempty"` // empty: all machines
	Reason string `json:"reason"`
	Owner  string `json:"owner,omitempty"` // empty: whoever writes it
}

// longestBlackout bounds a blackout: who wants nothing to happen for longer pauses schedules.
const longestBlackout = 366 * 24 * time.Hour

// DraftBlackout checks a blackout and gives it as it would be stored.
func (d *Desk) DraftBlackout(ctx context.Context, caller patch.Caller, in BlackoutDraft) (b patch.Blackout, err error) {
	refuse := func(why, do phrase.Phrase) error {
		return &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot store the blackout {1}", in.Name), Why: why, Do: do}
	}
	b = patch.Blackout{Name: in.Name, Label: in.Label, Reason: strings.TrimSpace(in.Reason), Owner: strings.TrimSpace(in.Owner), CreatedAt: d.Now().UTC(), CreatedBy: caller.Name}
	if !nameRule().MatchString(in.Name) {
		return b, refuse("its name must be made of a-z, 0-9, dot, dash and underscore, at most 64", "")
	}
	if b.From, err = d.moment(in.From, 0); err != nil {
		return b, refuse(patch.Said(err), `Write a day or a moment: "2026-12-20", "2026-12-20 18:00".`)
	}
	if b.Until, err = d.moment(in.Until, 1); err != nil {
		return b, refuse(patch.Said(err), `Write a day or a moment: "2027-01-02", "2027-01-02 06:00".`)
	}
	if b.Label == "" {
		b.Label = patch.LabelAll
	}
	if b.Owner == "" {
		b.Owner = caller.Name
	}
	switch {
	case b.Reason == "":
		return b, refuse("it has no reason", "Say what it is for: people whose patches wait will ask.")
	case len(b.Reason) > 300 || len(b.Owner) > 100:
		return b, refuse("its reason has more than 300 characters, or its owner more than 100", "")
	case !b.Until.After(b.From):
		return b, refuse("it ends before it begins", "")
	case b.Until.Sub(b.From) > longestBlackout:
		return b, refuse("it is longer than a year", "Pause schedules for which nothing is to happen: fettle schedules pause NAME")
	case !b.Until.After(d.Now()):
		return b, refuse("it is over already", "")
	}
	_, err = d.Labels.Members(ctx, b.Label)
	return b, err
}

// moment reads a day or a moment in the organisation's time zone; a day is its beginning, or that of so many days later.
func (d *Desk) moment(text string, days int) (time.Time, error) {
	text = strings.TrimSpace(text)
	if t, err := time.ParseInLocation(time.DateOnly, text, d.Zone); err == nil {
		return t.AddDate(0, 0, days), nil
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02T15:04"} {
		if t, err := time.ParseInLocation(layout, text, d.Zone); err == nil {
			return t, nil
		}
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	return time.Time{}, fmt.Errorf("%q is no day and no moment", text)
}

// PutBlackout checks a blackout and stores it; one of the same name is replaced.
func (d *Desk) PutBlackout(ctx context.Context, caller patch.Caller, in BlackoutDraft) (patch.Blackout, error) {
	b, err := d.DraftBlackout(ctx, caller, in)
	if err != nil {
		return b, err
	}
	return b, d.Blackouts.PutBlackout(ctx, caller, b)
}

// RemoveBlackout ends a blackout and gives it as it was, so that it can be put back.
func (d *Desk) RemoveBlackout(ctx context.Context, caller patch.Caller, name string) (patch.Blackout, error) {
	return d.Blackouts.RemoveBlackout(ctx, caller, name)
}

// Freeze is a blackout with whom it covers now.
type Freeze struct {
	patch.Blackout
	Machines int  `json:"machines"` // that carry the label now
	Active   bool `json:"active"`   // it covers this moment
	Over     bool `json:"over,omitempty"`
}

// ListBlackouts gives the blackouts by when they begin; those that are over are at the end.
func (d *Desk) ListBlackouts(ctx context.Context) ([]Freeze, error) {
	all, err := d.Blackouts.ListBlackouts(ctx)
	if err != nil {
		return nil, err
	}
	now := d.Now()
	coming, over := []Freeze{}, []Freeze{}
	for _, b := range all {
		machines, err := d.carriers(ctx, b.Label)
		if err != nil {
			return nil, err
		}
		f := Freeze{Blackout: b, Machines: len(machines), Active: b.Covers(now), Over: !b.Until.After(now)}
		if f.Over {
			over = append(over, f)
		} else {
			coming = append(coming, f)
		}
	}
	return append(coming, over...), nil
}

// freezes tells which blackouts cover a machine, in the order in which they begin.
type freezes struct {
	all     []patch.Blackout
	members map[string][]patch.MachineID // by label
}

func (d *Desk) freezes(ctx context.Context) (f freezes, err error) {
	if f.all, err = d.Blackouts.ListBlackouts(ctx); err != nil {
		return f, err
	}
	gate.SortBlackouts(f.all)
	f.members = map[string][]patch.MachineID{}
	for _, b := range f.all {
		if _, known := f.members[b.Label]; known || b.Label == patch.LabelAll {
			continue
		}
		ids, err := d.Labels.Members(ctx, b.Label)
		if err != nil && patch.KindOf(err) != patch.NotFound {
			return f, err
		}
		f.members[b.Label] = ids
	}
	return f, nil
}

// of are the blackouts that cover a machine.
func (f freezes) of(id patch.MachineID) (out []patch.Blackout) {
	for _, b := range f.all {
		if _, in := slices.BinarySearch(f.members[b.Label], id); in || b.Label == patch.LabelAll {
			out = append(out, b)
		}
	}
	return out
}

// everybody is the blackout that covers the whole organisation at a moment, if one does.
func (f freezes) everybody(t time.Time) (patch.Blackout, bool) {
	for _, b := range f.all {
		if b.Label == patch.LabelAll && b.Covers(t) {
			return b, true
		}
	}
	return patch.Blackout{}, false
}

// touching are the blackouts that take something of a window.
func touching(all []patch.Blackout, o schedule.Occurrence) (out []patch.Blackout) {
	for _, b := range all {
		if b.From.Before(o.End) && b.Until.After(o.Start) {
			out = append(out, b)
		}
	}
	return out
}
