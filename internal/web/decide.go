package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/approval"
	"github.com/fettle-project/fettle/internal/patch"
)

// decidePage is a decision as a sentence that is being built, and its consequence.
type decidePage struct {
	Verb    string
	Label   string
	Until   string // as typed
	Owner   string // of a hold
	Why     string
	Patches []patch.ID
	Labels  []string
	Preview *approval.Preview
	Fault   *faultPage       // why there is no preview, or why the decision was not taken
	Moved   bool             // the sentence is not the one whose consequence was seen
	AsOf    string           // the moment from which the page speaks
	Others  []patch.Decision // what others have decided about these patches since
	Verbs   []string
	Zone    string
}

// List is the chosen patches as one field of a form.
func (p decidePage) List() string {
	var b strings.Builder
	for _, id := range p.Patches {
		b.WriteString(string(id))
		b.WriteByte('\n')
	}
	return b.String()
}

// Seen names the sentence whose consequence the page shows, so that no other one can be decided unseen.
func (p decidePage) Seen() string {
	s := p.Verb + " " + strconv.Itoa(len(p.Patches)) + " for " + p.Label
	if p.Verb == string(patch.Hold) {
		s += " until " + p.Until
	}
	return s
}

// Adds is what the chosen patches need, as one field of a form.
func (p decidePage) Adds() string {
	var b strings.Builder
	for _, id := range p.Preview.Adds {
		b.WriteString(string(id) + "\n")
	}
	return b.String()
}

// Tally is the consequence added up over all host OSes.
func (p decidePage) Tally() approval.Tally { return p.Preview.Total() }

const typedTime = "2006-01-02T15:04"

// decidePage opens the sentence with what was chosen.
func (c *console) decidePage(v *visit) error {
	p, err := c.decideForm(v)
	if err != nil {
		return err
	}
	if len(p.Patches) > 0 {
		c.preview(v, &p)
	}
	return show(c, v, "decide", "patches", "Decide", p)
}

// decidePreview says what the sentence would do, as it stands now. It changes nothing.
func (c *console) decidePreview(v *visit) error {
	p, err := c.decideForm(v)
	if err != nil {
		return err
	}
	if len(p.Patches) == 0 && v.partial() {
		return showPart(c, v, "decide", "says", p)
	}
	c.preview(v, &p)
	if v.partial() && v.get("part") == "says" {
		return showPart(c, v, "decide", "says", p)
	}
	if v.partial() {
		return showPart(c, v, "decide", "change", p)
	}
	return show(c, v, "decide", "patches", "Decide", p)
}

// decide takes the decision. What fails leaves the sentence as it was typed.
func (c *console) decide(v *visit) error {
	p, err := c.decideForm(v)
	if err != nil {
		return err
	}
	if p.Verb != string(patch.Clear) && v.get("seen") != p.Seen() {
		p.Moved = true
		c.preview(v, &p)
		return c.decideAgain(v, http.StatusConflict, p)
	}
	if p.Others, err = c.meanwhile(v, p); err != nil {
		return err
	}
	if len(p.Others) > 0 {
		p.AsOf = stampOf(c.Now())
		c.preview(v, &p)
		return c.decideAgain(v, http.StatusConflict, p)
	}
	r, err := c.request(p)
	var made approval.Outcome
	if err == nil {
		made, err = c.Approvals.Submit(v.ctx, v.caller, r)
	}
	if err != nil {
		f := faultOf(err)
		if f.Status == http.StatusInternalServerError {
			return err
		}
		c.preview(v, &p)
		p.Fault = &f
		return c.decideAgain(v, f.Status, p)
	}
	c.Changed()
	taken := made.Decisions
	if made.Proposal != nil {
		return v.see("/proposals")
	}
	if r.Verb == patch.Clear || len(taken) == 0 {
		return v.see(patchURL(r.Patches[0]))
	}
	q := url.Values{"label": {r.Label}, "at": {strconv.FormatInt(taken[0].At.UnixMicro(), 10)}}
	return v.see("/decided?" + q.Encode())
}

func stampOf(t time.Time) string { return strconv.FormatInt(t.UnixMicro(), 10) }

// meanwhile finds what others have decided about the same patches since the page was made: two people who act at once learn of each other.
func (c *console) meanwhile(v *visit, p decidePage) ([]patch.Decision, error) {
	since, err := strconv.ParseInt(p.AsOf, 10, 64)
	if err != nil {
		return nil, nil //nolint:nilerr // a form of somebody's own, which saw nothing
	}
	about := map[patch.ID]bool{}
	for _, id := range p.Patches {
		about[id] = true
	}
	all, err := c.Records.ListDecisions(v.ctx, patch.DecisionFilter{Cleared: true})
	return keep(all, func(d patch.Decision) bool {
		return about[d.Patch] && d.At.UnixMicro() > since && d.By != v.caller.Name
	}), err
}

// decideAgain shows the sentence once more, as it was typed.
func (c *console) decideAgain(v *visit, status int, p decidePage) error {
	frame, err := c.frame(v, "patches", "Decide")
	if err != nil {
		return err
	}
	return c.write(v, status, "decide", "layout", view[decidePage]{Frame: frame, Body: p})
}

