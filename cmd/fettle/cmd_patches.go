package main

import (
	"cmp"
	"context"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/patch"
)

type patchesCmd struct {
	List   patchesListCmd   `cmd:"" default:"withargs" help:"Search patches."`
	Needed patchesNeededCmd `cmd:"" help:"List what the fleet lacks, and what is decided about it."`
	Show   patchesShowCmd   `cmd:"" help:"Show one patch: what it is, its files, decisions and numbers."`
	Rows   patchesRowsCmd   `cmd:"" help:"Show one patch over all machines."`
	Who    patchesWhoCmd    `cmd:"" help:"Which machines need one patch: detected, and predicted for those that have not detected against it yet."`
}

type patchesListCmd struct {
	Text     string `arg:"" optional:"" help:"Part of an id, title, source package or CVE."`
	OS       string `help:"Only patches of this host OS, e.g. debian-12-amd64." placeholder:"OS"`
	Category string `enum:"security,update," default:"" placeholder:"WORD" help:"Only security or only update."`
	Gone     bool   `help:"Also patches that left their list."`
	Sort     string `placeholder:"ORDER" enum:",released,cvss" default:"" help:"What comes first: released, the newest, or cvss, the highest score. Without it: a source of just that name, then the newest."`
	Limit    int    `default:"50" help:"At most so many; 0 for all."`
	Offset   int    `help:"Leave out the first so many." placeholder:"N"`
}

func (patchesListCmd) Help() string {
	return `Examples:
  fettle patches openssl
  fettle patches --category security --limit 0 --json
  fettle patches --category security --sort cvss
  fettle patches CVE-2026-1234`
}

func (c patchesListCmd) Run(ctx context.Context, s *screen) error {
	limit := c.Limit
	if limit == 0 {
		limit = 1_000_000
	}
	q := query{}.set("text", c.Text).set("os", c.OS).set("category", c.Category).set("gone", strconv.FormatBool(c.Gone)).set("sort", c.Sort).set("limit", strconv.Itoa(limit)).set("offset", strconv.Itoa(c.Offset))
	return ask(ctx, s, api.Path("patches"), q, func(w io.Writer, l api.List[patch.PatchRow]) {
		t := table{columns: []column{{title: "patch", flex: true}, {title: "category"}, {title: "severity"}, {title: "cvss", right: true}, {title: "released"}, {title: "title", flex: true}}}
		for _, p := range l.Items {
			t.add(string(p.ID), string(p.Category), string(p.Severity), scored(p.CVSS), p.Released.Format("2006-01-02"), p.Title)
		}
		if len(t.rows) > 0 {
			t.print(w, s.width)
		} else if c.Text+c.OS+c.Category == "" {
			line(w, "No patches yet: subscribe to what vendors publish (fettle feeds add --help), then fettle catalog sync.")
			return
		} else if l.Total == 0 {
			line(w, "No patch on a list is like that. Words are looked for in ids, titles and CVEs; what has left the lists is found with --gone.")
			return
		}
		line(w, "%s shown of %s.", thousands(len(l.Items)), plural(l.Total, "patch", "patches"))
	})
}

type patchesShowCmd struct {
	Patch string `arg:"" help:"An id, a part of one that fits one patch, or a source package."`
	OS    string `help:"Look among this host OS's patches only." placeholder:"OS"`
}

func (patchesShowCmd) Help() string {
	return "Examples:\n  fettle patches show perl\n  fettle patches show bookworm-security/perl/5.36.0-7+deb12u4"
}

func (c patchesShowCmd) Run(ctx context.Context, s *screen) error {
	return ask(ctx, s, api.Path("patches", c.Patch), query{}.set("os", c.OS), printPatch)
}

// scored writes a CVSS score; nothing where none is known.
func scored(v float64) string {
	if v == 0 {
		return ""
	}
	return strconv.FormatFloat(v, 'f', 1, 64)
}

func printPatch(w io.Writer, d api.PatchDetail) {
	p := d.Patch
	line(w, "%s", clean(p.Title))
	line(w, "")
	f := fields{w}
	f.put("id", string(p.ID))
	f.put("os", string(p.OS))
	f.put("category", strings.TrimSpace(string(p.Category)+" "+string(p.Severity)))
	f.put("CVSS", cmp.Or(scored(p.CVSS), "not known"))
	f.put("released", when(p.Released))
	f.put("CVEs", strings.Join(p.CVEs, ", "))
	for _, x := range d.Exploited {
		text := x.CVE + ", known since " + x.Added.Format(time.DateOnly)
		if !x.Due.IsZero() {
			text += ", to be mended until " + x.Due.Format(time.DateOnly)
		}
		f.put("exploited", text)
	}
	var older []string
	for _, id := range p.Supersedes {
		older = append(older, string(id))
	}
	f.put("supersedes", strings.Join(older, ", "))
	if !p.GoneAt.IsZero() {
		f.put("left the list", when(p.GoneAt))
	}
	f.put("machines", countsText(d.Summary.Verdicts))
	f.put("files", plural(len(p.Payloads), "file", "files"))
	for _, x := range d.Payloads {
		f.put("", x.Name+" "+x.Version+" "+x.Arch+", "+size(x.Size)+", "+string(x.State)+" "+x.Error.String())
	}
	for _, x := range d.Decisions {
		f.put("decision", decisionText(x))
	}
}

func decisionText(d patch.Decision) string {
	verbs := map[patch.Verb]string{patch.Approve: "approved", patch.Decline: "declined", patch.Hold: "held", patch.Clear: "cleared"}
	text := verbs[d.Verb] + " for " + d.Label + " by " + d.By
	if d.Second != "" {
		text += " and " + d.Second
	}
	text += ", " + when(d.At)
	if !d.Until.IsZero() {
		text += ", until " + when(d.Until) + with(", owner ", otherThan(d.By, d.Owner))
	}
	if d.Why != "" {
		text += ": " + d.Why
	}
	return text
}

type patchesRowsCmd struct {
	Patch   string   `arg:"" help:"An id, a part of one that fits one patch, or a source package."`
	Verdict []string `short:"v" help:"Only these verdicts: not-patched, patched, not-applicable, error, unknown." placeholder:"VERDICT"`
	Policy  []string `short:"p" help:"Only these: approved, declined, undecided, held."`
	Label   string   `short:"l" help:"Only machines that carry this label." placeholder:"LABEL"`
	Closed  bool     `help:"Also machines whose list it left."`
	Limit   int      `default:"50" help:"At most so many rows; 0 for all."`
}

func (patchesRowsCmd) Help() string {
	return "Examples:\n  fettle patches rows perl --verdict not-patched\n  fettle patches rows perl --label web --json"
}

func (c patchesRowsCmd) Run(ctx context.Context, s *screen) error {
	q := query{}.set("verdict", c.Verdict...).set("policy", c.Policy...).set("label", c.Label).set("closed", strconv.FormatBool(c.Closed)).set("limit", strconv.Itoa(c.Limit))
	return ask(ctx, s, api.Path("patches", c.Patch, "rows"), q, func(w io.Writer, r api.Rows) { printRows(w, s.width, r, true) })
}
