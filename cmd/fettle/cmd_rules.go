package main

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/approval"
	"github.com/fettle-project/fettle/internal/patch"
)

type rulesCmd struct {
	List   rulesListCmd   `cmd:"" default:"1" help:"List rules."`
	Put    rulesPutCmd    `cmd:"" help:"Create a rule, or replace one, and carry it out."`
	Remove rulesRemoveCmd `cmd:"" help:"Remove a rule; what it has decided stays, unless you take it back."`
}

type rulesListCmd struct{}

func (rulesListCmd) Help() string { return "Example:\n  fettle rules --json" }

func (rulesListCmd) Run(ctx context.Context, s *screen) error {
	return ask(ctx, s, api.Path("rules"), nil, func(w io.Writer, l api.List[patch.Rule]) {
		if len(l.Items) == 0 {
			line(w, "No rules: people decide about every patch. Example: fettle rules put security --category security --soak 3 --label canary --preview")
			return
		}
		t := table{columns: []column{{title: "rule"}, {title: "does"}, {title: "for label"}, {title: "after"}, {title: "patches", flex: true}, {title: "version", right: true}, {title: "changed"}, {title: "note", flex: true}}}
		for _, r := range l.Items {
			does := string(r.Verb)
			if r.Paused {
				does += " (paused)"
			}
			t.add(r.Name, does, r.Label, waits(r), everyPatch(r), strconv.Itoa(r.Version), when(r.ChangedAt)+" by "+r.ChangedBy, r.Note)
		}
		t.print(w, s.width)
	})
}

func everyPatch(r patch.Rule) string {
	switch {
	case r.Expr == "" && r.Patches == "":
		return "every patch"
	case r.Patches == "":
		return r.Expr
	case r.Expr == "":
		return patch.LabelPrefix + r.Patches
	}
	return patch.LabelPrefix + r.Patches + " && " + r.Expr
}

// newRule is a rule as it shall be.
type newRule struct {
	Rule      string   `arg:"" help:"Its name."`
	Label     string   `required:"" short:"l" help:"The machines that it decides for." placeholder:"LABEL"`
	Decline   bool     `help:"Decline instead of approving; declined beats approved."`
	Category  string   `enum:",security,update" default:"" placeholder:"WORD" help:"Only patches of this category: security or update."`
	Severity  []string `enum:"critical,high,medium,low" help:"Only patches of these severities."`
	Suite     []string `help:"Only patches of these suites, such as bookworm-security."`
	Source    []string `help:"Only patches of these source packages."`
	Patches   string   `help:"Only patches that carry this label of patches." placeholder:"LABEL"`
	Expr      string   `short:"e" help:"A further CEL condition over patch: id, title, source, version, suite, os, vendor, category, severity, cvss, advisory, cves, packages, released, age_days, exploited, exploited_cves." placeholder:"EXPR"`
	AfterRing string   `help:"Only patches that have passed this ring, and are halted in none." placeholder:"RING"`
	Soak      int      `help:"Days that a patch must have been out, or since it passed the ring of --after-ring." placeholder:"DAYS"`
	Note      string   `help:"Why; kept with each decision." placeholder:"TEXT"`
	Paused    bool     `help:"Do not decide yet."`
}

type rulesPutCmd struct {
	newRule
	Preview bool `help:"Only show what it would do, now and later."`
}

func (rulesPutCmd) Help() string {
	return `A rule decides like a person: its decisions stand in "fettle decisions" with its name and version. What a person has decided for the same label
stays, even where they took it back. A patch that a newer one replaces is decided only while the newer one still waits.

Examples:
  fettle rules put canary --category security --label canary --note "canaries get security fixes at once" --preview
  fettle rules put rest --category security --severity critical,high --soak 3 --label all
  fettle rules put proven --category security --after-ring canary --soak 3 --label all
  fettle rules put no-mariadb --decline --source mariadb --label shop --note "the shop's vendor patches it"
  fettle rules put urgent --patches urgent --label all
  fettle rules put php --expr 'patch.source.startsWith("php") && size(patch.cves) > 0' --label web`
}