// decideForm reads the sentence: patches one by one, as one list, or as everything that a filter of the patches page matches.
func (c *console) decideForm(v *visit) (decidePage, error) {
	if err := v.r.ParseForm(); err != nil {
		return decidePage{}, &patch.Error{Kind: patch.Invalid, What: "cannot read the form", Why: patch.Said(err)}
	}
	p := decidePage{Verb: v.get("verb"), Label: v.get("label"), Until: v.get("until"), Owner: v.get("owner"), Why: v.get("why"),
		Verbs: []string{string(patch.Approve), string(patch.Decline), string(patch.Hold), string(patch.Clear)}, Zone: c.Now().In(c.Zone).Format("MST")}
	if p.AsOf = v.get("as_of"); p.AsOf == "" || v.r.Method == http.MethodGet {
		p.AsOf = stampOf(c.Now())
	}
	if p.Verb == "" {
		p.Verb = string(patch.Approve)
	}
	if p.Label == "" {
		p.Label = patch.LabelAll
	}
	if p.Until == "" {
		p.Until = c.Now().In(c.Zone).AddDate(0, 0, 7).Format("2006-01-02") + "T08:00"
	}
	kept, err := c.keptList(v.get("list"))
	if err != nil {
		return p, err
	}
	seen := map[string]bool{}
	for _, s := range slices.Concat(strings.Fields(v.get("patches")), strings.Fields(kept), v.r.Form["patch"], strings.Fields(v.get("add"))) {
		if !seen[s] {
			seen[s] = true
			p.Patches = append(p.Patches, patch.ID(s))
		}
	}
	if p.Labels, err = c.labelNames(v); err != nil {
		return p, err
	}
	if v.get("whole") != "" || len(p.Patches) == 0 && v.get("os") != "" {
		p.Patches, err = c.matching(v)
	}
	return p, err
}

// matching is every patch that a filter of the patches page selects now.
func (c *console) matching(v *visit) ([]patch.ID, error) {
	for _, s := range patchShows {
		if s.name != v.get("show") {
			continue
		}
		roll, err := c.Roll(v.ctx)
		if err != nil {
			return nil, err
		}
		f := s.filter
		f.Waiting = roll.Waiting
		f.Text, f.Category, f.Severity, f.Quick = v.get("q"), patch.Category(v.get("category")), patch.Severity(v.get("severity")), true
		rows, _, err := c.Ledger.PatchCounts(v.ctx, patch.HostOS(v.get("os")), f)
		if err != nil {
			return nil, err
		}
		ids := make([]patch.ID, 0, len(rows))
		for _, r := range rows {
			ids = append(ids, r.Patch.ID)
		}
		return ids, nil
	}
	return nil, patch.Errorf(patch.Invalid, "no list of patches is called %q", v.get("show"))
}

func (c *console) request(p decidePage) (approval.Request, error) {
	r := approval.Request{Patches: p.Patches, Label: p.Label, Verb: patch.Verb(p.Verb), Why: strings.TrimSpace(p.Why)}
	if len(r.Patches) == 0 {
		return r, &patch.Error{Kind: patch.Invalid, What: "no patch is chosen", Do: "Choose patches on the Patches page, or open one patch."}
	}
	if r.Verb != patch.Hold {
		return r, nil
	}
	t, err := time.ParseInLocation(typedTime, p.Until, c.Zone)
	if err != nil {
		return r, &patch.Error{Kind: patch.Invalid, What: "cannot read the time until which to hold", Why: "it must be a date and a time such as 2026-12-01T08:00"}
	}
	r.Until, r.Owner = t, p.Owner
	return r, nil
}

// preview fills the consequence, or says why there is none.
func (c *console) preview(v *visit, p *decidePage) {
	r, err := c.request(*p)
	if err == nil {
		var out approval.Preview
		if out, err = c.Approvals.Preview(v.ctx, r); err == nil {
			p.Preview = &out
			return
		}
	}
	f := faultOf(err)
	if f.Status == http.StatusInternalServerError {
		c.Log.ErrorContext(v.ctx, "preview failed", "error", err)
	}
	p.Fault = &f
}

// decidedPage says what was just decided, as it is stored, and offers to take it back.
type decidedPage struct {
	Label     string
	Verb      patch.Verb
	Decisions []patch.Decision
}

// List is the decided patches as one field of a form.
func (p decidedPage) List() string {
	var b strings.Builder
	for _, d := range p.Decisions {
		b.WriteString(string(d.Patch) + "\n")
	}
	return b.String()
}

// decided shows the decisions that were taken together at one moment, with the way back.
func (c *console) decided(v *visit) error {
	p := decidedPage{Label: v.get("label")}
	at, err := strconv.ParseInt(v.get("at"), 10, 64)
	if err != nil {
		return &patch.Error{Kind: patch.Invalid, What: "this address does not name a decision", Do: "Look at the patch's page for its decisions."}
	}
	list, err := c.Records.ListDecisions(v.ctx, patch.DecisionFilter{Label: p.Label})
	if err != nil {
		return err
	}
	p.Decisions = keep(list, func(d patch.Decision) bool { return d.At.UnixMicro() == at && d.Label == p.Label })
	if len(p.Decisions) > 0 {
		p.Verb = p.Decisions[0].Verb
	}
	return show(c, v, "decided", "patches", "Decided", p)
}
