package main

import (
	"context"
	"io"
	"strconv"
	"time"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/label"
	"github.com/fettle-project/fettle/internal/ledger"
)

// between shows what has changed from one moment to another, on one machine or label by label.
func (c statusCmd) between(ctx context.Context, s *screen) error {
	if c.AsOf == "" {
		return usagef("--to needs --as-of: from when until when?")
	}
	now := time.Now()
	from, err := parsePast(c.AsOf, now)
	if err != nil {
		return err
	}
	to := now
	if c.To != "now" {
		if to, err = parsePast(c.To, now); err != nil {
			return err
		}
	}
	if c.Machine == "" {
		return betweenLooks(ctx, s, from, to, c.To == "now")
	}
	q := query{}.set("at", from.UTC().Format(time.RFC3339)).set("to", to.UTC().Format(time.RFC3339))
	return ask(ctx, s, api.Path("machines", c.Machine, "as-of"), q, func(w io.Writer, d ledger.Difference) {
		line(w, "%s", clean(d.Sentence.String()))
		if len(d.Moved) > 0 {
			line(w, "")
			t := table{columns: []column{{title: "when"}, {title: "patch", flex: true}, {title: "from"}, {title: "to"}, {title: "by", flex: true}}}
			for _, m := range d.Moved {
				t.add(when(m.At), string(m.Patch), m.From.String(), m.To.String(), m.Cause.Words().String()+with(": ", m.Note.String()))
			}
			t.print(w, s.width)
		}
	})
}

// labelDifference is one label's compliance on two days.
type labelDifference struct {
	Label string        `json:"label"`
	From  api.Complying `json:"from"`
	To    api.Complying `json:"to"`
}

// betweenLooks compares the looks that were kept on two days; now is looked at anew.
func betweenLooks(ctx context.Context, s *screen, from, to time.Time, now bool) error {
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	before, err := looksOn(ctx, client, from)
	if err != nil {
		return err
	}
	var after []api.Complying
	if now {
		var l api.List[api.Complying]
		l, err = api.Get[api.List[api.Complying]](ctx, client, api.Path("compliance"), nil)
		after = l.Items
	} else {
		after, err = looksOn(ctx, client, to)
	}
	if err != nil {
		return err
	}
	out := api.List[labelDifference]{Items: []labelDifference{}}
	for _, b := range before {
		for _, a := range after {
			if a.Label == b.Label {
				out.Items = append(out.Items, labelDifference{a.Label, b, a})
			}
		}
	}
	out.Total = len(out.Items)
	return s.show(out, func(w io.Writer) { printLooks(w, s.width, out.Items, from, to) })
}

func printLooks(w io.Writer, width int, all []labelDifference, from, to time.Time) {
	if len(all) == 0 {
		line(w, "No label was looked at on both days. One look a day is kept: fettle report --history")
		return
	}
	if first := all[0]; !first.To.At.After(first.From.At) {
		line(w, "Both moments are answered by one look, of %s: one a day is kept, the last of that day (UTC), so what changed between them is not known. A machine's own past is exact: fettle status MACHINE --as-of TIME --to TIME", when(first.From.At))
		return
	}
	line(w, "From the look of %s%s, to that of %s%s. One look a day is kept: the last of that day (UTC).", when(all[0].From.At), apart(all[0].From.At, from), when(all[0].To.At), apart(all[0].To.At, to))
	line(w, "")
	t := table{columns: []column{{title: "label", flex: true}, {title: "machines", right: true}, {title: "confirmed", right: true}, {title: "lacking", right: true}, {title: "stale", right: true}, {title: "never", right: true}}}
	step := func(a, b int) string {
		if a == b {
			return thousands(a)
		}
		return thousands(a) + " → " + thousands(b)
	}
	for _, d := range all {
		t.add(d.Label, step(d.From.Machines, d.To.Machines), step(d.From.Confirmed, d.To.Confirmed), step(d.From.Needing, d.To.Needing), step(d.From.Stale, d.To.Stale), step(d.From.Never, d.To.Never))
	}
	t.print(w, width)
}

// looksOn gives the last look at each label that was kept on a day; none where none was.
func looksOn(ctx context.Context, client *api.Client, at time.Time) ([]api.Complying, error) {
	labels, err := api.Get[api.List[label.Membership]](ctx, client, api.Path("labels"), nil)
	if err != nil {
		return nil, err
	}
	days := int(time.Since(at)/(24*time.Hour)) + 1
	out := []api.Complying{}
	for _, l := range labels.Items {
		kept, err := api.Get[api.List[api.Complying]](ctx, client, api.Path("compliance", "history"), query{}.set("label", l.Label.Name).set("days", strconv.Itoa(days)).values())
		if err != nil {
			return nil, err
		}
		for _, k := range kept.Items {
			if k.At.UTC().Format(time.DateOnly) == at.UTC().Format(time.DateOnly) {
				out = append(out, k)
			}
		}
	}
	return out, nil
}
