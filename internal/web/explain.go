package web

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// explainPage is one explanation, with the ways to act on it.
type explainPage struct {
	ledger.Explanation
	Address string        // of this page, to paste into a ticket
	Who     phrase.Phrase // who can act
	may     May
	byHand  map[string]bool // labels that machines can be put into
}

// course is the gates as they are drawn: those on the way, and the rest, which says nothing yet.
type course struct{ Way, Rest []gate.Gate }

// Path parts the gates after the last one that says something.
func (p explainPage) Path() course {
	all := p.Answer.Gates
	n := len(all)
	for n > 0 && all[n-1].State == gate.Unreached {
		n--
	}
	return course{all[:n], all[n:]}
}

// Sentence is the answer as a sentence of its own.
func (p explainPage) Sentence() phrase.Phrase { return p.Answer.Sentence }

// Patch is the patch in question.
func (p explainPage) Patch() patch.Patch { return p.Row.Patch }

// First says whether a gate is the first closed one, unless it is closed because all is done.
func (p explainPage) First(g gate.Gate) bool {
	return p.Answer.Closed != nil && p.Answer.Closed.Name == g.Name && !g.Settled()
}

// drawn is a gate on the path, and how it is drawn.
type drawn struct {
	gate.Gate
	First   bool // the first closed one
	Telling bool // its clauses are few and they are why it is closed
	Class   string
}

const fewClauses = 5

// gateOf draws a gate of an explanation.
func gateOf(p explainPage, g gate.Gate) drawn {
	d := drawn{Gate: g, First: p.First(g), Class: string(g.State)}
	d.Telling = g.State == gate.Closed && !g.Settled() && len(g.Clauses) <= fewClauses
	switch {
	case g.Settled():
		d.Class = string(gate.Open)
	case d.First:
		d.Class += " first"
	}
	return d
}

// moment is one line of a row's history: a verdict that moved, or a decision.
type moment struct {
	At      time.Time
	Moved   *patch.Transition
	Decided *patch.Decision
}

// History is what happened to this row and what people decided about its patch, newest first.
func (p explainPage) History() []moment {
	var out []moment
	for i := range p.Transitions {
		out = append(out, moment{At: p.Transitions[i].At, Moved: &p.Transitions[i]})
	}
	for i := range p.Decisions {
		out = append(out, moment{At: p.Decisions[i].At, Decided: &p.Decisions[i]})
	}
	slices.SortStableFunc(out, func(a, b moment) int { return b.At.Compare(a.At) })
	return out
}

func (c *console) explain(v *visit) error {
	m, err := c.Explainer.Resolve(v.ctx, v.r.PathValue("machine"))
	if err != nil {
		return err
	}
	id := patch.ID(v.r.PathValue("patch"))
	e, err := c.Explainer.Explain(v.ctx, m.ID, id)
	if patch.KindOf(err) == patch.NotFound {
		row, resolveErr := c.Explainer.ResolvePatch(v.ctx, string(id), m.OS)
		if resolveErr != nil || row.ID == id {
			return err
		}
		return v.see(explainURL(m.ID, row.ID))
	}
	if err != nil {
		return err
	}
	p := explainPage{Explanation: e, Address: "https://" + v.r.Host + explainURL(m.ID, e.Row.Patch.ID), Who: actor(e.Answer.Actor), may: c.may(v.caller), byHand: map[string]bool{}}
	labels, err := c.Labels.Sizes(v.ctx)
	if err != nil {
		return err
	}
	for _, l := range labels {
		p.byHand[l.Label.Name] = l.Label.Expr == "" && l.Label.Of == patch.OfMachines
	}
	return show(c, v, "explain", "machines", phrase.Of("{1} on {2}", e.Row.Patch.Source, m.Name), p)
}

// actor says in words who must act.
func actor(a gate.Actor) phrase.Phrase {
	switch a {
	case gate.Person:
		return "you"
	case gate.Owner:
		return "whoever administers the machine"
	case gate.Agent:
		return "the agent, by itself"
	case gate.Appliance:
		return "the appliance, by itself"
	case gate.Time:
		return "nobody; it opens by itself"
	}
	return "nobody needs to"
}

// explainLabelPage is an explanation added up over a label.
type explainLabelPage struct {
	ledger.LabelExplanation
	Address string
}

// Which is where all machines of a group are.
func (p explainLabelPage) Which(g ledger.Group) string {
	q := url.Values{"code": {g.Code}, "standing": {string(g.Standing)}}
	if g.Gate != "" {
		q.Set("gate", string(g.Gate))
	}
	return whyURL(p.Label, p.Patch.ID) + "?" + q.Encode()
}

func (c *console) explainLabel(v *visit) error {
	if v.get("code") != "" {
		return c.explainGroup(v)
	}
	e, err := c.Explainer.ExplainLabel(v.ctx, v.r.PathValue("label"), patch.ID(v.r.PathValue("patch")))
	if err != nil {
		return err
	}
	if v.partial() {
		return showPart(c, v, "explain-label", "part", explainLabelPage{LabelExplanation: e})
	}
	p := explainLabelPage{LabelExplanation: e, Address: "https://" + v.r.Host + v.r.URL.EscapedPath()}
	return show(c, v, "explain-label", "patches", phrase.Of("patch for a label\x04{1} for {2}", e.Patch.Source, e.Label), p)
}

// explainGroupPage is the machines of a label for which a patch stands alike.
type explainGroupPage struct {
	explainLabelPage
	Pager pager
}

// Group is what they have in common; nil where nobody stands so any more.
func (p explainGroupPage) Group() *ledger.Group {
	if len(p.Groups) == 0 {
		return nil
	}
	return &p.Groups[0]
}

