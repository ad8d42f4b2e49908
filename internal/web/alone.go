package web

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// addToLabel puts a machine into a label that is made by hand, and goes back to where that was asked.
func (c *console) addToLabel(v *visit) error {
	m, err := c.Records.FindMachine(v.ctx, patch.MachineID(v.get("machine")))
	if err != nil {
		return err
	}
	if _, err := c.join(v, v.r.PathValue("label"), []patch.MachineID{m.ID}); err != nil {
		return err
	}
	if back := ownPath(v.get("back")); back != "/" {
		return v.see(back)
	}
	return v.see(labelURL(v.r.PathValue("label")))
}

// join adds machines to a label by hand and says how many were not in it before.
func (c *console) join(v *visit, name string, machines []patch.MachineID) (int, error) {
	m, err := c.Labels.Membership(v.ctx, name)
	if err != nil {
		return 0, err
	}
	l := m.Label
	if l.Expr != "" || l.Name == patch.LabelAll || l.Of != patch.OfMachines {
		return 0, &patch.Error{Kind: patch.Invalid, What: phrase.Of("nobody is put into {1} by hand", l.Name), Why: "it is not a label of machines made by hand", Do: "Change its expression, or choose another label."}
	}
	before := len(l.Members)
	l.Members = slices.Concat(l.Members, machines)
	slices.Sort(l.Members)
	l.Members = slices.Compact(l.Members)
	if err := c.Labels.Put(v.ctx, v.caller, l); err != nil {
		return 0, err
	}
	c.Changed()
	return len(l.Members) - before, nil
}

// onlyPrefix begins the names of labels of one machine, which are made where somebody decides for that machine alone.
const onlyPrefix = "only-"

// alone makes the label of one machine, if there is none yet, and goes on to the decision for it.
func (c *console) alone(v *visit) error {
	m, err := c.Records.FindMachine(v.ctx, patch.MachineID(v.r.PathValue("machine")))
	if err != nil {
		return err
	}
	name := onlyPrefix + m.Name
	found, err := c.Labels.Membership(v.ctx, name)
	switch {
	case patch.KindOf(err) == patch.NotFound:
		l := patch.Label{Name: name, Note: "for decisions about " + m.Name + " alone", Members: []patch.MachineID{m.ID}, CreatedAt: c.Now().UTC(), CreatedBy: v.caller.Name}
		if err := c.Labels.Put(v.ctx, v.caller, l); err != nil {
			return err
		}
		c.Changed()
	case err != nil:
		return err
	case found.Label.Expr != "" || !slices.Equal(found.Label.Members, []patch.MachineID{m.ID}):
		return &patch.Error{Kind: patch.Conflict, What: phrase.Of("the label {1} is of something else", name), Why: phrase.Of("it should have {1} by hand, and nothing else", m.Name), Do: "Make a label of the machine under another name and decide for that."}
	}
	q := url.Values{"verb": {string(patch.Approve)}, "label": {name}, "patch": {v.get("patch")}}
	http.Redirect(v.w, v.r, "/decide?"+q.Encode(), http.StatusSeeOther)
	return nil
}
