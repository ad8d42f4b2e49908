package web

import (
	"net/http"
	"strings"

	"github.com/fettle-project/fettle/internal/expr"
	"github.com/fettle-project/fettle/internal/label"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// labelsPage lists the labels and takes a new one.
type labelsPage struct {
	List []label.Size
	Form labelForm
}

// labelForm is a label as it was typed, and what its check said.
type labelForm struct {
	Name, Note, Kind, Expr string
	Of                     string // "patches"; empty: machines
	Members                string
	Trial                  *label.Trial
	Fault                  *faultPage
}

// piece is a line of an expression that was taken apart.
type piece struct {
	Depth int
	expr.Part
}

// lookedAt is one machine or patch with the pieces of the expression, in reading order.
type lookedAt struct {
	label.Looked
	Pieces []piece
}

// Looked are those that the trial looked into.
func (f labelForm) Looked() []lookedAt {
	var out []lookedAt
	for _, l := range f.Trial.Looked {
		x := lookedAt{Looked: l}
		if l.Part.Text != "" {
			x.Pieces = pieces(l.Part, 0, nil)
		}
		out = append(out, x)
	}
	return out
}

// deepest is how far pieces are indented.
const deepest = 6

func pieces(p expr.Part, depth int, found []piece) []piece {
	found = append(found, piece{min(depth, deepest), p})
	for _, x := range p.Parts {
		found = pieces(x, depth+1, found)
	}
	return found
}

func (c *console) labels(v *visit) error {
	list, err := c.Labels.Sizes(v.ctx)
	if err != nil {
		return err
	}
	return show(c, v, "labels", "labels", "Labels", labelsPage{List: list, Form: labelForm{Kind: "smart"}})
}

func (v *visit) labelForm() labelForm {
	return labelForm{Name: strings.TrimSpace(v.get("name")), Note: v.get("note"), Kind: v.get("kind"), Of: v.get("of"), Expr: v.get("expr"), Members: v.get("members")}
}

// checkLabel says which machines or patches a smart label would have now, and why. It changes nothing.
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
	t, err := c.Labels.Test(v.ctx, label.Probe{Expr: f.Expr, Of: patch.LabelOf(f.Of)})
	if err != nil {
		if patch.KindOf(err) == patch.Internal {
			return err
		}
		p := faultOf(err)
		f.Fault = &p
		return nil
	}
	f.Trial = &t
	return nil
}

// names gives every machine's name.
func (c *console) names(v *visit) (map[patch.MachineID]string, error) {
	roll, err := c.Roll(v.ctx)
	if err != nil {
		return nil, err
	}
	names := make(map[patch.MachineID]string, len(roll.Machines))
	for _, m := range roll.Machines {
		names[m.ID] = m.Name
	}
	return names, nil
}

func (c *console) labelsAgain(v *visit, status int, f labelForm) error {
	list, err := c.Labels.Sizes(v.ctx)
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
	l := patch.Label{Name: f.Name, Of: patch.LabelOf(f.Of), Note: f.Note, CreatedAt: c.Now().UTC(), CreatedBy: v.caller.Name}
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
		if l.Of == patch.OfPatches {
			row, err := c.Explainer.ResolvePatch(v.ctx, name, "")
			if err != nil {
				return err
			}
			l.Patches = append(l.Patches, row.ID)
			continue
		}
		m, err := c.Explainer.Resolve(v.ctx, name)
		if err != nil {
			return err
		}
		l.Members = append(l.Members, m.ID)
	}
	if len(l.Members)+len(l.Patches) == 0 {
		return &patch.Error{Kind: patch.Invalid, What: "a label by hand needs at least one machine or patch", Do: "Write their names, one a line."}
	}
	return nil
}

// labelPage is one label and who carries it now.
type labelPage struct {
	Membership label.Membership
	Rows       []*ledger.MachineRow
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
	roll, err := c.Roll(v.ctx)
	if err != nil {
		return err
	}
	in := map[patch.MachineID]bool{}
	for _, id := range m.Members {
		in[id] = true
	}
	var rows []*ledger.MachineRow
	for i := range roll.Machines {
		if m := &roll.Machines[i]; in[m.ID] {
			rows = append(rows, m)
		}
	}
	at := v.offset(machinesSize)
	p.Rows = page(rows, at, machinesSize)
	p.Pager = v.pager(at, machinesSize, len(p.Rows), len(rows))
	if p.Decisions, err = c.Records.ListDecisions(v.ctx, patch.DecisionFilter{Label: m.Label.Name}); err != nil {
		return err
	}
	return show(c, v, "label", "labels", phrase.Of("Label {1}", m.Label.Name), p)
}

func (c *console) removeLabel(v *visit) error {
	if err := c.Labels.Remove(v.ctx, v.caller, v.r.PathValue("label")); err != nil {
		return err
	}
	c.Changed()
	return v.see("/labels")
}
