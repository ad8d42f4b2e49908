package web

import (
	"net/http"
	"net/url"
	"time"

	"github.com/fettle-project/fettle/internal/deploy"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/plan"
)

// rollbackPage is a rollback before it is applied: what goes back, where, and what is left behind.
type rollbackPage struct {
	planPage
	Deployment string
	Patch      patch.ID
	Why        string
	Keep       bool   // hold the patches afterwards
	Until      string // as typed
}

const (
	typedDay = "2006-01-02"
	// unsaid stands for the reason in the plan that is looked at, so that its hash is the same before and after somebody typed one.
	unsaid = "–"
)

func (c *console) rollbackPage(v *visit) error {
	p, err := c.rollbackForm(v)
	if err != nil {
		return err
	}
	many, err := c.manyBack(v, &p)
	if err != nil {
		return err
	}
	if many && v.get("part") != "plan" {
		p.Later = p.at("part", "plan")
		return show(c, v, "rollback", "deployments", "Roll back", p)
	}
	c.workBack(v, &p)
	if v.partial() {
		return showPart(c, v, "rollback", "part", p)
	}
	return show(c, v, "rollback", "deployments", "Roll back", p)
}

func (c *console) rollbackForm(v *visit) (rollbackPage, error) {
	p := rollbackPage{Deployment: v.get("deployment"), Patch: patch.ID(v.get("patch")), Why: v.get("why"), Keep: v.get("keep") != "no", Until: v.get("until")}
	p.Label, p.Machine = v.get("label"), v.get("machine")
	if p.Label == "" && p.Machine == "" && p.Deployment == "" {
		p.Label = patch.LabelAll
	}
	if p.Until == "" {
		p.Until = c.Now().In(c.Zone).Add(patch.HoldAfterRollback).Format(typedDay)
	}
	p.ask = asking(v, "deployment", "label", "machine", "patch", "keep", "until")
	var err error
	p.Labels, err = c.labelNames(v)
	return p, err
}

// at is the address of this rollback with some of its questions changed.
func (p rollbackPage) at(pairs ...string) string { return "/rollback?" + changed(p.ask, pairs...) }

// On is the address of the rollback on one of its machines.
func (p rollbackPage) On(m patch.MachineID) string {
	return p.at("label", "", "machine", string(m))
}

// manyBack reports whether a rollback is about many machines, so that a page does not wait for its plan.
func (c *console) manyBack(v *visit, p *rollbackPage) (bool, error) {
	if p.Deployment == "" {
		return c.many(v, &p.planPage)
	}
	d, _, err := c.Deployments.WatchPart(v.ctx, p.Deployment, deploy.Part{})
	if patch.KindOf(err) == patch.NotFound {
		return false, nil // the plan says so
	}
	p.Many = d.Counts.Total
	return p.Machine == "" && p.Many > manyMachines, err
}

func (c *console) rollbackRequest(p rollbackPage) (plan.Request, error) {
	r := plan.Request{Label: p.Label, Rollback: &patch.Rollback{Deployment: p.Deployment, Why: unsaid}}
	if p.Machine != "" {
		r.Label, r.Machines = "", []patch.MachineID{patch.MachineID(p.Machine)}
	}
	if p.Patch != "" {
		r.Patches = []patch.ID{p.Patch}
	}
	if p.Keep {
		t, err := time.ParseInLocation(typedDay, p.Until, c.Zone)
		if err != nil {
			return r, &patch.Error{Kind: patch.Invalid, What: "cannot read until when it is held", Why: "it must be a date such as 2026-12-01"}
		}
		r.Rollback.HoldUntil = t.UTC()
	}
	return r, nil
}

// workBack makes the plan, or says why there is none.
func (c *console) workBack(v *visit, p *rollbackPage) {
	r, err := c.rollbackRequest(*p)
	made, fault := c.planned(v, r, err)
	if fault != nil {
		p.Fault = fault
		return
	}
	p.Plan = &made
	p.fill(made)
	p.turn(v.offset(planRows), func(page string) string { return p.at("page", page, "part", "plan") })
}

// rollBack applies exactly the rollback that was looked at, with the reason for it.
func (c *console) rollBack(v *visit) error {
	p, err := c.rollbackForm(v)
	if err != nil {
		return err
	}
	c.workBack(v, &p)
	if p.Plan == nil {
		return c.rollbackAgain(v, http.StatusBadRequest, p)
	}
	if string(p.Plan.Hash) != v.get("hash") {
		p.Moved = true
		return c.rollbackAgain(v, http.StatusConflict, p)
	}
	made := *p.Plan
	r, err := c.rollbackRequest(p)
	if err != nil {
		return err
	}
	r.Rollback.Why = p.Why
	made.Rollback = r.Rollback
	made.Hash = plan.Hash(made)
	d, err := c.Deployments.Apply(v.ctx, v.caller, made)
	if err == nil {
		c.Changed()
		if d.Proposal != nil {
			return v.see("/proposals")
		}
		return v.see(deploymentURL(d.ID))
	}
	f := faultOf(err)
	if f.Status == http.StatusInternalServerError {
		return err
	}
	p.Fault = &f
	return c.rollbackAgain(v, f.Status, p)
}

func (c *console) rollbackAgain(v *visit, status int, p rollbackPage) error {
	frame, err := c.frame(v, "deployments", phrase.Phrase("Roll back"))
	if err != nil {
		return err
	}
	return c.write(v, status, "rollback", "layout", view[rollbackPage]{Frame: frame, Body: p})
}

// rollbackURL is the page that offers to take a patch back from all that have it.
func rollbackURL(id patch.ID) string {
	return "/rollback?" + url.Values{"patch": {string(id)}}.Encode()
}
