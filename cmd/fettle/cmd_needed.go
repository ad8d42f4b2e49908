package main

import (
	"context"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
)

type patchesNeededCmd struct {
	Text      string `arg:"" optional:"" help:"Part of an id, title, source package or CVE."`
	OS        string `help:"Only this host OS, e.g. debian-12-amd64; default: all that machines have." placeholder:"OS"`
	Undecided bool   `short:"u" help:"Only patches that some machine needs for which nobody has decided."`
	Category  string `enum:"security,update," default:"" placeholder:"WORD" help:"Only security or only update."`
	Severity  string `enum:"critical,high,medium,low," default:"" placeholder:"WORD" help:"Only this severity: critical, high, medium or low."`
	Limit     int    `default:"50" help:"At most so many of each host OS; 0 for all."`
}

func (patchesNeededCmd) Help() string {
	return `The patches that some machine lacks, those that most machines lack first, with what is decided about them. UNSURE are machines whose
detect ended in an error there, or that have not detected against this list yet: they may need it too.

Examples:
  fettle patches needed
  fettle patches needed --undecided --category security
  fettle patches needed openssl --json`
}

// need is what the machines of one host OS lack.
type need struct {
	OS    patch.HostOS        `json:"os"`
	Total int                 `json:"total"` // patches that match, of which some may be left out
	Items []ledger.PatchCount `json:"items"`
}

func (c patchesNeededCmd) Run(ctx context.Context, s *screen) error {
	client, err := s.client(ctx)
	if err != nil {
		return err
	}
	defer client.Close()
	oses := []patch.HostOS{patch.HostOS(c.OS)}
	if c.OS == "" {
		if oses, err = inventoried(ctx, client); err != nil {
			return err
		}
	}
	needs := []need{}
	for _, os := range oses {
		l, err := api.Get[api.List[ledger.PatchCount]](ctx, client, api.Path("counts"), c.query(os))
		if err != nil {
			return err
		}
		needs = append(needs, need{os, l.Total, l.Items})
	}
	return s.show(api.List[need]{Items: needs, Total: len(needs)}, func(w io.Writer) { c.print(w, s.width, needs) })
}

func (c patchesNeededCmd) query(os patch.HostOS) url.Values {
	q := query{}.set("os", string(os)).set("verdict", patch.NotPatched.String()).set("text", c.Text).set("category", c.Category).set("severity", c.Severity)
	if c.Undecided {
		q.set("policy", string(patch.Undecided))
	}
	return q.set("limit", strconv.Itoa(c.Limit)).values()
}

// inventoried are the host OSes that machines have and a catalog is published for, that of most machines first.
func inventoried(ctx context.Context, client *api.Client) ([]patch.HostOS, error) {
	f, err := api.Get[ledger.Fleet](ctx, client, api.Path("status"), nil)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(f.OSes, func(a, b ledger.OSStatus) int { return b.Machines - a.Machines })
	var out []patch.HostOS
	for _, o := range f.OSes {
		if o.Machines > 0 && o.Revision != "" {
			out = append(out, o.OS)
		}
	}
	return out, nil
}

func (c patchesNeededCmd) print(w io.Writer, width int, needs []need) {
	if len(needs) == 0 {
		line(w, "No machine has detected yet, or no catalog is published for its host OS: see fettle status and fettle catalog.")
		return
	}
	for i, n := range needs {
		if i > 0 {
			line(w, "")
		}
		t := table{columns: []column{{title: "patch", flex: true}, {title: "category"}, {title: "severity"}, {title: "cvss", right: true}, {title: "needed", right: true}, {title: "undecided", right: true},
			{title: "deployable", right: true}, {title: "patched", right: true}, {title: "unsure", right: true}, {title: "decided", flex: true}}}
		for _, p := range n.Items {
			t.add(string(p.Patch.ID), string(p.Patch.Category), string(p.Patch.Severity), scored(p.Patch.CVSS), thousands(p.Verdicts[patch.NotPatched]), thousands(p.Undecided),
				thousands(p.Deployable), thousands(p.Verdicts[patch.Patched]), thousands(p.Verdicts[patch.Faulty]+p.Verdicts[patch.Unknown]), standings(p.Decisions))
		}
		if len(t.rows) > 0 {
			t.print(w, width)
		}
		line(w, "%s: %s.", n.OS, c.sum(n))
	}
}

func (c patchesNeededCmd) sum(n need) string {
	what := "that some machine needs"
	if c.Undecided {
		what += " and nobody has decided about for it"
	}
	if c.Text+c.Category+c.Severity != "" {
		what = "of those asked for " + what
	}
	if n.Total == 0 {
		return "no patch " + what
	}
	text := plural(n.Total, "patch", "patches") + " " + what
	if shown := len(n.Items); shown < n.Total {
		text += "; " + thousands(shown) + " shown (--limit 0 for all)"
	}
	return text
}

// standings are the decisions that count about a patch, in few words.
func standings(l []patch.Decision) string {
	verbs := map[patch.Verb]string{patch.Approve: "approved", patch.Decline: "declined", patch.Hold: "held"}
	var out []string
	for _, d := range l {
		if word := verbs[d.Verb]; word != "" {
			out = append(out, word+" for "+d.Label)
		}
	}
	return strings.Join(out, ", ")
}
