package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/calendar"
	"github.com/fettle-project/fettle/internal/patch"
)

type blackoutsCmd struct {
	List   blackoutsListCmd   `cmd:"" default:"1" help:"List blackouts by when they begin."`
	Add    blackoutsAddCmd    `cmd:"" aliases:"put" help:"Announce a blackout, or change one."`
	Remove blackoutsRemoveCmd `cmd:"" help:"End a blackout, or take one back before it begins."`
}

type blackoutsListCmd struct{}

func (blackoutsListCmd) Help() string {
	return "Examples:\n  fettle blackout list\n  fettle blackout --json"
}

func (blackoutsListCmd) Run(ctx context.Context, s *screen) error {
	return ask(ctx, s, api.Path("blackouts"), nil, func(w io.Writer, l api.List[calendar.Freeze]) {
		if len(l.Items) == 0 {
			line(w, "No blackout is announced. Add one: fettle blackout add year-end --from 2026-12-20 --until 2027-01-02 --reason \"closing the books\"")
			return
		}
		t := table{columns: []column{{title: "blackout"}, {title: "from"}, {title: "until"}, {title: "label"}, {title: "machines", right: true}, {title: "state"}, {title: "owner"}, {title: "reason", flex: true}}}
		for _, b := range l.Items {
			t.add(b.Name, day(b.From), day(b.Until), b.Label, strconv.Itoa(b.Machines), blackoutState(b, time.Now()), b.Owner, b.Reason)
		}
		t.print(w, s.width)
	})
}

func blackoutState(b calendar.Freeze, now time.Time) string {
	switch {
	case b.Over:
		return "over"
	case b.Active:
		return "now"
	}
	return "in " + plural(int(b.From.Sub(now).Hours()/24), "day", "days")
}

type blackoutsAddCmd struct {
	Blackout string `arg:"" help:"Its name."`
	From     string `required:"" help:"The day or the moment at which it begins, in the organisation's time zone." placeholder:"TIME"`
	Until    string `required:"" help:"Its last day, or the moment at which it ends." placeholder:"TIME"`
	Reason   string `required:"" help:"What it is for."`
	Owner    string `help:"Whom to ask about it; you if left out." placeholder:"NAME"`
	Label    string `short:"l" help:"Only machines that carry it; all if left out." placeholder:"LABEL"`
	Preview  bool   `help:"Only show what it would change."`
}

func (blackoutsAddCmd) Help() string {
	return `In a blackout (a holiday, a change freeze) nothing is deployed to the machines that it covers: no order goes out, and one that went out before ends where
it begins. Machines go on to detect, and people to decide. Explain, plan, calendar and what-if know it. Windows that it takes part of are cut; a window that
it takes whole is made up for after it where the schedule catches up (--catch-up).

Examples:
  fettle blackout add year-end --from 2026-12-20 --until 2027-01-02 --reason "closing the books"
  fettle blackout add fair --from "2026-12-01 08:00" --until "2026-12-01 20:00" --label shops --owner j.lind --reason "the shops' big day"
  fettle blackout add year-end --from 2026-12-20 --until 2027-01-06 --reason "one week more" --preview`
}

func (c blackoutsAddCmd) Run(ctx context.Context, s *screen) error {
	in := api.BlackoutRequest{From: c.From, Until: c.Until, Label: c.Label, Reason: c.Reason, Owner: c.Owner}
	if c.Preview {
		return whatIf(ctx, s, api.WhatIfRequest{Blackout: &calendar.BlackoutDraft{Name: c.Blackout, From: in.From, Until: in.Until, Label: in.Label, Reason: in.Reason, Owner: in.Owner}})
	}
	return tell(ctx, s, http.MethodPut, api.Path("blackouts", c.Blackout), in, func(w io.Writer, b patch.Blackout) {
		line(w, "Nothing is deployed to %s from %s until %s (%s).", clean(whom(b.Label)), day(b.From), day(b.Until), clean(b.Reason))
		line(w, "To take it back: fettle blackout remove %s", clean(b.Name))
	})
}

func whom(label string) string {
	if label == patch.LabelAll {
		return "any machine"
	}
	return "machines that carry " + label
}

type blackoutsRemoveCmd struct {
	Blackout string `arg:"" help:"Its name."`
}

func (blackoutsRemoveCmd) Help() string { return "Example:\n  fettle blackout remove year-end" }

func (c blackoutsRemoveCmd) Run(ctx context.Context, s *screen) error {
	return tell[patch.Blackout](ctx, s, http.MethodDelete, api.Path("blackouts", c.Blackout), nil, func(w io.Writer, b patch.Blackout) {
		line(w, "The blackout %s is over.", clean(b.Name))
		label := ""
		if b.Label != patch.LabelAll {
			label = " --label " + b.Label
		}
		moment := func(t time.Time) string { return t.UTC().Format(time.RFC3339) }
		line(w, "To put it back: fettle blackout add %s", clean(fmt.Sprintf("%s --from %s --until %s%s --owner %q --reason %q", b.Name, moment(b.From), moment(b.Until), label, b.Owner, b.Reason)))
	})
}
