package main

import (
	"context"
	"io"
	"strconv"
	"time"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
)

type statusCmd struct {
	Machine string `arg:"" optional:"" help:"One machine, by name or id; the fleet if left out."`
}

func (statusCmd) Help() string { return "Examples:\n  fettle status\n  fettle status web-14 --json" }

func (c statusCmd) Run(ctx context.Context, s *screen) error {
	if c.Machine != "" {
		return machinesShowCmd(c).Run(ctx, s)
	}
	return ask(ctx, s, api.Path("status"), nil, func(w io.Writer, f ledger.Fleet) { printFleet(w, s.width, f) })
}

func printFleet(w io.Writer, width int, f ledger.Fleet) {
	line(w, "%s", clean(f.Sentence))
	line(w, "")
	t := table{columns: []column{{title: "machines"}, {title: "", right: true}, {title: "  ", flex: true}}}
	for _, r := range []struct {
		name string
		n    int
		text string
	}{
		{"admitted", f.Machines, "the whole that the numbers below are of"},
		{"confirmed", f.Confirmed, "complete and fresh detect, nothing missing"},
		{"needing patches", f.Needing, ""},
		{"with errors", f.Erring, "at least one patch could not be judged"},
		{"stale", f.Stale, "complete detect, but too old to speak of now"},
		{"behind", f.Behind, "detected with an older list"},
		{"detect failed", f.Failed, "the last complete one stays in force"},
		{"never detected", f.Never, "counted as unknown, never as good"},
		{"silent", f.Silent, ""},
		{"reboot owed", f.RebootOwed, ""},
		{"pending", f.Pending, "wait for `fettle machines admit`"},
	} {
		t.add(r.name, strconv.Itoa(r.n), r.text)
	}
	t.print(w, width)
	line(w, "")
	line(w, "%s that machines need and nobody decided; %s needed; %s deployable now.", plural(f.Undecided, "patch", "patches"), plural(f.Security, "security patch", "security patches"), plural(f.Deployable, "row", "rows"))
	for _, o := range f.OSes {
		line(w, "%s: list %s with %s patches, vendor's data of %s; %s.", clean(string(o.OS)), o.Revision, thousands(o.Patches), when(o.MetadataDate), plural(o.Machines, "machine", "machines"))
	}
	for _, a := range f.Alarms {
		line(w, "! %s  %s", clean(a.Text), clean(a.Do))
	}
}

type alarmsCmd struct {
	All bool `help:"Also those that have cleared."`
}

func (alarmsCmd) Help() string {
	return "Exits with 1 while an alarm is open.\n\nExamples:\n  fettle alarms\n  fettle alarms --all --json"
}

func (c alarmsCmd) Run(ctx context.Context, s *screen) error {
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	l, err := api.Get[api.List[patch.Alarm]](ctx, client, api.Path("alarms"), query{}.set("all", strconv.FormatBool(c.All)).values())
	if err != nil {
		return err
	}
	if err := s.show(l, func(w io.Writer) { printAlarms(w, s.width, l.Items) }); err != nil {
		return err
	}
	for _, a := range l.Items {
		if a.ClearedAt.IsZero() {
			return errNo
		}
	}
	return nil
}

func printAlarms(w io.Writer, width int, alarms []patch.Alarm) {
	if len(alarms) == 0 {
		line(w, "No alarms.")
		return
	}
	t := table{columns: []column{{title: "since"}, {title: "kind"}, {title: "what", flex: true}, {title: "do", flex: true}, {title: "cleared"}}}
	for _, a := range alarms {
		cleared := ""
		if !a.ClearedAt.IsZero() {
			cleared = when(a.ClearedAt)
		}
		t.add(ago(a.RaisedAt, time.Now()), a.Kind, a.Text, a.Do, cleared)
	}
	t.print(w, width)
}
