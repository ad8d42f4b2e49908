package main

import (
	"context"
	"io"
	"strconv"
	"time"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/patch"
)

type patchesWhoCmd struct {
	Patch string `arg:"" help:"An id, a part of one that fits one patch, or a source package."`
	OS    string `help:"Look among this host OS's patches only." placeholder:"OS"`
	Limit int    `default:"50" help:"At most so many machines of each kind; 0 for all."`
	Names string `placeholder:"VERDICT" enum:",not-applicable,not-patched,patched,error" default:"" help:"Only name the machines that were detected so, all of them, one a line."`
}

func (patchesWhoCmd) Help() string {
	return `Two answers that are never mixed. Detected: what complete detects said. Predicted: for machines that have not detected against the patch
yet, what the same engine says over the facts that they sent last; a prediction is as old as these facts.

Examples:
  fettle patches who openssl
  fettle patches who CVE-2026-1234 --os debian-12-amd64 --json
  fettle patches who openssl --names not-patched`
}

// who is the answer.
type who struct {
	Detected  api.Rows       `json:"detected"`
	Predicted api.Prediction `json:"predicted"`
}

func (c patchesWhoCmd) Run(ctx context.Context, s *screen) error {
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	if c.Names != "" {
		return c.names(ctx, s, client)
	}
	limit := c.Limit
	if limit == 0 {
		limit = 1_000_000
	}
	q := query{}.set("os", c.OS).set("verdict", patch.NotPatched.String()).set("limit", strconv.Itoa(limit)).values()
	var w who
	if w.Predicted, err = api.Get[api.Prediction](ctx, client, api.Path("patches", c.Patch, "prediction"), q); err != nil {
		return err
	}
	if w.Detected, err = api.Get[api.Rows](ctx, client, api.Path("patches", string(w.Predicted.Patch), "rows"), q); err != nil {
		return err
	}
	return s.show(w, func(out io.Writer) { printWho(out, s.width, w) })
}

func (c patchesWhoCmd) names(ctx context.Context, s *screen, client *api.Client) error {
	all, err := api.Get[api.List[fleet.Name]](ctx, client, api.Path("patches", c.Patch, "machines"), query{}.set("os", c.OS).set("verdict", c.Names).values())
	if err != nil {
		return err
	}
	return s.show(all, func(out io.Writer) {
		for _, m := range all.Items {
			line(out, "%s", clean(m.Name))
		}
	})
}

func printWho(w io.Writer, width int, a who) {
	p := a.Predicted
	line(w, "%s on %s", clean(string(p.Patch)), p.OS)
	line(w, "")
	line(w, "Detected: %s of %s that detected against it %s.", thousands(a.Detected.Total), plural(p.Detected, "machine", "machines"), needs(a.Detected.Total))
	t := table{columns: []column{{title: "machine", flex: true}, {title: "policy"}, {title: "why", flex: true}}}
	for _, x := range a.Detected.Items {
		t.add(x.MachineName, string(x.Policy.Stand), rowText(x))
	}
	if len(t.rows) > 0 {
		t.print(w, width)
	}
	line(w, "")
	if p.Machines == 0 {
		line(w, "Predicted: nothing; no machine is left that has not detected against it.")
	} else {
		line(w, "Predicted: %s of %s that did not detect against it yet %s.", thousands(p.Total), plural(p.Machines, "machine", "machines"), needs(p.Total))
	}
	t = table{columns: []column{{title: "machine", flex: true}, {title: "facts of"}, {title: "why, predicted", flex: true}}}
	for _, r := range p.Rows {
		t.add(r.Name, ago(r.FactsAt, r.FactsAt.Add(time.Duration(r.AgeSeconds)*time.Second)), r.Text.String())
	}
	if len(t.rows) > 0 {
		t.print(w, width)
	}
	if !p.Complete {
		line(w, "The appliance is still reading stored facts: %s so far. Ask again in a while.", plural(p.Indexed, "machine", "machines"))
	}
}

func needs(n int) string {
	if n == 1 {
		return "needs it"
	}
	return "need it"
}
