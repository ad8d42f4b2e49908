package main

import (
	"context"
	"io"
	"net/http"
	"strconv"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/label"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
)

type labelsCmd struct {
	List   labelsListCmd   `cmd:"" default:"1" help:"List labels with their members."`
	Show   labelsShowCmd   `cmd:"" help:"Show one label and who carries it now."`
	Put    labelsPutCmd    `cmd:"" help:"Create a label, or replace one."`
	Test   labelsTestCmd   `cmd:"" help:"Try an expression out: for whom it holds, and why."`
	Remove labelsRemoveCmd `cmd:"" help:"Remove a label; decisions made for it stay as history."`
}

type labelsListCmd struct{}

func (labelsListCmd) Help() string { return "Example:\n  fettle labels --json" }

func (labelsListCmd) Run(ctx context.Context, s *screen) error {
	return ask(ctx, s, api.Path("labels"), nil, func(w io.Writer, l api.List[label.Membership]) {
		t := table{columns: []column{{title: "label"}, {title: "of"}, {title: "members", right: true}, {title: "unjudged", right: true}, {title: "expression", flex: true}, {title: "note", flex: true}}}
		for _, m := range l.Items {
			of := "machines"
			if m.Label.Of == patch.OfPatches {
				of = "patches"
			}
			t.add(m.Label.Name, of, strconv.Itoa(len(m.Members)+len(m.Patches)), strconv.Itoa(len(m.Unjudged)+len(m.Faulty)), m.Label.Expr, m.Label.Note)
		}
		t.print(w, s.width)
	})
}

type labelsShowCmd struct {
	Label string `arg:"" help:"The label's name."`
}

func (labelsShowCmd) Help() string { return "Example:\n  fettle labels show web" }

func (c labelsShowCmd) Run(ctx context.Context, s *screen) error {
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	m, err := api.Get[label.Membership](ctx, client, api.Path("labels", c.Label), nil)
	if err != nil {
		return err
	}
	return showMembership(ctx, s, client, m)
}

// named is how many members of a label are printed.
const named = 20

// showMembership shows who carries a label; people know machines by their names, which a membership has not got.
func showMembership(ctx context.Context, s *screen, client *api.Client, m label.Membership) error {
	names := api.List[ledger.MachineRow]{}
	if len(m.Members) > 0 && !s.json {
		var err error
		q := query{}.set("label", m.Label.Name).set("limit", strconv.Itoa(named))
		if names, err = api.Get[api.List[ledger.MachineRow]](ctx, client, api.Path("machines"), q.values()); err != nil {
			return err
		}
	}
	return s.show(m, func(w io.Writer) { printMembership(w, m, names.Items) })
}

func printMembership(w io.Writer, m label.Membership, named []ledger.MachineRow) {
	if m.Label.Of == patch.OfPatches {
		line(w, "%s: %s", clean(m.Label.Name), plural(len(m.Patches), "patch carries it now", "patches carry it now"))
	} else {
		line(w, "%s: %s", clean(m.Label.Name), plural(len(m.Members), "machine carries it now", "machines carry it now"))
	}
	f := fields{w}
	f.put("expression", m.Label.Expr)
	f.put("note", m.Label.Note)
	for _, row := range named {
		f.put("member", row.Name)
	}
	if more := len(m.Members) - len(named); more > 0 {
		f.put("", thousands(more)+" more: fettle machines --limit 0 --label "+m.Label.Name)
	}
	for id, why := range m.Unjudged {
		f.put("unjudged", string(id)+": "+why.String())
	}
	for _, id := range m.Patches {
		f.put("patch", string(id))
	}
	for id, why := range m.Faulty {
		f.put("unjudged", string(id)+": "+why.String())
	}
}

// newLabel is a label as it shall be.
type newLabel struct {
	Label   string   `arg:"" help:"The label's name."`
	Expr    string   `short:"e" xor:"kind" help:"A smart label: a CEL expression over the machine, its inventory and its newest detect, or over the patch." placeholder:"EXPR"`
	Machine []string `short:"m" xor:"kind" help:"A label by hand: its machines, by name or id."`
	Patch   []string `short:"p" xor:"kind" help:"A label of patches by hand: ids, or anything that fits one patch."`
	Patches bool     `help:"With --expr: it is a label of patches."`
	Note    string   `help:"What it is for." placeholder:"TEXT"`
}

type labelsPutCmd struct {
	newLabel
	Preview bool `help:"Only show who would enter and leave it, and what that makes deployable."`
}

func (labelsPutCmd) Help() string {
	return `Examples:
  fettle labels put web --machine web-14 --machine web-15
  fettle labels put browsers --patch firefox-esr --patch chromium
  fettle labels put urgent --patches --expr 'patch.exploited || patch.severity == "critical"'
  fettle labels put bookworm --expr 'machine.os.startsWith("debian-12")' --note "all of Debian 12"
  fettle labels put nginx --expr 'ledger.has("nginx") && ledger.security > 0'`
}

func (c labelsPutCmd) Run(ctx context.Context, s *screen) error {
	if c.Preview {
		return whatIfLabelCmd{c.newLabel}.Run(ctx, s)
	}
	in, err := c.request()
	if err != nil {
		return err
	}
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	m, err := api.Do[label.Membership](ctx, client, http.MethodPut, api.Path("labels", c.Label), nil, in)
	if err != nil {
		return err
	}
	return showMembership(ctx, s, client, m)
}

func (c newLabel) request() (api.LabelRequest, error) {
	in := api.LabelRequest{Note: c.Note, Expr: c.Expr, Members: c.Machine}
	switch {
	case c.Expr == "" && len(c.Machine)+len(c.Patch) == 0:
		return in, usagef("a label needs machines (--machine), patches (--patch) or an expression (--expr)")
	case c.Patches && len(c.Machine) > 0:
		return in, usagef("a label of patches has no machines")
	case c.Patches || len(c.Patch) > 0:
		in.Of, in.Members = patch.OfPatches, c.Patch
	}
	return in, nil
}

type labelsRemoveCmd struct {
	Label string `arg:"" help:"The label's name."`
}

func (labelsRemoveCmd) Help() string { return "Example:\n  fettle labels remove web" }

func (c labelsRemoveCmd) Run(ctx context.Context, s *screen) error {
	return remove(ctx, s, api.Path("labels", c.Label), "The label "+clean(c.Label)+" is removed.")
}
