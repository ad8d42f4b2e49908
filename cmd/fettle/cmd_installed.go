package main

import (
	"context"
	"io"
	"strconv"
	"time"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/workbook"
)

type installedCmd struct {
	From    string `default:"30d" placeholder:"TIME" help:"From then on: 2026-11-01, \"2026-11-01 18:00\", or a span such as 7d ago; default 30d."`
	Until   string `placeholder:"TIME" help:"Until before then; default now."`
	Each    bool   `help:"Each installation by itself: machine, patch, time, and what the next detect said."`
	Machine string `short:"m" help:"With --each: only this machine." placeholder:"MACHINE"`
	Patch   string `short:"p" help:"With --each: only this patch." placeholder:"PATCH"`
	Label   string `short:"l" help:"With --each: only machines that carry this label now." placeholder:"LABEL"`
	CSV     bool   `name:"csv" help:"Print each installation as comma-separated values."`
	Limit   int    `default:"100" help:"At most so many; 0 for all."`
	Offset  int    `help:"Leave out the first so many." placeholder:"N"`
}

func (installedCmd) Help() string {
	return `What Fettle itself installed, under which approval, and on how many of the machines the next complete detect says that it holds. What other
updaters and people changed is in each machine's history: fettle explain MACHINE PATCH.

Examples:
  fettle installed
  fettle installed --from 2026-10-01 --until 2026-11-01
  fettle installed --each --machine web-14
  fettle installed --from 90d --csv > installed.csv`
}

func (c installedCmd) Run(ctx context.Context, s *screen) error {
	c.Each = c.Each || c.CSV
	if !c.Each && c.Machine+c.Patch+c.Label != "" {
		return usagef("--machine, --patch and --label narrow single installations: add --each")
	}
	now := time.Now()
	from, err := parsePast(c.From, now)
	if err != nil {
		return err
	}
	q := query{}.set("from", from.UTC().Format(time.RFC3339))
	if c.Until != "" {
		until, err := parseBack(c.Until, now)
		if err != nil {
			return err
		}
		q.set("until", until.UTC().Format(time.RFC3339))
	}
	if !c.CSV {
		q.set("limit", strconv.Itoa(c.Limit)).set("offset", strconv.Itoa(c.Offset))
	}
	if !c.Each {
		return ask(ctx, s, api.Path("installed"), q, func(w io.Writer, l api.List[api.Installed]) { printInstalled(w, s.width, l) })
	}
	q.set("machine", c.Machine).set("patch", c.Patch).set("label", c.Label)
	if !c.CSV {
		return ask(ctx, s, api.Path("installed", "machines"), q, func(w io.Writer, l api.List[api.InstalledOn]) { printInstallations(w, s.width, l) })
	}
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	l, err := api.Get[api.List[api.InstalledOn]](ctx, client, api.Path("installed", "machines"), q.values())
	if err != nil {
		return err
	}
	return writeInstallations(s.out, l.Items)
}

func printInstalled(w io.Writer, width int, l api.List[api.Installed]) {
	t := table{columns: []column{{title: "patch", flex: true}, {title: "machines", right: true}, {title: "verified", right: true}, {title: "first"}, {title: "last"}, {title: "approved", flex: true}}}
	for _, x := range l.Items {
		t.add(string(x.Patch), thousands(x.Machines), thousands(x.Verified), when(x.First), when(x.Last), approvedBy(x.Approval))
	}
	if len(t.rows) == 0 {
		line(w, "Fettle installed nothing in this time.")
		return
	}
	t.print(w, width)
	line(w, "%s shown of %s. Machine by machine: --each.", thousands(len(l.Items)), plural(l.Total, "patch and approval", "patches and approvals"))
}

func printInstallations(w io.Writer, width int, l api.List[api.InstalledOn]) {
	t := table{columns: []column{{title: "machine", flex: true}, {title: "patch", flex: true}, {title: "installed"}, {title: "effect"}, {title: "deployment"}, {title: "approved", flex: true}}}
	for _, x := range l.Items {
		t.add(x.Name, string(x.Patch), when(x.EndedAt), string(x.Effect), x.Deployment, approvedBy(x.Approval))
	}
	if len(t.rows) == 0 {
		line(w, "Fettle installed nothing of that in this time.")
		return
	}
	t.print(w, width)
	line(w, "%s shown of %s.", thousands(len(l.Items)), plural(l.Total, "installation", "installations"))
}

// approvedBy says by whom and for which label something was approved.
func approvedBy(d *patch.Decision) string {
	if d == nil {
		return "no longer on record"
	}
	return "by " + d.By + " for " + d.Label + ", " + when(d.At)
}

// writeInstallations writes a line for each installation, as the console's download has it.
func writeInstallations(w io.Writer, all []api.InstalledOn) error {
	names, approvals, installations := map[patch.MachineID]string{}, map[string]patch.Decision{}, make([]patch.Installation, 0, len(all))
	for _, x := range all {
		names[x.Machine] = x.Name
		if x.Approval != nil {
			approvals[x.Decision] = *x.Approval
		}
		installations = append(installations, x.Installation)
	}
	if err := workbook.WriteCSV(w, ledger.InstalledSheet(installations, names, approvals)); err != nil {
		return &patch.Error{Kind: patch.Unavailable, What: "cannot write the list", Err: err}
	}
	return nil
}
