package main

import (
	"context"
	"io"
	"strings"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/ledger"
)

type ineligibleCmd struct {
	Label string `short:"l" help:"Only machines that carry it." placeholder:"LABEL"`
	OS    string `help:"Only machines of this host OS." placeholder:"OS"`
	Patch string `help:"Only this patch." placeholder:"PATCH"`
	Code  string `help:"Only this reason, by its code in --json." placeholder:"CODE"`
}

func (ineligibleCmd) Help() string {
	return `A patch may be approved for machines that cannot have it: it does not apply there, somebody holds it, something newer replaces it, the machine runs
another OS, or nothing is known about it. That is normal, and this is the list, by why. Each machine of each approval counts once.

Examples:
  fettle ineligible
  fettle ineligible --label servers
  fettle ineligible --patch bookworm-security/curl/7.88.1-10+deb12u14
  fettle ineligible --code never-detected --json`
}

func (c ineligibleCmd) Run(ctx context.Context, s *screen) error {
	q := query{}.set("label", c.Label).set("os", c.OS).set("patch", c.Patch).set("code", c.Code)
	return ask(ctx, s, api.Path("ineligible"), q, func(w io.Writer, a ledger.Ineligible) { printIneligible(w, s.width, a) })
}

func printIneligible(w io.Writer, width int, a ledger.Ineligible) {
	line(w, "%s", clean(a.Sentence.String()))
	if a.Unsaid {
		line(w, "So many do not apply that not every reason was looked up: --label, --os or --patch narrow the question.")
	}
	if len(a.Groups) == 0 {
		return
	}
	line(w, "")
	t := table{columns: []column{{title: "pairs", right: true}, {title: "machines", right: true}, {title: "patches", right: true}, {title: "why", flex: true}, {title: "which", flex: true}, {title: "next", flex: true}}}
	for _, g := range a.Groups {
		t.add(thousands(g.Pairs), thousands(g.Machines), thousands(g.Of), g.Title.String(), ineligibleNames(g), g.Next.String())
	}
	t.print(w, width)
	line(w, "")
	line(w, "Why one of them, gate by gate: fettle explain MACHINE PATCH")
}

// ineligibleNames names the first machines of a group.
func ineligibleNames(g ledger.IneligibleGroup) string {
	const shown = 3
	var names []string
	for _, m := range g.Named[:min(shown, len(g.Named))] {
		names = append(names, m.Name)
	}
	text := strings.Join(names, ", ")
	if n := g.Machines - len(names); n > 0 {
		text += " and " + thousands(n) + " more"
	}
	return text
}
