package main

import (
	"context"
	"io"
	"strings"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

type catalogDiffCmd struct {
	From  string `arg:"" optional:"" help:"A bundle file; with --os a revision, or the beginning of its id; default: the one before the newest."`
	To    string `arg:"" optional:"" help:"Another one; default: the newest, or what waits in quarantine."`
	OS    string `help:"Compare the appliance's revisions of this host OS, e.g. debian-12-amd64." placeholder:"OS"`
	Limit int    `default:"20" help:"Show at most so many patches of each kind; 0 for all."`
}

func (catalogDiffCmd) Help() string {
	return `New, changed, gone and newly superseded patches. A changed one says in what: severity, packages, versions, definition. Exits with 0 whether or
not there are differences.

Examples:
  fettle catalog diff yesterday.bundle today.bundle
  fettle catalog diff --os debian-12-amd64
  fettle catalog diff 9f2c4e81 77aa01c2 --os debian-12-amd64 --json`
}

func (c catalogDiffCmd) Run(ctx context.Context, s *screen) error {
	if c.OS != "" {
		q := query{}.set("from", c.From).set("to", c.To)
		return ask(ctx, s, api.Path("catalogs", c.OS, "diff"), q, func(w io.Writer, d catalog.Diff) { c.print(w, s.width, d) })
	}
	if c.From == "" || c.To == "" {
		return usagef("name two bundle files, or a host OS of the appliance with --os")
	}
	a, err := catalog.OpenBundle(c.From)
	if err != nil {
		return err
	}
	defer a.Close()
	b, err := catalog.OpenBundle(c.To)
	if err != nil {
		return err
	}
	defer b.Close()
	diffs, err := catalog.DiffBundles(a, b)
	if err != nil {
		return err
	}
	return s.show(api.List[catalog.Diff]{Items: diffs, Total: len(diffs)}, func(w io.Writer) {
		for i, d := range diffs {
			if i > 0 {
				line(w, "")
			}
			c.print(w, s.width, d)
		}
	})
}

func (c catalogDiffCmd) print(w io.Writer, width int, d catalog.Diff) {
	line(w, "%s, %s to %s: %s new, %s changed, %s gone, %s newly superseded.", d.OS, orNothing(d.From), orNothing(d.To),
		thousands(d.Counts.New), thousands(d.Counts.Changed), thousands(d.Counts.Gone), thousands(d.Counts.Superseded))
	t := table{columns: []column{{title: "change"}, {title: "patch", flex: true}, {title: "severity"}, {title: "what", flex: true}}}
	for _, k := range []struct {
		name string
		list []catalog.DiffPatch
	}{{"new", d.New}, {"changed", d.Changed}, {"gone", d.Gone}, {"superseded", d.Superseded}} {
		shown := k.list
		if c.Limit > 0 {
			shown = shown[:min(c.Limit, len(shown))]
		}
		for _, p := range shown {
			t.add(k.name, string(p.ID), string(p.Severity), diffText(p))
		}
		if left := len(k.list) - len(shown); left > 0 {
			t.add(k.name, "and "+thousands(left)+" more", "", "")
		}
	}
	if len(t.rows) > 0 {
		line(w, "")
		t.print(w, width)
	}
}

func orNothing(id patch.RevisionID) string {
	if id == "" {
		return "nothing"
	}
	return string(id)
}

// diffText is what there is to say about a patch beside that it differs.
func diffText(p catalog.DiffPatch) string {
	switch {
	case len(p.What) > 0:
		return phrase.Join(p.What, "; ").String()
	case len(p.By) > 0:
		ids := make([]string, len(p.By))
		for i, id := range p.By {
			ids[i] = string(id)
		}
		return "by " + strings.Join(ids, ", ")
	}
	return p.Title
}
