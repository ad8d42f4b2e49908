package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/plan"
)

// planPage is a deployment before it is applied: for whom, when, and exactly what it would do.
type planPage struct {
	Label, Machine string
	Patches        []patch.ID
	NotBefore      string // as typed
	NotAfter       string
	Manner         mannerForm
	Labels         []string
	Zone           string
	Plan           *patch.Plan
	planTable
	Fault *faultPage
	Moved bool       // the plan is not the one that was looked at
	Later string     // where the plan is, which a page about many machines does not wait for
	Whole string     // where the page waits for it: for a browser without scripts
	Many  int        // machines that the label has, where the page does not wait
	ask   url.Values // this page's own question, without a page number
}

func (c *console) newDeployment(v *visit) error {
	p, err := c.planForm(v)
	if err != nil {
		return err
	}
	many, err := c.many(v, &p)
	if err != nil {
		return err
	}
	if many && !v.partial() && v.get("part") != "whole" {
		p.Later = p.at("part", "plan", "page", v.get("page"), "left", v.get("left"))
		p.Whole = p.at("part", "whole", "page", v.get("page"), "left", v.get("left"))
		return show(c, v, "plan", "deployments", "Plan a deployment", p)
	}
	c.work(v, &p)
	if v.partial() {
		return showPart(c, v, "plan", "part", p)
	}
	return show(c, v, "plan", "deployments", "Plan a deployment", p)
}

// manyMachines is from how many machines on a page does not wait for what has to look at each of them.
const manyMachines = 200

// many reports whether a plan is about many machines.
func (c *console) many(v *visit, p *planPage) (bool, error) {
	if p.Machine != "" {
		return false, nil
	}
	m, err := c.Labels.Membership(v.ctx, p.Label)
	if patch.KindOf(err) == patch.NotFound {
		return false, nil // the plan says so
	}
	p.Many = len(m.Members)
	return p.Many > manyMachines, err
}

func (c *console) planForm(v *visit) (planPage, error) {
	p := planPage{Label: v.get("label"), Machine: v.get("machine"), NotBefore: v.get("not_before"), NotAfter: v.get("not_after"), Manner: v.mannerForm(), Zone: c.Now().In(c.Zone).Format("MST")}
	if p.Label == "" && p.Machine == "" {
		p.Label = patch.LabelAll
	}
	for _, s := range v.r.Form["patch"] {
		p.Patches = append(p.Patches, patch.ID(s))
	}
	p.ask = asking(v, "label", "machine", "patch", "not_before", "not_after", "hook_before", "hook_after", "not_while", "restart_service")
	var err error
	p.Labels, err = c.labelNames(v)
	return p, err
}

func (c *console) planRequest(p planPage) (plan.Request, error) {
	r := plan.Request{Label: p.Label, Patches: p.Patches}
	if p.Machine != "" {
		r.Label, r.Machines = "", []patch.MachineID{patch.MachineID(p.Machine)}
	}
	for _, b := range []struct {
		typed string
		to    *time.Time
	}{{p.NotBefore, &r.Window.NotBefore}, {p.NotAfter, &r.Window.NotAfter}} {
		if b.typed == "" {
			continue
		}
		t, err := time.ParseInLocation(typedTime, b.typed, c.Zone)
		if err != nil {
			return r, &patch.Error{Kind: patch.Invalid, What: "cannot read the window", Why: "each end must be a date and a time such as 2026-12-01T22:00, or empty"}
		}
		*b.to = t
	}
	var err error
	if r.Manner, err = p.Manner.manner(); err != nil {
		return r, err
	}
	if !r.Window.NotAfter.IsZero() && !r.Window.NotAfter.After(r.Window.NotBefore) {
		return r, &patch.Error{Kind: patch.Invalid, What: "the window ends before it starts", Do: "Choose a later end, or leave it empty."}
	}
	return r, nil
}

// work makes the plan, or says why there is none.
func (c *console) work(v *visit, p *planPage) {
	r, err := c.planRequest(*p)
	made, fault := c.planned(v, r, err)
	if fault != nil {
		p.Fault = fault
		return
	}
	p.Plan = &made
	p.which = v.get("left")
	p.fill(made)
	part := "plan"
	if v.get("part") == "whole" {
		part = "whole"
	}
	p.turn(v.offset(planRows), func(page string) string { return p.at("page", page, "part", part, "left", p.which) })
}

// planned makes the plan of a request that could be read, or says why there is none.
func (c *console) planned(v *visit, r plan.Request, unread error) (patch.Plan, *faultPage) {
	made, err := patch.Plan{}, unread
	if err == nil {
		made, err = c.Planner.Make(v.ctx, v.caller, r)
	}
	if err == nil {
		return made, nil
	}
	f := faultOf(err)
	if f.Status == http.StatusInternalServerError {
		c.Log.ErrorContext(v.ctx, "plan failed", "error", err)
	}
	return patch.Plan{}, &f
}

// outcomeCount is how many pairs of machine and patch a plan foretells the same of.
type outcomeCount struct {
	Outcome patch.Outcome
	Count   int
}

// Left reports whether it is about what a plan leaves out.
func (o outcomeCount) Left() bool {
	return !slices.Contains([]patch.Outcome{patch.WillInstall, patch.WillGoBack, patch.WillWait, patch.WillNotFit}, o.Outcome)
}

// Words says it for people.
func (o outcomeCount) Words() phrase.Phrase {
	switch o.Outcome {
	case patch.WillInstall:
		return "will be installed"
	case patch.WillWait:
		return "wait for their ring or turn, then come by themselves"
	case patch.WillNotFit:
		return "do not fit into the window and stay pending"
	case patch.IsPatched:
		return "are there already"
	case patch.DoesNotApply:
		return "do not apply"
	case patch.NeedsDecision:
		return "need a patch that nobody has decided about"
	}
	return "are blocked"
}

// seconds writes a foretold length of time: 45 s, 12 min, 1 h 5 min.
func seconds(n int) string {
	switch {
	case n < 90:
		return fmt.Sprintf("%d s", n)
	case n < 90*60:
		return fmt.Sprintf("%d min", (n+30)/60)
	}
	return fmt.Sprintf("%d h %d min", n/3600, n%3600/60)
}

// applyDeployment applies exactly the plan that was looked at: it is made again, and where it is another one it is shown instead.
func (c *console) applyDeployment(v *visit) error {
	p, err := c.planForm(v)
	if err != nil {
		return err
	}
	c.work(v, &p)
	if p.Plan == nil {
		return c.planAgain(v, http.StatusBadRequest, p)
	}
	if string(p.Plan.Hash) != v.get("hash") {
		p.Moved = true
		return c.planAgain(v, http.StatusConflict, p)
	}
	d, err := c.Deployments.Apply(v.ctx, v.caller, *p.Plan)
	if err == nil {
		c.Changed()
		return v.see(deploymentURL(d.ID))
	}
	f := faultOf(err)
	if f.Status == http.StatusInternalServerError {
		return err
	}
	p.Fault = &f
	return c.planAgain(v, f.Status, p)
}

func (c *console) planAgain(v *visit, status int, p planPage) error {
	frame, err := c.frame(v, "deployments", "Plan a deployment")
	if err != nil {
		return err
	}
	return c.write(v, status, "plan", "layout", view[planPage]{Frame: frame, Body: p})
}
