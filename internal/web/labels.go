package web

import (
	"net/http"
	"strings"

	"github.com/fettle-project/fettle/internal/label"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
)

// labelsPage lists the labels and takes a new one.
type labelsPage struct {
	List []label.Membership
	Form labelForm
}

// labelForm is a label as it was typed, and what its check said.
type labelForm struct {
	Name, Note, Kind, Expr string
	Members                string
	Try                    *label.Membership
	Names                  map[patch.MachineID]string
	Fault                  *faultPage
}

func (c *console) labels(v *visit) error {
	list, err := c.Labels.List(v.ctx)
	if err != nil {
		return err
	}
	return show(c, v, "labels", "labels", "Labels", labelsPage{List: list, Form: labelForm{Kind: "smart"}})
}

func (v *visit) labelForm() labelForm {
	return labelForm{Name: strings.TrimSpace(v.get("name")), Note: v.get("note"), Kind: v.get("kind"), Expr: v.get("expr"), Members: v.get("members")}
}

// checkLabel says which machines a smart label would have now. It changes nothing.
func (c *console) checkLabel(v *visit) error {
	f := v.labelForm()
	if err := c.tryLabel(v, &f); err != nil {
		return err
	}
	if v.partial() {
		return showPart(c, v, "labels", "try", labelsPage{Form: f})
	}
	return c.labelsAgain(v, http.StatusOK, f)
}

func (c *console) tryLabel(v *visit, f *labelForm) error {
	if strings.TrimSpace(f.Expr) == "" {
		return nil
	}
	m, err := c.Labels.Try(v.ctx, f.Expr)
	if err != nil {
		if patch.KindOf(err) == patch.Internal {
			return err
		}
		p := faultOf(err)
		f.Fault = &p
		return nil
	}
	f.Try = &m
	f.Names, err = c.names(v)
	return err
}

// names gives every machine's name.
func (c *console) names(v *visit) (map[patch.MachineID]string, error) {
	all, err := c.Records.ListMachines(v.ctx, patch.MachineFilter{})
	if err != nil {
		return nil, err
	}
	names := make(map[patch.MachineID]string, len(all))
	for _, m := range all {
		names[m.ID] = m.Name
	}
	return names, nil
}

func (c *console) labelsAgain(v *visit, status int, f labelForm) error {
	list, err := c.Labels.List(v.ctx)
	if err != nil {
		return err
	}
	frame, err := c.frame(v, "labels", "Labels")
	if err != nil {
		return err
	}
	return c.write(v, status, "labels", "layout", view[labelsPage]{Frame: frame, Body: labelsPage{List: list, Form: f}})
}

// putLabel stores a label. What fails keeps what was typed.
func (c *console) putLabel(v *visit) error {
	f := v.labelForm()
	l := patch.Label{Name: f.Name, Note: f.Note}
	err := c.fill(v, &l, f)
	if err == nil {
		err = c.Labels.Put(v.ctx, v.caller, l)
	}
	if err == nil {
		c.Changed()
		return v.see(labelURL(l.Name))
	}
	p := faultOf(err)
	if p.Status == http.StatusInternalServerError {
		return err
	}
	f.Fault = &p
	return c.labelsAgain(v, p.Status, f)
}

// fill turns what was typed into a label's members or its expression; machines are found by what people call them.
func (c *console) fill(v *visit, l *patch.Label, f labelForm) error {
	if f.Kind != "hand" {
		l.Expr = strings.TrimSpace(f.Expr)
		if l.Expr == "" {
			return &patch.Error{Kind: patch.Invalid, What: "a smart label needs an expression", Do: `Write one such as  machine.name.startsWith("web-")  or choose machines by hand.`}
		}
		return nil
	}
	for _, name := range strings.FieldsFunc(f.Members, func(r rune) bool { return r == ',' || r == '\n' || r == '\r' || r == ' ' }) {
		m, err := c.Explainer.Resolve(v.ctx, name)
		if err != nil {
			return err
		}
		l.Members = append(l.Members, m.ID)
	}
	if len(l.Members) == 0 {
		return &patch.Error{Kind: patch.Invalid, What: "a label by hand needs at least one machine", Do: "Write their names, one a line."}
	}
	return nil
}

// labelPage is one label and who carries it now.
type labelPage struct {
	Membership label.Membership
	Rows       []ledger.MachineRow
	Names      map[patch.MachineID]string
	Decisions  []patch.Decision
	Pager      pager
}

func (c *console) label(v *visit) error {
	m, err := c.Labels.Membership(v.ctx, v.r.PathValue("label"))
	if err != nil {
		return err
	}
	p := labelPage{Membership: m}
	if p.Names, err = c.names(v); err != nil {
		return err
	}
	all, err := c.Ledger.Machines(v.ctx, patch.MachineFilter{})
	if err != nil {
		return err
	}
	in := map[patch.MachineID]bool{}
	for _, id := range m.Members {
		in[id] = true
	}
	rows := keep(all, func(r ledger.MachineRow) bool { return in[r.ID] })
	at := v.offset(machinesSize)
	p.Rows = page(rows, at, machinesSize)
	p.Pager = v.pager(at, machinesSize, len(p.Rows), len(rows))
	if p.Decisions, err = c.Records.ListDecisions(v.ctx, patch.DecisionFilter{Label: m.Label.Name}); err != nil {
		return err
	}
	return show(c, v, "label", "labels", "Label "+m.Label.Name, p)
}

func (c *console) removeLabel(v *visit) error {
	if err := c.Labels.Remove(v.ctx, v.caller, v.r.PathValue("label")); err != nil {
		return err
	}
	c.Changed()
	return v.see("/labels")
}
