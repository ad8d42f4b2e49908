package main

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/approval"
	"github.com/fettle-project/fettle/internal/patch"
)

// decideFlags are what every decision takes.
type decideFlags struct {
	Patch   []string `arg:"" help:"Ids, or anything that fits one patch: a source package, a part of an id."`
	Label   string   `short:"l" required:"" help:"The label that it is decided for; \"all\" is every admitted machine."`
	Why     string   `help:"The reason, kept with the decision."`
	Preview bool     `help:"Only show what it would do."`
}

type approveCmd struct{ decideFlags }

func (approveCmd) Help() string {
	return `Approving is allowed for machines that do not need the patch; the preview says how many there are.

Examples:
  fettle approve perl openssl --label web --preview
  fettle approve bookworm-security/perl/5.36.0-7+deb12u4 --label all --why "CVE-2026-1234"`
}

func (c approveCmd) Run(ctx context.Context, s *screen) error {
	return c.decide(ctx, s, patch.Approve, time.Time{})
}

type declineCmd struct{ decideFlags }

func (declineCmd) Help() string {
	return "Example:\n  fettle decline perl --label web --why \"breaks the shop\""
}

func (c declineCmd) Run(ctx context.Context, s *screen) error {
	return c.decide(ctx, s, patch.Decline, time.Time{})
}

type holdCmd struct {
	decideFlags
	Until string `required:"" help:"Until when: 2026-12-01, \"2026-12-01 18:00\", or a span such as 3d."`
}

func (holdCmd) Help() string { return "Example:\n  fettle hold perl --label web --until 7d" }

func (c holdCmd) Run(ctx context.Context, s *screen) error {
	until, err := parseMoment(c.Until, time.Now())
	if err != nil {
		return err
	}
	return c.decide(ctx, s, patch.Hold, until)
}

type clearCmd struct{ decideFlags }

func (clearCmd) Help() string { return "Example:\n  fettle clear perl --label web" }

func (c clearCmd) Run(ctx context.Context, s *screen) error {
	return c.decide(ctx, s, patch.Clear, time.Time{})
}

func (f decideFlags) decide(ctx context.Context, s *screen, verb patch.Verb, until time.Time) error {
	r := approval.Request{Label: f.Label, Verb: verb, Until: until, Why: f.Why}
	for _, p := range f.Patch {
		r.Patches = append(r.Patches, patch.ID(p))
	}
	if f.Preview {
		return tell(ctx, s, http.MethodPost, api.Path("decisions", "preview"), r, func(w io.Writer, p approval.Preview) { printPreview(w, s.width, p) })
	}
	return tell(ctx, s, http.MethodPost, api.Path("decisions"), r, func(w io.Writer, l api.List[patch.Decision]) {
		for _, d := range l.Items {
			line(w, "%s: %s", clean(string(d.Patch)), clean(decisionText(d)))
		}
	})
}

func printPreview(w io.Writer, width int, p approval.Preview) {
	line(w, "%s", clean(p.Sentence))
	line(w, "")
	t := table{columns: []column{{title: "patch", flex: true}, {title: "eligible", right: true}, {title: "deployable", right: true}, {title: "patched", right: true}, {title: "n/a", right: true}, {title: "error", right: true}, {title: "unknown", right: true}, {title: "stale", right: true}, {title: "to fetch", right: true}}}
	for _, x := range p.Patches {
		t.add(string(x.Patch.ID), strconv.Itoa(x.Eligible.Count), strconv.Itoa(x.Deployable.Count), strconv.Itoa(x.Patched.Count), strconv.Itoa(notApplicable(x.Tally)),
			strconv.Itoa(x.Error.Count), strconv.Itoa(x.Unknown.Count), strconv.Itoa(x.Stale.Count), size(x.Bytes))
	}
	t.print(w, width)
	for _, x := range p.Patches {
		for _, r := range x.NotApplicable {
			line(w, "  %s does not apply to %s (%s): %s", clean(string(x.Patch.ID)), plural(r.Count, "machine", "machines"), clean(strings.Join(firstNames(r.Names), ", ")), clean(r.Text))
		}
		for _, r := range x.StaysClosed {
			line(w, "  %s is kept back on %s (%s): %s", clean(string(x.Patch.ID)), plural(r.Count, "machine", "machines"), clean(strings.Join(firstNames(r.Names), ", ")), clean(r.Text))
		}
	}
}

func firstNames(names []string) []string {
	const shown = 5
	if len(names) > shown {
		return append(append([]string{}, names[:shown]...), "…")
	}
	return names
}

func notApplicable(t approval.Tally) int {
	n := 0
	for _, r := range t.NotApplicable {
		n += r.Count
	}
	return n
}

type decisionsCmd struct {
	List    decisionsListCmd    `cmd:"" default:"withargs" help:"List the decisions that count now."`
	History decisionsHistoryCmd `cmd:"" help:"Every decision ever made about a patch."`
}

type decisionsListCmd struct {
	Label string `short:"l" help:"Only for this label."`
	OS    string `help:"Only about patches of this host OS."`
}

func (decisionsListCmd) Help() string {
	return "Examples:\n  fettle decisions\n  fettle decisions list --label web --json"
}

func (c decisionsListCmd) Run(ctx context.Context, s *screen) error {
	return ask(ctx, s, api.Path("decisions"), query{}.set("label", c.Label).set("os", c.OS), func(w io.Writer, l api.List[patch.Decision]) { printDecisions(w, s.width, l) })
}

type decisionsHistoryCmd struct {
	Patch string `arg:"" help:"An id, a part of one that fits one patch, or a source package."`
}

func (decisionsHistoryCmd) Help() string { return "Example:\n  fettle decisions history perl" }

func (c decisionsHistoryCmd) Run(ctx context.Context, s *screen) error {
	return ask(ctx, s, api.Path("patches", c.Patch, "decisions"), nil, func(w io.Writer, l api.List[patch.Decision]) { printDecisions(w, s.width, l) })
}

func printDecisions(w io.Writer, width int, l api.List[patch.Decision]) {
	if len(l.Items) == 0 {
		line(w, "No decisions.")
		return
	}
	t := table{columns: []column{{title: "patch", flex: true}, {title: "label"}, {title: "decision"}, {title: "by"}, {title: "at"}, {title: "why", flex: true}}}
	for _, d := range l.Items {
		verb := string(d.Verb)
		if !d.Until.IsZero() {
			verb += " until " + when(d.Until)
		}
		t.add(string(d.Patch), d.Label, verb, d.By, when(d.At), d.Why)
	}
	t.print(w, width)
}
