package web

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/fettle-project/fettle/internal/approval"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// rulesPage lists the rules that decide for people, and takes a new one.
type rulesPage struct {
	Rules  []patch.Rule
	Labels []string
	Sets   []string // labels of patches
	Rings  []string // that patches can pass: not what is left behind the last
	Form   ruleForm
}

// ruleForm is a rule as it was typed, and what its check said.
type ruleForm struct {
	Name, Label, Verb, Expr, AfterRing, Soak, Note, Patches string
	Look                                                    *approval.Outlook
	Fault                                                   *faultPage
}

func (c *console) rules(v *visit) error {
	return c.rulesAgain(v, http.StatusOK, ruleForm{Label: patch.LabelAll, Verb: string(patch.Approve), Soak: "0", Expr: `patch.category == "security"`})
}

func (c *console) rulesAgain(v *visit, status int, f ruleForm) (err error) {
	p := rulesPage{Form: f}
	if p.Rules, err = c.Rules.List(v.ctx); err != nil {
		return err
	}
	if p.Labels, err = c.labelNames(v); err != nil {
		return err
	}
	if p.Sets, err = c.patchSets(v); err != nil {
		return err
	}
	rings, err := c.Records.ListRings(v.ctx)
	if err != nil {
		return err
	}
	for _, r := range rings {
		p.Rings = append(p.Rings, r.Name)
	}
	frame, err := c.frame(v, "rules", "Rules")
	if err != nil {
		return err
	}
	return c.write(v, status, "rules", "layout", view[rulesPage]{Frame: frame, Body: p})
}

func (v *visit) ruleForm() ruleForm {
	return ruleForm{Name: strings.TrimSpace(v.get("name")), Label: v.get("label"), Verb: v.get("verb"), Expr: strings.TrimSpace(v.get("expr")), AfterRing: v.get("after_ring"), Soak: strings.TrimSpace(v.get("soak")), Note: v.get("note"), Patches: v.get("patches")}
}

// rule is what was typed.
func (f ruleForm) rule() (patch.Rule, error) {
	days, err := strconv.Atoi(f.Soak)
	if f.Soak != "" && err != nil {
		return patch.Rule{}, &patch.Error{Kind: patch.Invalid, What: "cannot use the rule", Why: phrase.Of(`"{1}" is not a number of days`, phrase.Quoted(f.Soak))}
	}
	return patch.Rule{Name: f.Name, Label: f.Label, Verb: patch.Verb(f.Verb), Expr: f.Expr, AfterRing: f.AfterRing, SoakDays: days, Note: f.Note, Patches: f.Patches}, nil
}

// patchSets lists the labels of patches.
func (c *console) patchSets(v *visit) ([]string, error) {
	list, err := c.Labels.Sizes(v.ctx)
	var names []string
	for _, l := range list {
		if l.Label.Of == patch.OfPatches {
			names = append(names, l.Label.Name)
		}
	}
	return names, err
}

// checkRule says what a rule would decide, now and later. It changes nothing.
func (c *console) checkRule(v *visit) error {
	f := v.ruleForm()
	r, err := f.rule()
	if err == nil {
		var look approval.Outlook
		if look, err = c.Rules.Look(v.ctx, r); err == nil {
			f.Look = &look
		}
	}
	if err != nil {
		p := faultOf(err)
		if p.Status == http.StatusInternalServerError {
			return err
		}
		f.Fault = &p
	}
	return c.rulesAgain(v, http.StatusOK, f)
}

// putRule stores a rule and carries it out. What fails keeps what was typed.
func (c *console) putRule(v *visit) error {
	f := v.ruleForm()
	r, err := f.rule()
	if err == nil {
		_, err = c.Rules.Put(v.ctx, v.caller, r)
	}
	if err == nil {
		c.Changed()
		return v.see("/rules")
	}
	p := faultOf(err)
	if p.Status == http.StatusInternalServerError {
		return err
	}
	f.Fault = &p
	return c.rulesAgain(v, p.Status, f)
}

func (c *console) removeRule(v *visit) error {
	if _, err := c.Rules.Remove(v.ctx, v.caller, v.r.PathValue("rule"), v.get("take_back") == "yes"); err != nil {
		return err
	}
	c.Changed()
	return v.see("/rules")
}
