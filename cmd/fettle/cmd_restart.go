package main

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/patch"
)

type deployRestartCmd struct {
	Label     string   `short:"l" xor:"target" required:"" help:"Of the machines that carry this label." placeholder:"LABEL"`
	Machine   []string `short:"m" xor:"target" required:"" help:"Of these machines, by name or id."`
	NotBefore string   `help:"Not before this moment." placeholder:"TIME"`
	NotAfter  string   `help:"Be back by this moment: a time, or a span such as 4h." placeholder:"TIME"`
	Reboot    string   `enum:"if-needed,ask,force" default:"if-needed" help:"How: if-needed (those that owe a restart), ask (likewise, and whoever works there may put it off) or force (all of them, whether they owe one or not)."`
	restartFlags
	Out   string `short:"o" help:"Also write the plan to this file, for fettle deploy apply." placeholder:"FILE"`
	Apply bool   `help:"Carry the plan out at once; without it nothing is changed."`
	Watch bool   `short:"w" help:"With --apply: follow it until every machine is back."`
}

func (deployRestartCmd) Help() string {
	return `For machines that owe a restart and need no patch. It keeps to all that other restarts keep to: the window, blackouts, the owner's no-reboot, how many
of a ring may restart at once, and three restarts a day. A machine counts as restarted when it comes from another boot. Without --apply nothing is changed,
and it exits with 1 when no machine would restart.

Examples:
  fettle deploy restart --label web
  fettle deploy restart --label web --not-before "2026-12-01 22:00" --not-after "2026-12-02 04:00" --apply
  fettle deploy restart --machine web-14 --reboot ask --reboot-snooze 30m --reboot-snoozes 2 --reboot-deadline 4h --apply --watch`
}

func (c deployRestartCmd) request() (api.PlanRequest, error) {
	r := api.PlanRequest{Label: c.Label, Machines: c.Machine, Restarts: true}
	if c.Watch && !c.Apply {
		return r, usagef("--watch follows what --apply begins")
	}
	var err error
	if r.Reboot, err = c.policy(patch.RebootMode(c.Reboot)); err != nil {
		return r, err
	}
	if r.Window.NotBefore, err = parseMoment(c.NotBefore, time.Now()); err != nil {
		return r, err
	}
	r.Window.NotAfter, err = parseMoment(c.NotAfter, time.Now())
	return r, err
}

func (c deployRestartCmd) Run(ctx context.Context, s *screen) error {
	r, err := c.request()
	if err != nil {
		return err
	}
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	p, err := makePlan(ctx, client, api.Path("plans"), r, c.Out)
	if err != nil {
		return err
	}
	return planOrApply(ctx, s, client, p, c.Apply, c.Watch)
}

// makePlan has the appliance make a plan, and also writes it to a file where one is named.
func makePlan(ctx context.Context, client *api.Client, path string, request any, file string) (patch.Plan, error) {
	p, err := api.Do[patch.Plan](ctx, client, http.MethodPost, path, nil, request)
	if err == nil && file != "" {
		err = writeJSON(file, p)
	}
	return p, err
}

// planOrApply shows a plan, and carries it out where that is wanted and it does something.
func planOrApply(ctx context.Context, s *screen, client *api.Client, p patch.Plan, apply, watch bool) error {
	any := installsAny(p)
	if any && apply {
		if !s.json {
			printPlan(s.out, s.width, p, false)
		}
		return applyPlan(ctx, s, client, api.ApplyRequest{Plan: p}, watch)
	}
	if err := s.show(p, func(w io.Writer) { printPlan(w, s.width, p, false) }); err != nil {
		return err
	}
	if !any {
		return errNo
	}
	return nil
}

// printRestarts says which machines a plan of restarts alone restarts, and which not, with each reason.
func printRestarts(w io.Writer, p patch.Plan, rows bool) {
	var goes, not, none []string
	for _, m := range p.Machines {
		for _, i := range m.Items {
			if i.Outcome == patch.WillRestart {
				goes = append(goes, m.Name+": "+m.Expected.Why.String())
			} else {
				not = append(not, m.Name+": "+i.Text.String())
			}
		}
		for _, l := range m.Left {
			if l.Outcome == patch.NotOwed {
				none = append(none, m.Name)
			} else {
				not = append(not, m.Name+": "+l.Text.String())
			}
		}
	}
	line(w, "%s of %s.", plural(len(goes), "restart", "restarts"), plural(len(p.Machines), "machine", "machines"))
	for _, part := range []struct {
		title string
		lines []string
	}{{"", goes}, {"Not restarted:", not}} {
		few := part.lines
		if !rows && len(few) > readable {
			few = few[:readable]
		}
		if len(few) > 0 && part.title != "" {
			line(w, "%s", part.title)
		}
		for _, text := range few {
			line(w, "  %s", clean(text))
		}
		if more := len(part.lines) - len(few); more > 0 {
			line(w, "  and %s more: --json has each", thousands(more))
		}
	}
	if len(none) > 0 {
		line(w, "No restart owed: %s (%s).", plural(len(none), "machine", "machines"), clean(fewOf(none)))
	}
}
