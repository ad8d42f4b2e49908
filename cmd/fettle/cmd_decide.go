package main

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/approval"
	"github.com/fettle-project/fettle/internal/patch"
)

// decideFlags are what every decision takes.
type decideFlags struct {
	Patch   []string `arg:"" help:"Ids, or anything that fits one patch: a source package, a part of an id. label:NAME is every patch that carries a label of patches now."`
	Label   string   `short:"l" required:"" help:"The label that it is decided for; \"all\" is every admitted machine." placeholder:"LABEL"`
	Why     string   `help:"The reason, kept with the decision." placeholder:"TEXT"`
	Preview bool     `help:"Only show what it would do."`
}

type approveCmd struct{ decideFlags }

func (approveCmd) Help() string {
	return `Approving is allowed for machines that do not need the patch; the preview says how many there are.

Examples:
  fettle approve perl openssl --label web --preview
  fettle approve label:browsers --label all --why "they are out of support otherwise"
  fettle approve bookworm-security/perl/5.36.0-7+deb12u4 --label all --why "CVE-2026-1234"`
}

func (c approveCmd) Run(ctx context.Context, s *screen) error {
	return c.decide(ctx, s, approval.Request{Verb: patch.Approve})
}

type declineCmd struct{ decideFlags }

func (declineCmd) Help() string {
	return "Example:\n  fettle decline perl --label web --why \"breaks the shop\""
}

func (c declineCmd) Run(ctx context.Context, s *screen) error {
	return c.decide(ctx, s, approval.Request{Verb: patch.Decline})
}

type holdCmd struct {
	decideFlags
	Until string `required:"" help:"Until when: 2026-12-01, \"2026-12-01 18:00\", or a span such as 3d." placeholder:"TIME"`
	Owner string `help:"Whom to ask about it; you if left out." placeholder:"NAME"`
}

func (holdCmd) Help() string {
	return `It needs a reason. It ends by itself: then the patch is undecided again. Shortly before, "fettle lint" and whoever is notified of holds hear of it, with its owner.

Examples:
  fettle hold perl --label web --until 7d --preview
  fettle hold perl --label web --until 2026-12-24 --owner j.lind --why "the shop is tested first"`
}

func (c holdCmd) Run(ctx context.Context, s *screen) error {
	until, err := parseMoment(c.Until, time.Now())
	if err != nil {
		return err
	}
	if strings.TrimSpace(c.Why) == "" && !c.Preview {
		return usagef("a hold needs a reason, for whoever comes upon it and decides when it ends: add --why \"what it waits for\"")
	}
	return c.decide(ctx, s, approval.Request{Verb: patch.Hold, Until: until, Owner: c.Owner})
}

type clearCmd struct{ decideFlags }

func (clearCmd) Help() string { return "Example:\n  fettle clear perl --label web" }

func (c clearCmd) Run(ctx context.Context, s *screen) error {
	return c.decide(ctx, s, approval.Request{Verb: patch.Clear})
}

// decide asks for what r says, about the patches and for the label that are named.
func (f decideFlags) decide(ctx context.Context, s *screen, r approval.Request) error {
	r.Label, r.Why = f.Label, f.Why
	for _, p := range f.Patch {
		r.Patches = append(r.Patches, patch.ID(p))
	}
	if f.Preview {
		return tell(ctx, s, http.MethodPost, api.Path("decisions", "preview"), r, func(w io.Writer, p approval.Preview) { printPreview(w, s.width, p) })
	}
	return tell(ctx, s, http.MethodPost, api.Path("decisions"), r, func(w io.Writer, made api.Decided) {
		for _, d := range made.Items {
			line(w, "%s: %s", clean(string(d.Patch)), clean(decisionText(d)))
		}
		if p := made.Proposal; p != nil {
			line(w, "%s for %q: it waits for a second person, who confirms it with: fettle proposals confirm %s", plural(len(p.Patches), "patch", "patches"), clean(p.Label), p.ID)
		}
	})
}

