package main

import (
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/expr"
	"github.com/fettle-project/fettle/internal/label"
	"github.com/fettle-project/fettle/internal/patch"
)

type labelsTestCmd struct {
	Expr    string `arg:"" help:"The CEL expression to try."`
	Machine string `short:"m" xor:"one" help:"Look into this machine only, by name or id." placeholder:"MACHINE"`
	Patches bool   `help:"The expression is about patches."`
	Patch   string `xor:"one" help:"Look into this patch only, by id or source package; the expression is about patches." placeholder:"PATCH"`
}

func (labelsTestCmd) Help() string {
	return `Says for each machine, or patch, whether the expression holds, which of its pieces do, and what was looked at. Nothing is stored. Exit status 1
where nothing matches.

Examples:
  fettle labels test 'machine.name.startsWith("web-") && inventory.memory_mb > 4096'
  fettle labels test 'machine.os == "debian-12-amd64" || inventory.virtual == "kvm"' --machine web-14
  fettle labels test 'patch.severity == "critical" && patch.exploited' --patches`
}

func (c labelsTestCmd) Run(ctx context.Context, s *screen) error {
	p := label.Probe{Expr: c.Expr, Only: c.Machine}
	if c.Patches || c.Patch != "" {
		p.Of, p.Only = patch.OfPatches, c.Patch
	}
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	t, err := api.Do[label.Trial](ctx, client, http.MethodPost, api.Path("labels", "test"), nil, p)
	if err != nil {
		return err
	}
	if err := s.show(t, func(w io.Writer) { printTrial(w, t) }); err != nil || t.Holding > 0 {
		return err
	}
	return errNo
}

func printTrial(w io.Writer, t label.Trial) {
	one, many := "machine", "machines"
	if t.Probe.Of == patch.OfPatches {
		one, many = "patch", "patches"
	}
	line(w, "It holds for %d of %s; %d could not be judged.", t.Holding, plural(t.Judged, one, many), t.Unjudged)
	for _, l := range t.Looked {
		line(w, "")
		answer := "no"
		switch {
		case l.Fault != "":
			answer = "not judged"
		case l.Holds:
			answer = "yes"
		}
		line(w, "%s: %s", clean(l.Name), answer)
		if l.Part.Text == "" {
			line(w, "  %s", clean(l.Fault.String()))
			continue
		}
		printPart(w, l.Part, 1)
	}
	if left := t.Judged - len(t.Looked); left > 0 {
		line(w, "")
		line(w, "and %s like these", plural(left, one, many))
	}
}

// printPart shows a piece of an expression, what it looked at, and its own pieces.
func printPart(w io.Writer, p expr.Part, depth int) {
	mark := "no "
	switch {
	case p.Fault != "":
		mark = "?  "
	case p.Holds:
		mark = "yes"
	}
	indent := strings.Repeat("  ", depth)
	if p.Join == "" {
		line(w, "%s%s  %s%s", indent, mark, clean(p.Text), hadText(p.Seen))
	} else {
		line(w, "%s%s  %s", indent, mark, map[string]string{"and": "all of", "or": "at least one of", "not": "not"}[p.Join])
	}
	if p.Fault != "" && len(p.Parts) == 0 {
		line(w, "%s     %s", indent, clean(p.Fault.String()))
	}
	for _, x := range p.Parts {
		printPart(w, x, depth+1)
	}
}

func hadText(seen []expr.Seen) string {
	var parts []string
	for _, s := range seen {
		parts = append(parts, clean(s.Name)+" is "+clean(s.Value))
	}
	if len(parts) == 0 {
		return ""
	}
	return "    (" + strings.Join(parts, ", ") + ")"
}
