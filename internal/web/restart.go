package web

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/plan"
)

// restartPage is a plan of restarts alone before it is applied: which machines restart, how, and which do not.
type restartPage struct {
	planPage
	How, Deadline string // as chosen and typed
}

// rebootPolicy reads how machines are restarted: a mode, and for asking a deadline in hours, or none. What cannot be done without it is what a fault says.
func rebootPolicy(what phrase.Phrase, mode, deadline string) (*patch.RebootPolicy, error) {
	p := &patch.RebootPolicy{Mode: patch.RebootMode(mode)}
	n, err := strconv.Atoi(deadline)
	if deadline != "" && err != nil {
		return nil, &patch.Error{Kind: patch.Invalid, What: what, Why: phrase.Of(`"{1}" is not a number of hours`, phrase.Quoted(deadline))}
	}
	p.Deadline = patch.Number(n * 60)
	return p, nil
}

func (c *console) restartPage(v *visit) error {
	p, err := c.restartForm(v)
	if err != nil {
		return err
	}
	c.workRestarts(v, &p)
	if v.partial() {
		return showPart(c, v, "restart", "part", p)
	}
	return show(c, v, "restart", "deployments", "Restart machines", p)
}

func (c *console) restartForm(v *visit) (restartPage, error) {
	form, err := c.planForm(v)
	p := restartPage{planPage: form, How: v.get("reboot"), Deadline: strings.TrimSpace(v.get("deadline"))}
	p.Patches, p.Manner = nil, mannerForm{}
	if p.How == "" {
		p.How = string(patch.RebootIfNeeded)
	}
	if p.How != string(patch.RebootAsk) {
		p.Deadline = ""
	}
	p.ask = asking(v, "label", "machine", "not_before", "not_after", "reboot", "deadline")
	return p, err
}

func (c *console) restartRequest(p restartPage) (plan.Request, error) {
	r, err := c.planRequest(p.planPage)
	if err == nil {
		r.Restarts = true
		r.Reboot, err = rebootPolicy("cannot plan the restarts", p.How, p.Deadline)
	}
	return r, err
}

// workRestarts makes the plan, or says why there is none.
func (c *console) workRestarts(v *visit, p *restartPage) {
	r, err := c.restartRequest(*p)
	made, fault := c.planned(v, r, err)
	if fault != nil {
		p.Fault = fault
		return
	}
	p.Plan = &made
	p.fill(made)
	p.turn(v.offset(planRows), func(page string) string { return "/restart?" + changed(p.ask, "page", page) })
}

// Page is the machines that a plan of restarts shows on one page, also where it is of one alone.
func (p restartPage) Page() []planMachine {
	if p.Only != nil {
		return []planMachine{{MachinePlan: *p.Only}}
	}
	return p.Rows
}

// restartMachines applies exactly the restarts that were looked at.
func (c *console) restartMachines(v *visit) error {
	p, err := c.restartForm(v)
	if err != nil {
		return err
	}
	c.workRestarts(v, &p)
	if p.Plan == nil {
		return c.restartAgain(v, http.StatusBadRequest, p)
	}
	if string(p.Plan.Hash) != v.get("hash") {
		p.Moved = true
		return c.restartAgain(v, http.StatusConflict, p)
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
	return c.restartAgain(v, f.Status, p)
}

func (c *console) restartAgain(v *visit, status int, p restartPage) error {
	frame, err := c.frame(v, "deployments", "Restart machines")
	if err != nil {
		return err
	}
	return c.write(v, status, "restart", "layout", view[restartPage]{Frame: frame, Body: p})
}
