package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/fettle-project/fettle/internal/agent"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
)

func status(_ context.Context, c *call) error {
	if _, err := c.only(0, "no words"); err != nil {
		return err
	}
	st, err := agent.ReadStatus(c.config())
	if err != nil {
		return err
	}
	return c.show(st, func(w io.Writer) { printStatus(w, st) })
}

func printStatus(w io.Writer, st agent.Status) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-12s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("machine", "%s (%s) at %s", st.Machine, orNone(string(st.State), "not checked in yet"), st.Server)
	line("checked in", "%s", moment(st.CheckedIn))
	line("certificate", "until %s, renewed after %s", moment(st.CertificateEnds), moment(st.RenewAfter))
	if st.Policy != "" {
		line("policy", "%s (the owner's, in the local policy file)", st.Policy)
	}
	if s := st.Snapshot; s != nil {
		line("snapshot", "number %d, %s, %s, revision %s", s.Seq, moment(s.Ended), s.OS, s.Revision)
		line("", "of %d: %d missing, %d patched, %d not applicable, %d not judged", s.Expected, st.Counts["not-patched"], st.Counts["patched"], st.Counts["not-applicable"], st.Counts["error"])
	} else {
		line("snapshot", "none yet")
	}
	if o := st.Order; o != nil {
		line("order", "%s, number %d, %s", o.ID, o.Number, map[bool]string{true: "closed", false: "being carried out"}[o.Closed])
		for _, i := range o.Items {
			line("", "%-12s %s %s", i.State, i.Patch, i.Text)
		}
	}
	if st.Reboot != "" {
		line("restart", "%s", st.Reboot)
	}
	if st.Unsent > 0 {
		line("unsent", "%d results", st.Unsent)
	}
	if st.Refused != "" {
		line("refused", "%s", st.Refused)
	}
	if st.Trouble != "" {
		line("trouble", "%s", st.Trouble)
	}
}

func moment(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format("2006-01-02 15:04:05 UTC")
}

func orNone(s, none string) string {
	if s == "" {
		return none
	}
	return s
}

func explain(_ context.Context, c *call) error {
	words, err := c.only(1, "one patch: its ID or its source package's name")
	if err != nil {
		return err
	}
	e, err := agent.Explain(c.config(), words[0])
	if err != nil {
		return err
	}
	return c.show(e, func(w io.Writer) { printExplanation(w, e) })
}

func printExplanation(w io.Writer, e agent.Explanation) {
	for _, p := range e.Patches {
		fmt.Fprintf(w, "%s\n", p.ID)
		if p.Title != "" {
			fmt.Fprintf(w, "  %s\n", p.Title)
		}
		fmt.Fprintf(w, "  %s: %s\n", p.Verdict, p.Reason.Text)
		printClauses(w, p.Reason.Clauses)
		for _, g := range p.Gates {
			fmt.Fprintf(w, "  %s %-24s %s\n", mark(g), g.Title, g.Text)
			if g.State == gate.Closed && g.Next != "" && !g.Settled() {
				fmt.Fprintf(w, "    %-24s next: %s\n", "", g.Next)
			}
		}
		if p.Disagrees != "" {
			fmt.Fprintf(w, "  Do not rely on this: %s.\n", p.Disagrees)
		}
		if p.Item != nil {
			fmt.Fprintf(w, "  order %s: %s %s\n", e.Order, p.Item.State, p.Item.Text)
		}
	}
	fmt.Fprintf(w, "By snapshot %d of %s, catalog revision %s. Approvals, rings and windows are the appliance's: `fettle explain` on it knows them too.\n", e.Seq, moment(e.Ended), e.Revision)
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

func printClauses(w io.Writer, clauses []patch.Clause) {
	for _, cl := range clauses {
		fmt.Fprintf(w, "    %s: expected %s, seen %s\n", cl.Subject, cl.Expected, cl.Seen)
	}
}