func (c rulesPutCmd) Run(ctx context.Context, s *screen) error {
	in := c.request()
	if c.Preview {
		return tell(ctx, s, http.MethodPost, api.Path("rules", c.Rule, "preview"), in, func(w io.Writer, o approval.Outlook) { printOutlook(w, s.width, o) })
	}
	return tell(ctx, s, http.MethodPut, api.Path("rules", c.Rule), in, func(w io.Writer, r patch.Rule) {
		line(w, "The rule %s (version %d) %ss %s for %q%s.", clean(r.Name), r.Version, r.Verb, clean(everyPatch(r)), clean(r.Label), after(r))
	})
}

func (c newRule) request() api.RuleRequest {
	in := api.RuleRequest{Label: c.Label, Verb: patch.Approve, Expr: c.expression(), Patches: c.Patches, AfterRing: c.AfterRing, SoakDays: c.Soak, Note: c.Note, Paused: c.Paused}
	if c.Decline {
		in.Verb = patch.Decline
	}
	return in
}

func after(r patch.Rule) string {
	days := plural(r.SoakDays, "day", "days")
	switch {
	case r.AfterRing != "" && r.SoakDays > 0:
		return ", " + days + " after it passed the ring " + clean(r.AfterRing)
	case r.AfterRing != "":
		return ", once it has passed the ring " + clean(r.AfterRing)
	case r.SoakDays > 0:
		return ", once it has been out for " + days
	}
	return ""
}

// waits is after in a column.
func waits(r patch.Rule) string {
	days := plural(r.SoakDays, "day", "days")
	switch {
	case r.AfterRing != "" && r.SoakDays > 0:
		return days + " after ring " + r.AfterRing
	case r.AfterRing != "":
		return "ring " + r.AfterRing
	case r.SoakDays > 0:
		return days
	}
	return "at once"
}

// expression joins the flags into one condition.
func (c newRule) expression() string {
	var all []string
	add := func(field string, values ...string) {
		quoted := make([]string, 0, len(values))
		for _, v := range values {
			if v != "" {
				quoted = append(quoted, strconv.Quote(v))
			}
		}
		switch len(quoted) {
		case 0:
		case 1:
			all = append(all, "patch."+field+" == "+quoted[0])
		default:
			all = append(all, "patch."+field+" in ["+strings.Join(quoted, ", ")+"]")
		}
	}
	add("category", c.Category)
	add("severity", c.Severity...)
	add("suite", c.Suite...)
	add("source", c.Source...)
	switch {
	case c.Expr != "" && len(all) > 0:
		all = append(all, "("+c.Expr+")")
	case c.Expr != "":
		all = append(all, c.Expr)
	}
	return strings.Join(all, " && ")
}

func printOutlook(w io.Writer, width int, o approval.Outlook) {
	line(w, "%s", clean(o.Sentence.String()))
	if o.Preview != nil {
		line(w, "")
		printPreview(w, width, *o.Preview)
	}
	if len(o.Waiting) > 0 {
		line(w, "")
		t := table{columns: []column{{title: "waits until"}, {title: "patch", flex: true}}}
		for _, x := range o.Waiting[:min(len(o.Waiting), 20)] {
			until := when(x.Due)
			if x.Due.IsZero() {
				until = "it has passed the ring " + o.Rule.AfterRing
			}
			t.add(until, string(x.Patch))
		}
		t.print(w, width)
		if n := len(o.Waiting) - 20; n > 0 {
			line(w, "… and %d more", n)
		}
	}
}

type rulesRemoveCmd struct {
	Rule     string `arg:"" help:"Its name."`
	TakeBack bool   `help:"Also take its decisions back, where they still count."`
}

func (rulesRemoveCmd) Help() string {
	return "Examples:\n  fettle rules remove canary\n  fettle rules remove canary --take-back"
}

func (c rulesRemoveCmd) Run(ctx context.Context, s *screen) error {
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	gone, err := api.Do[api.RuleRemoved](ctx, client, http.MethodDelete, api.Path("rules", c.Rule), query{}.set("take_back", strconv.FormatBool(c.TakeBack)).values(), nil)
	if err != nil {
		return err
	}
	return s.show(gone, func(w io.Writer) {
		switch {
		case gone.Cleared > 0:
			line(w, "The rule %s is removed, and %s taken back.", clean(c.Rule), plural(gone.Cleared, "decision is", "decisions are"))
		case c.TakeBack:
			line(w, "The rule %s is removed; no decision of it still counted.", clean(c.Rule))
		default:
			line(w, "The rule %s is removed; what it has decided stays.", clean(c.Rule))
		}
	})
}