func printPreview(w io.Writer, width int, p approval.Preview) {
	line(w, "%s", clean(p.Sentence.String()))
	line(w, "")
	t := table{columns: []column{{title: "patch", flex: true}, {title: "eligible", right: true}, {title: "deployable", right: true}, {title: "patched", right: true}, {title: "n/a", right: true}, {title: "error", right: true}, {title: "unknown", right: true}, {title: "stale", right: true}, {title: "to fetch", right: true}}}
	const whole = 40 // patches: more of them are told by those that somebody has to look at
	quiet := 0
	for _, x := range p.Patches {
		if len(p.Patches) > whole && x.Eligible.Count+x.Error.Count+x.Unknown.Count+x.Stale.Count == 0 {
			quiet++
			continue
		}
		t.add(string(x.Patch.ID), strconv.Itoa(x.Eligible.Count), strconv.Itoa(x.Deployable.Count), strconv.Itoa(x.Patched.Count), strconv.Itoa(notApplicable(x.Tally)),
			strconv.Itoa(x.Error.Count), strconv.Itoa(x.Unknown.Count), strconv.Itoa(x.Stale.Count), size(x.Bytes))
	}
	if len(t.rows) > 0 {
		t.print(w, width)
	}
	if quiet > 0 {
		line(w, "And %s that none of these machines needs: --json has them.", plural(quiet, "patch", "patches"))
	}
	printOSes(w, width, p.OSes)
	for _, x := range p.Patches {
		for _, r := range x.NotApplicable {
			if len(p.Patches) > whole {
				break
			}
			line(w, "  %s does not apply to %s (%s): %s", clean(string(x.Patch.ID)), plural(r.Count, "machine", "machines"), clean(strings.Join(firstNames(r.Names), ", ")), clean(r.Text.String()))
		}
		for _, r := range x.StaysClosed {
			line(w, "  %s is kept back on %s (%s): %s", clean(string(x.Patch.ID)), plural(r.Count, "machine", "machines"), clean(strings.Join(firstNames(r.Names), ", ")), clean(r.Text.String()))
		}
		for _, n := range x.Needs {
			line(w, "  %s needs %s, %s, on %s (%s)", clean(string(x.Patch.ID)), clean(string(n.Patch)), n.Stand, plural(n.Count, "machine", "machines"), clean(strings.Join(firstNames(n.Names), ", ")))
		}
	}
	if len(p.Adds) > 0 {
		line(w, "")
		line(w, "To decide about what they need too: %s", clean(addingTo(p)))
	}
}

// addingTo is the command that looks at the same decision with the patches that the chosen ones need.
func addingTo(p approval.Preview) string {
	words := []string{"fettle", "approve"}
	for _, id := range append(slices.Clone(p.Request.Patches), p.Adds...) {
		words = append(words, string(id))
	}
	return strings.Join(append(words, "--label", p.Request.Label, "--preview"), " ")
}

// printOSes shows the same numbers per host OS, where there are several.
func printOSes(w io.Writer, width int, oses []approval.OSPreview) {
	if len(oses) < 2 {
		return
	}
	line(w, "")
	t := table{columns: []column{{title: "machines of", flex: true}, {title: "eligible", right: true}, {title: "deployable", right: true}, {title: "patched", right: true}, {title: "n/a", right: true}, {title: "other OS", right: true}, {title: "error", right: true}, {title: "unknown", right: true}, {title: "stale", right: true}}}
	for _, o := range oses {
		name := string(o.OS)
		if name == "" {
			name = "not known"
		}
		t.add(name, strconv.Itoa(o.Eligible.Count), strconv.Itoa(o.Deployable.Count), strconv.Itoa(o.Patched.Count), strconv.Itoa(notApplicable(o.Tally)), strconv.Itoa(o.OtherOS.Count),
			strconv.Itoa(o.Error.Count), strconv.Itoa(o.Unknown.Count), strconv.Itoa(o.Stale.Count))
	}
	t.print(w, width)
	line(w, "")
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
	Show    decisionsShowCmd    `cmd:"" help:"Show a decision, who carried its label then and whom it covers now."`
	History decisionsHistoryCmd `cmd:"" help:"Every decision ever made about a patch."`
}

