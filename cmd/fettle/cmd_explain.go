package main

import (
	"context"
	"io"
	"strings"

	"github.com/mattn/go-runewidth"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/deploy"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
)

type explainCmd struct {
	Names      []string `arg:"" optional:"" help:"MACHINE, or MACHINE PATCH, or with --label only PATCH."`
	Label      string   `short:"l" help:"Explain the patch over all machines that carry this label." placeholder:"LABEL"`
	Deployment string   `help:"Say what a deployment waits for: why is this stuck?" placeholder:"ID"`
	Check      bool     `help:"Exit with 1 unless the patch is on the machine or deployable now; of a machine, unless it needs nothing."`
}

func (explainCmd) Help() string {
	return `Walks every gate between the patch and the machine: ● open, ○ closed, · not reached, ✓ nothing left to do.
A long list of clauses is cut; --json has them all.

Examples:
  fettle explain web-14
  fettle explain web-14 perl
  fettle explain --label web perl
  fettle explain --deployment 01JD2V3Q4X
  fettle explain web-14 bookworm-security/perl/5.36.0-7+deb12u4 --json`
}

func (c explainCmd) Run(ctx context.Context, s *screen) error {
	if c.Deployment != "" {
		if len(c.Names) > 0 || c.Label != "" {
			return usagef("with --deployment, name nothing else: fettle explain --deployment %s", c.Deployment)
		}
		return ask(ctx, s, api.Path("deployments", c.Deployment, "explain"), nil, printDeploymentExplanation)
	}
	if c.Label == "" && len(c.Names) == 0 {
		return usagef("name a machine and at most one patch: fettle explain MACHINE PATCH")
	}
	if c.Label != "" {
		if len(c.Names) != 1 {
			return usagef("with --label, name one patch: fettle explain --label %s PATCH", c.Label)
		}
		return ask(ctx, s, api.Path("explain"), query{}.set("label", c.Label).set("patch", c.Names[0]), printLabelExplanation)
	}
	if len(c.Names) > 2 {
		return usagef("name a machine and at most one patch: fettle explain MACHINE PATCH")
	}
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	if len(c.Names) == 1 {
		return c.machine(ctx, s, client)
	}
	e, err := api.Get[ledger.Explanation](ctx, client, api.Path("explain"), query{}.set("machine", c.Names[0]).set("patch", c.Names[1]).values())
	if err != nil {
		return err
	}
	if err := s.show(e, func(w io.Writer) { printExplanation(w, s.width, e) }); err != nil {
		return err
	}
	if c.Check && !e.Answer.Deployable && e.Row.Verdict != patch.Patched {
		return errNo
	}
	return nil
}

func (c explainCmd) machine(ctx context.Context, s *screen, client *api.Client) error {
	e, err := api.Get[ledger.MachineExplanation](ctx, client, api.Path("explain"), query{}.set("machine", c.Names[0]).values())
	if err != nil {
		return err
	}
	if err := s.show(e, func(w io.Writer) { printMachineExplanation(w, s.width, e) }); err != nil {
		return err
	}
	if c.Check && (e.Machine.Freshness != ledger.Fresh || e.Machine.Needed+e.Machine.Verdicts[patch.Faulty] > 0) {
		return errNo
	}
	return nil
}

// printMachineExplanation prints what keeps a machine, then its patches by where they stand.
func printMachineExplanation(w io.Writer, width int, e ledger.MachineExplanation) {
	heading(w, width, clean(e.Machine.Name+"  "+string(e.Machine.OS)), clean(strings.Join(e.Labels, ", ")))
	actor := ""
	if e.Actor != gate.Nobody {
		actor = "→ who can act: " + string(e.Actor)
	}
	heading(w, width, clean(e.Sentence.String()), clean(actor))
	line(w, "")
	titles := 0
	for _, g := range e.Gates {
		titles = max(titles, runewidth.StringWidth(g.Title.String()))
	}
	for _, g := range e.Gates {
		printGate(w, g, titles, false)
	}
	printPatchGroups(w, "Needed:", e.Groups)
	printPatchGroups(w, "Approved, and not needed here:", e.ApprovedNotNeeded)
	line(w, "")
	line(w, "What happens next: %s", clean(nextText(gate.Answer{Next: e.Next, NextAt: e.NextAt})))
}

func printPatchGroups(w io.Writer, title string, groups []ledger.PatchGroup) {
	if len(groups) == 0 {
		return
	}
	line(w, "")
	line(w, "%s", title)
	for _, g := range groups {
		security := ""
		if g.Security > 0 {
			security = " (" + thousands(g.Security) + " security)"
		}
		line(w, "  %5s%s  %s", thousands(g.Count), security, clean(g.Text.String()))
		var names []string
		for _, id := range g.Patches {
			names = append(names, string(id))
		}
		line(w, "         %s", clean(strings.Join(firstNames(names), ", ")))
	}
}

