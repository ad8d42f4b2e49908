package main

import (
	"context"
	"io"
	"net/http"
	"strconv"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/label"
)

type labelsCmd struct {
	List   labelsListCmd   `cmd:"" default:"1" help:"List labels with their members."`
	Show   labelsShowCmd   `cmd:"" help:"Show one label and who carries it now."`
	Put    labelsPutCmd    `cmd:"" help:"Create a label, or replace one."`
	Remove labelsRemoveCmd `cmd:"" help:"Remove a label; decisions made for it stay as history."`
}

type labelsListCmd struct{}

func (labelsListCmd) Help() string { return "Example:\n  fettle labels --json" }

func (labelsListCmd) Run(ctx context.Context, s *screen) error {
	return ask(ctx, s, api.Path("labels"), nil, func(w io.Writer, l api.List[label.Membership]) {
		t := table{columns: []column{{title: "label"}, {title: "members", right: true}, {title: "unjudged", right: true}, {title: "expression", flex: true}, {title: "note", flex: true}}}
		for _, m := range l.Items {
			t.add(m.Label.Name, strconv.Itoa(len(m.Members)), strconv.Itoa(len(m.Unjudged)), m.Label.Expr, m.Label.Note)
		}
		t.print(w, s.width)
	})
}

type labelsShowCmd struct {
	Label string `arg:"" help:"The label's name."`
}

func (labelsShowCmd) Help() string { return "Example:\n  fettle labels show web" }

func (c labelsShowCmd) Run(ctx context.Context, s *screen) error {
	return ask(ctx, s, api.Path("labels", c.Label), nil, printMembership)
}

func printMembership(w io.Writer, m label.Membership) {
	line(w, "%s: %s", clean(m.Label.Name), plural(len(m.Members), "machine carries it now", "machines carry it now"))
	f := fields{w}
	f.put("expression", m.Label.Expr)
	f.put("note", m.Label.Note)
	for _, id := range m.Members {
		f.put("member", string(id))
	}
	for id, why := range m.Unjudged {
		f.put("unjudged", string(id)+": "+why)
	}
}

type labelsPutCmd struct {
	Label   string   `arg:"" help:"The label's name."`
	Expr    string   `short:"e" xor:"kind" help:"A smart label: a CEL expression over the machine and its inventory."`
	Machine []string `short:"m" xor:"kind" help:"A label by hand: its machines, by name or id."`
	Note    string   `help:"What it is for."`
}

func (labelsPutCmd) Help() string {
	return `Examples:
  fettle labels put web --machine web-14 --machine web-15
  fettle labels put bookworm --expr 'machine.os.startsWith("debian-12")' --note "all of Debian 12"`
}

func (c labelsPutCmd) Run(ctx context.Context, s *screen) error {
	if c.Expr == "" && len(c.Machine) == 0 {
		return usagef("a label needs machines (--machine) or an expression (--expr)")
	}
	return tell(ctx, s, http.MethodPut, api.Path("labels", c.Label), api.LabelRequest{Note: c.Note, Expr: c.Expr, Members: c.Machine}, printMembership)
}

type labelsRemoveCmd struct {
	Label string `arg:"" help:"The label's name."`
}

func (labelsRemoveCmd) Help() string { return "Example:\n  fettle labels remove web" }

func (c labelsRemoveCmd) Run(ctx context.Context, s *screen) error {
	return remove(ctx, s, api.Path("labels", c.Label), "The label "+clean(c.Label)+" is removed.")
}
