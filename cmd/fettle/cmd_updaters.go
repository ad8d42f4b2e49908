package main

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/updater"
)

type updatersCmd struct {
	List     updatersListCmd    `cmd:"" default:"1" help:"List other updaters on the fleet, and what was decided about them."`
	Show     updatersShowCmd    `cmd:"" help:"Show those of one machine, with the command that turns each off."`
	Adopt    updatersAdoptCmd   `cmd:"" help:"Accept what a service does as fine."`
	Alert    updatersAlertCmd   `cmd:"" help:"Raise an alarm on every machine where a service is on."`
	TakeOver updatersTakeCmd    `cmd:"" name:"take-over" help:"Turn a service off, and keep verifying that it stays off."`
	Release  updatersReleaseCmd `cmd:"" help:"Take a decision back; what Fettle turned off by it is given back."`
}

type updatersListCmd struct{}

func (updatersListCmd) Help() string {
	return `Other services that install updates change machines between two detects. Fettle names them, and never fights them: one that it turned off
and that somebody turned on again raises an alarm and is left alone until it is asked for anew.

Example:
  fettle updaters --json`
}

func (updatersListCmd) Run(ctx context.Context, s *screen) error {
	return ask(ctx, s, api.Path("updaters"), nil, func(w io.Writer, l api.List[updater.Overview]) { printUpdaters(w, s.width, l.Items) })
}

func printUpdaters(w io.Writer, width int, all []updater.Overview) {
	t := table{columns: []column{{title: "service"}, {title: "on", right: true}, {title: "off", right: true}, {title: "taken over", right: true}, {title: "on again", right: true},
		{title: "not done", right: true}, {title: "decided", flex: true}}}
	for _, o := range all {
		var rulings []string
		for _, r := range o.Rulings {
			rulings = append(rulings, ruled(r, o.Name))
		}
		t.add(o.Name, strconv.Itoa(o.On), strconv.Itoa(o.Off), strconv.Itoa(o.Taken), strconv.Itoa(o.Undone), strconv.Itoa(o.Failed+o.Waiting), strings.Join(rulings, ", "))
	}
	t.print(w, width)
	for _, o := range all {
		if o.On == 0 || len(o.Rulings) > 0 {
			continue
		}
		line(w, "")
		line(w, "%s %s. Nobody has decided about it. On a machine: %s", clean(o.Name), clean(o.What.String()), o.Command)
		line(w, "  fettle updaters adopt %s --label all%s", o.Name, takeHint(o.Advice))
	}
}

func ruled(r patch.Ruling, name string) string {
	text := string(r.Verb) + " on " + r.Label
	if r.Updater != name {
		text += " (any service)"
	}
	return text
}

func takeHint(a updater.Advice) string {
	if !a.TakeOver {
		return ""
	}
	return "    or    fettle updaters take-over " + a.Name + " --label all"
}

type updatersShowCmd struct {
	Machine string `arg:"" help:"Name, id, or the beginning of either."`
}

func (updatersShowCmd) Help() string { return "Example:\n  fettle updaters show web-14" }

func (c updatersShowCmd) Run(ctx context.Context, s *screen) error {
	return ask(ctx, s, api.Path("machines", c.Machine, "updaters"), nil, func(w io.Writer, l api.List[updater.Here]) {
		if len(l.Items) == 0 {
			line(w, "No other patch service is installed there, as far as its inventory tells.")
			return
		}
		for _, u := range l.Items {
			printHere(w, u)
		}
	})
}

func printHere(w io.Writer, u updater.Here) {
	state := "off" + with(": ", u.Evidence)
	if u.Enabled {
		state = "on: " + u.Evidence
	}
	line(w, "%s  %s", clean(u.Name), clean(state))
	f := fields{w}
	f.put("it", u.Advice.What.String())
	if u.Ruling != nil {
		f.put("decided", string(u.Ruling.Verb)+" on "+u.Ruling.Label+", by "+u.Ruling.By+" "+when(u.Ruling.At)+with(": ", u.Ruling.Why))
	}
	if u.Hand != "" {
		since := ""
		if !u.Since.IsZero() {
			since = " since " + when(u.Since)
		}
		f.put("take-over", string(u.Hand)+since+with(": ", u.Text))
	}
	if u.Enabled {
		f.put("to turn it off", u.Advice.Command)
	}
}

// ruling is what the three decisions have in common.
type ruling struct {
	Updater string `arg:"" help:"unattended-upgrades, dnf-automatic, packagekit, cron-apt, landscape, windows-update, wsus, configmgr, intune, or any."`
	Label   string `required:"" short:"l" help:"On the machines that carry this label." placeholder:"LABEL"`
	Why     string `help:"Kept with the decision." placeholder:"TEXT"`
}

func (r ruling) put(ctx context.Context, s *screen, verb patch.RulingVerb, text string) error {
	return tell(ctx, s, http.MethodPut, api.Path("updaters", r.Updater, "rulings", r.Label), api.RulingRequest{Verb: verb, Why: r.Why}, func(w io.Writer, v patch.Ruling) {
		line(w, "%s on %s: %s", clean(v.Updater), clean(v.Label), text)
	})
}

type updatersAdoptCmd struct{ ruling }

func (updatersAdoptCmd) Help() string {
	return "Example:\n  fettle updaters adopt unattended-upgrades --label laptops --why \"they are rarely on\""
}

func (c updatersAdoptCmd) Run(ctx context.Context, s *screen) error {
	return c.put(ctx, s, patch.Adopt, "what it installs is fine, and is shown as its own.")
}

type updatersAlertCmd struct{ ruling }

func (updatersAlertCmd) Help() string { return "Example:\n  fettle updaters alert any --label servers" }

func (c updatersAlertCmd) Run(ctx context.Context, s *screen) error {
	return c.put(ctx, s, patch.AlertOn, "an alarm is raised wherever it is on.")
}

type updatersTakeCmd struct{ ruling }

func (updatersTakeCmd) Help() string {
	return `Each machine's agent turns the service off in its own fixed way, at most one a check-in, looks whether it is off, and holds that at every detect.
What somebody turns on again raises an alarm and is left alone until this command is given once more. The machine's owner can forbid it: the
word no-takeover in /etc/fettle-agent/policy.

Example:
  fettle updaters take-over unattended-upgrades --label servers`
}

func (c updatersTakeCmd) Run(ctx context.Context, s *screen) error {
	return c.put(ctx, s, patch.TakeOver, "the agents turn it off at their next check-ins, and verify that it stays off.")
}

type updatersReleaseCmd struct {
	Updater string `arg:"" help:"The service, or any."`
	Label   string `required:"" short:"l" help:"The label that was decided for." placeholder:"LABEL"`
}

func (updatersReleaseCmd) Help() string {
	return "Example:\n  fettle updaters release unattended-upgrades --label servers"
}

func (c updatersReleaseCmd) Run(ctx context.Context, s *screen) error {
	return remove(ctx, s, api.Path("updaters", c.Updater, "rulings", c.Label), "What was decided about "+clean(c.Updater)+" on "+clean(c.Label)+" is taken back. What Fettle turned off by it is given back.")
}
