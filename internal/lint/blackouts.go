package lint

import (
	"context"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/schedule"
	"github.com/fettle-project/fettle/internal/world"
)

// ahead is how far windows are looked at: a month and what a window may move in it.
const ahead = 35 * 24 * time.Hour

// freezes looks for schedules of which blackouts take every window of the next weeks, with nothing that makes up for them.
func (x *look) freezes(ctx context.Context) error {
	for _, p := range x.plans {
		rule, err := schedule.Parse(p.Window)
		if err != nil || p.Paused || p.Detect || p.CatchUp > 0 {
			continue
		}
		frozen, err := x.over(ctx, p.Label)
		if err != nil {
			return err
		}
		by, taken := swallowed(rule.Between(x.view.Now, x.view.Now.Add(ahead), x.zone(), 100), frozen)
		if !taken {
			continue
		}
		next := phrase.Phrase("and it never opens again")
		if o, _, ok := world.NextWindow(rule, x.view.Now, x.zone(), frozen); ok {
			next = phrase.Of("the next one that is left opens {1}", phrase.At(x.view.Now.In(x.zone()), o.Start))
		}
		x.find(Problem, Swallowed, p.Name, phrase.Of("the blackout {1} takes every window of the schedule {2} within five weeks ({3}): {4}", few(by), p.Name, p.Window, next),
			phrase.Of("Let it make up for them: fettle schedules put {1} … --catch-up 48, or shorten the blackout: fettle blackout", p.Name))
	}
	return nil
}

// over are the blackouts, in order, that cover every machine of a label.
func (x *look) over(ctx context.Context, label string) (out []patch.Blackout, err error) {
	ids, err := x.carry(ctx, label)
	if err != nil {
		return nil, err
	}
	for _, b := range x.blackouts {
		mine, err := x.carry(ctx, b.Label)
		if err != nil {
			return nil, err
		}
		if b.Label == patch.LabelAll || len(ids) > 0 && !slices.ContainsFunc(ids, func(id patch.MachineID) bool { _, in := slices.BinarySearch(mine, id); return !in }) {
			out = append(out, b)
		}
	}
	return out, nil
}

// swallowed reports whether blackouts take all of every window, and which do.
func swallowed(windows []schedule.Occurrence, frozen []patch.Blackout) (by []string, all bool) {
	var taken []schedule.Occurrence
	for _, b := range frozen {
		taken = append(taken, schedule.Occurrence{Start: b.From, End: b.Until})
	}
	for _, o := range windows {
		if len(o.Without(taken)) > 0 {
			return nil, false
		}
		for _, b := range frozen {
			if b.From.Before(o.End) && b.Until.After(o.Start) && !slices.Contains(by, b.Name) {
				by = append(by, b.Name)
			}
		}
	}
	return by, len(windows) > 0
}