// printExplanation prints the page that people remember: the answer, then the gates.
func printExplanation(w io.Writer, width int, e ledger.Explanation) {
	heading(w, width, clean(patchName(e.Row.Patch)+"  on  "+e.Machine.Name), clean(e.Answer.Standing.String()))
	actor := ""
	if e.Answer.Actor != gate.Nobody {
		actor = "→ who can act: " + string(e.Answer.Actor)
	}
	heading(w, width, clean(e.Answer.Sentence.String()), clean(actor))
	line(w, "")
	titles := 0
	for _, g := range e.Answer.Gates {
		titles = max(titles, runewidth.StringWidth(g.Title.String()))
	}
	for _, g := range e.Answer.Gates {
		first := e.Answer.Closed != nil && g.Name == e.Answer.Closed.Name && !g.Settled()
		printGate(w, g, titles, first)
	}
	line(w, "What happens next: %s", clean(nextText(e.Answer)))
	if e.Proof.Text != "" {
		line(w, "Proof: %s", clean(e.Proof.Text.String()))
	}
	printHistory(w, e.Transitions)
}

// printHistory prints the changes of a verdict under one heading, newest first.
func printHistory(w io.Writer, ts []patch.Transition) {
	const heading = "History: "
	var steps []string
	widest := 0
	for _, t := range ts {
		steps = append(steps, t.From.String()+" → "+t.To.String())
		widest = max(widest, runewidth.StringWidth(steps[len(steps)-1]))
	}
	for i, t := range ts {
		lead := heading
		if i > 0 {
			lead = strings.Repeat(" ", len(heading))
		}
		line(w, "%s", strings.TrimRight(lead+when(t.At)+"  "+runewidth.FillRight(steps[i], widest)+"  "+t.Cause.Words().String()+with(": ", clean(t.Note.String())), " "))
	}
}

func patchName(p patch.Patch) string {
	if p.Source == "" {
		return string(p.ID)
	}
	return p.Source + " " + p.Version
}

// heading puts right at the right margin where there is a terminal wide enough.
func heading(w io.Writer, width int, left, right string) {
	if right == "" {
		line(w, "%s", left)
		return
	}
	gap := min(width, 110) - runewidth.StringWidth(left) - runewidth.StringWidth(right)
	if width == 0 {
		gap = 4
	}
	if gap < 2 {
		line(w, "%s\n  %s", left, right)
		return
	}
	line(w, "%s%s%s", left, strings.Repeat(" ", gap), right)
}

func mark(g gate.Gate) string {
	switch {
	case g.Settled():
		return "✓"
	case g.State == gate.Open:
		return "●"
	case g.State == gate.Closed:
		return "○"
	}
	return "·"
}

// shownClauses is how many of a gate's clauses are printed.
const shownClauses = 5

func printGate(w io.Writer, g gate.Gate, titles int, first bool) {
	arrow := ""
	if first {
		arrow = "   ← first closed gate"
	}
	line(w, "  %s %s  %s%s", mark(g), runewidth.FillRight(clean(g.Title.String()), titles), clean(g.Text.String()), arrow)
	indent := strings.Repeat(" ", titles+6)
	if g.State != gate.Closed || g.Settled() {
		return
	}
	for _, c := range g.Clauses[:min(shownClauses, len(g.Clauses))] {
		line(w, "%s%s: expected %s, seen %s", indent, clean(c.Subject), clean(c.Expected.String()), clean(c.Seen.String()))
	}
	if more := len(g.Clauses) - shownClauses; more > 0 {
		line(w, "%sand %s more", indent, thousands(more))
	}
	if g.Evidence != "" {
		at := ""
		if !g.At.IsZero() {
			at = when(g.At)
		}
		line(w, "%s", clean(indent+"evidence: "+g.Evidence.String()+with(", ", at)))
	}
	if !first && g.Next != "" {
		line(w, "%s", clean(indent+"next: "+g.Next.String()))
	}
}

func nextText(a gate.Answer) string {
	if a.NextAt.IsZero() {
		return a.Next.String()
	}
	return a.Next.String() + " (" + when(a.NextAt) + ")"
}

// printDeploymentExplanation prints what a deployment waits for, and who waits.
func printDeploymentExplanation(w io.Writer, e deploy.Explanation) {
	line(w, "%s", clean(e.Sentence.String()))
	for _, g := range e.Groups {
		line(w, "")
		line(w, "  %5s  %s", thousands(g.Count), clean(g.Text.String()))
		var names []string
		for _, a := range g.Attempts {
			place := ""
			if a.Rank > 0 { // it is still to come
				place = ", " + thousands(a.Rank) + " of " + thousands(a.Of) + " there"
			}
			names = append(names, a.Name+" ("+string(a.Patch)+place+")")
		}
		line(w, "         %s", clean(strings.Join(firstNames(names), ", ")))
		if g.Next != "" {
			line(w, "         next: %s", clean(nextText(gate.Answer{Next: g.Next, NextAt: g.NextAt})))
		}
	}
	line(w, "")
	line(w, "What happens next: %s", clean(nextText(gate.Answer{Next: e.Next, NextAt: e.NextAt})))
}

func printLabelExplanation(w io.Writer, e ledger.LabelExplanation) {
	line(w, "%s  for  %s", clean(patchName(e.Patch)), clean(e.Label))
	line(w, "%s", clean(e.Sentence.String()))
	line(w, "")
	for _, g := range e.Groups {
		line(w, "  %5s  %-14s  %s", thousands(g.Count), clean(g.Standing.String()), clean(g.Text.String()))
		var names []string
		for _, m := range g.Machines {
			names = append(names, m.Name)
		}
		line(w, "         %s", clean(strings.Join(firstNames(names), ", ")))
		if g.Next != "" {
			line(w, "         next: %s", clean(g.Next.String()))
		}
	}
}
