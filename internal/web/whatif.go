package web

import (
	"net/http"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/whatif"
)

// whatIfPage is what a change would do, before anybody makes it.
type whatIfPage struct {
	Answer *whatif.Answer
	Fault  *faultPage
}

// whatIf compares the plan before and after the change that a form describes. It changes nothing.
func (c *console) whatIf(v *visit) error {
	var p whatIfPage
	change, err := c.supposed(v)
	if err == nil {
		var a whatif.Answer
		if a, err = c.WhatIf.Ask(v.ctx, change); err == nil {
			p.Answer = &a
		}
	}
	status := http.StatusOK
	if err != nil {
		f := faultOf(err)
		if f.Status == http.StatusInternalServerError {
			return err
		}
		p.Fault, status = &f, f.Status
	}
	if v.partial() {
		return showPart(c, v, "what-if", "diff", p)
	}
	frame, err := c.frame(v, "patches", "What if")
	if err != nil {
		return err
	}
	return c.write(v, status, "what-if", "layout", view[whatIfPage]{Frame: frame, Body: p})
}

// supposed reads the change out of the form that asks.
func (c *console) supposed(v *visit) (out whatif.Change, err error) {
	switch v.get("about") {
	case "decision":
		p, err := c.decideForm(v)
		if err != nil {
			return out, err
		}
		r, err := c.request(p)
		if err != nil {
			return out, err
		}
		out.Decide, err = c.Approvals.Draft(v.ctx, v.caller.Name, r)
		return out, err
	case "label":
		f := v.labelForm()
		l := patch.Label{Name: f.Name, Of: patch.LabelOf(f.Of), Note: f.Note}
		out.Label = &l
		return out, c.fill(v, &l, f)
	case "rule":
		r, err := v.ruleForm().rule()
		out.Rule = &r
		return out, err
	case "schedule":
		s, err := v.scheduleForm().schedule()
		out.Schedule = &s
		return out, err
	case "blackout":
		b, err := c.Freezes.DraftBlackout(v.ctx, v.caller, v.blackoutDraft())
		out.Blackout = &b
		return out, err
	case "remove-label":
		return whatif.Change{RemoveLabel: strings.TrimSpace(v.get("name"))}, nil
	}
	return out, patch.Errorf(patch.Invalid, "it is not said what is supposed")
}