type decisionsListCmd struct {
	Label string `short:"l" help:"Only for this label." placeholder:"LABEL"`
	OS    string `help:"Only about patches of this host OS." placeholder:"OS"`
}

func (decisionsListCmd) Help() string {
	return "Examples:\n  fettle decisions\n  fettle decisions list --label web --json"
}

func (c decisionsListCmd) Run(ctx context.Context, s *screen) error {
	return ask(ctx, s, api.Path("decisions"), query{}.set("label", c.Label).set("os", c.OS), func(w io.Writer, l api.List[patch.Decision]) { printDecisions(w, s.width, l) })
}

type decisionsShowCmd struct {
	Decision string `arg:"" help:"Its id, or a patch about which one decision counts."`
	Label    string `short:"l" help:"Of several decisions about a patch, the one for this label." placeholder:"LABEL"`
}

func (decisionsShowCmd) Help() string {
	return "Examples:\n  fettle decisions show perl --label web\n  fettle decisions show 01JD3Q4T7YB2M8Z1N6X5V0C9AK --json"
}

func (c decisionsShowCmd) Run(ctx context.Context, s *screen) error {
	return ask(ctx, s, api.Path("decisions", c.Decision), query{}.set("label", c.Label), printRecalled)
}

func printRecalled(w io.Writer, r approval.Recalled) {
	d := r.Decision
	line(w, "%s: %s", clean(string(d.Patch)), clean(decisionText(d)))
	f := fields{w}
	f.put("id", d.ID)
	if d.Via != "" {
		f.put("named by", patch.LabelPrefix+d.Via)
	}
	f.put("why", d.Why)
	switch {
	case !r.Recorded:
		f.put("then", "who carried the label was not recorded")
	default:
		f.put("then", plural(len(r.Then), "machine carried the label", "machines carried the label"))
	}
	groups := []struct {
		name string
		ids  []patch.MachineID
	}{{"joined since", r.Joined}, {"left since", r.Left}, {"then and now", both(r)}}
	if r.Gone {
		f.put("now", "the label does not exist any more: the decision covers no machine")
		groups = groups[1:2]
		groups[0].name = "carried it"
	} else {
		f.put("now", plural(len(r.Now), "machine carries it", "machines carry it"))
		if !r.Recorded {
			groups[2].name, groups[2].ids = "carries it now", r.Now
		}
	}
	for _, g := range groups {
		const shown = 40
		for _, id := range g.ids[:min(shown, len(g.ids))] {
			f.put(g.name, called(r.Names, id))
		}
		if n := len(g.ids) - shown; n > 0 {
			f.put(g.name, "and "+thousands(n)+" more: --json has them all")
		}
	}
}

// called is a machine's name, with its id where there is no name or where another one is called the same.
func called(names map[patch.MachineID]string, id patch.MachineID) string {
	name := names[id]
	if name == "" {
		return string(id)
	}
	for other, same := range names {
		if other != id && same == name {
			return name + " (" + short(id) + ")"
		}
	}
	return name
}

// both lists who carried the label when it was decided and carries it still.
func both(r approval.Recalled) []patch.MachineID {
	return slices.DeleteFunc(slices.Clone(r.Then), func(id patch.MachineID) bool { return !slices.Contains(r.Now, id) })
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
			verb += " until " + when(d.Until) + with(", owner ", otherThan(d.By, d.Owner))
		}
		t.add(string(d.Patch), d.Label, verb, d.By, when(d.At), d.Why)
	}
	t.print(w, width)
}