func (c *console) explainGroup(v *visit) error {
	of := ledger.GroupRef{Gate: gate.Name(v.get("gate")), Code: v.get("code"), Standing: phrase.Phrase(v.get("standing"))}
	at := v.offset(rowsSize)
	e, err := c.Explainer.ExplainGroup(v.ctx, v.r.PathValue("label"), patch.ID(v.r.PathValue("patch")), of, at, rowsSize)
	if err != nil {
		return err
	}
	p := explainGroupPage{explainLabelPage: explainLabelPage{LabelExplanation: e}}
	if g := p.Group(); g != nil {
		p.Pager = v.pager(at, rowsSize, len(g.Machines), g.Count)
	}
	return show(c, v, "explain-group", "patches", phrase.Of("patch for a label\x04{1} for {2}", e.Patch.Source, e.Label), p)
}

// searchPage is what a search found.
type searchPage struct {
	Text     string
	Machines []patch.Machine
	Found    int // machines that match and are not shut out
	Patches  []patch.PatchRow
	Total    int // patches that match
	Labels   []string
	Fault    *faultPage          // why a question could not be answered
	Counts   []ledger.PatchCount // of the patches that mend the CVE that was searched for
	CVE      bool                // a CVE was searched for
	Lacking  []ledger.Row        // machines that lack such a patch, each once, as many as a page shows
	whole    bool                // Lacking has all of them
}

// Exposed is how many machines lack one of the patches; where several patches are about one OS and not all machines were looked at, at least so
// many.
func (p searchPage) Exposed() int {
	if p.whole {
		return len(p.Lacking)
	}
	most := map[patch.HostOS]int{}
	for _, c := range p.Counts {
		most[c.OS] = max(most[c.OS], c.Verdicts[patch.NotPatched])
	}
	n := 0
	for _, m := range most {
		n += m
	}
	return n
}

// AtLeast reports whether more machines than Exposed may lack one of the patches.
func (p searchPage) AtLeast() bool {
	oses := map[patch.HostOS]bool{}
	for _, c := range p.Counts {
		oses[c.OS] = true
	}
	return !p.whole && len(oses) < len(p.Counts)
}

const found = 25

// search answers "why is P not on M" with the explanation itself, and anything else with what it names.
func (c *console) search(v *visit) error {
	p := searchPage{Text: v.get("q")}
	if ask, ok := question(p.Text); ok {
		address, err := c.answer(v, ask)
		if err == nil {
			return v.see(address)
		}
		if patch.KindOf(err) == patch.Internal {
			return err
		}
		f := faultOf(err)
		p.Fault = &f
	}
	if err := c.find(v, &p); err != nil {
		return err
	}
	f, err := c.frame(v, "", "Search")
	if err != nil {
		return err
	}
	f.Query = p.Text
	return c.write(v, 200, "search", "layout", view[searchPage]{Frame: f, Body: p})
}

// whyHere is the question of a machine's own page: the search answers it.
func (c *console) whyHere(v *visit) error {
	return v.see("/search?q=" + url.QueryEscape("why is "+strings.TrimSpace(v.get("patch"))+" not on "+v.r.PathValue("machine")))
}

func (c *console) answer(v *visit, q asked) (string, error) {
	m, err := c.Explainer.Resolve(v.ctx, q.machine)
	if err != nil {
		return "", err
	}
	row, err := c.Explainer.ResolvePatch(v.ctx, q.patch, m.OS)
	if err != nil {
		return "", err
	}
	return explainURL(m.ID, row.ID), nil
}

func (c *console) find(v *visit, p *searchPage) error {
	if p.Text == "" {
		return nil
	}
	words := p.Text
	if ask, ok := question(p.Text); ok {
		words = ask.patch
	}
	roll, err := c.Roll(v.ctx)
	if err != nil {
		return err
	}
	for _, m := range roll.Machines {
		if !names(m.Machine, p.Text) {
			continue
		}
		if m.State != patch.Revoked {
			p.Found++
		}
		if len(p.Machines) < found {
			p.Machines = append(p.Machines, m.Machine)
		}
	}
	if p.Patches, p.Total, err = c.Records.SearchPatches(v.ctx, patch.PatchFilter{Text: words, Limit: found}); err != nil {
		return err
	}
	if p.CVE = strings.HasPrefix(strings.ToUpper(words), "CVE-"); p.CVE {
		for _, os := range roll.Fleet.OSes {
			counts, _, err := c.Ledger.PatchCounts(v.ctx, os.OS, ledger.RowFilter{Text: words, Closed: true, Limit: found, Quick: true})
			if err != nil && patch.KindOf(err) != patch.NotFound {
				return err
			}
			p.Counts = append(p.Counts, counts...)
		}
		if err := c.lacking(v, p); err != nil {
			return err
		}
	}
	labels, err := c.labelNames(v)
	if err != nil {
		return err
	}
	p.Labels = keep(labels, func(l string) bool { return contains(l, p.Text) })
	return nil
}

// lacking names the machines that lack one of the patches that mend the CVE.
func (c *console) lacking(v *visit, p *searchPage) error {
	p.whole = true
	seen := map[patch.MachineID]bool{}
	for _, n := range p.Counts {
		if n.Verdicts[patch.NotPatched] == 0 {
			continue
		}
		rows, summary, err := c.Ledger.PatchRows(v.ctx, n.Patch.ID, ledger.RowFilter{Verdicts: []patch.Verdict{patch.NotPatched}, Limit: found})
		if err != nil {
			return err
		}
		p.whole = p.whole && summary.Matching <= len(rows)
		for _, r := range rows {
			if !seen[r.Machine] {
				seen[r.Machine] = true
				p.Lacking = append(p.Lacking, r)
			}
		}
	}
	if len(p.Lacking) > found {
		p.Lacking, p.whole = p.Lacking[:found], false
	}
	return nil
}
