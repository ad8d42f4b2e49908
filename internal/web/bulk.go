package web

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/auth"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/whatif"
)

// bulkPage asks once more, in numbers, before something is done to many machines; or says that it was done, with the way back.
type bulkPage struct {
	Verb, Label string
	Rows        []*ledger.MachineRow // those that it is about
	Already     int                  // in the label before, or admitted before
	Digest      string               // of exactly these machines
	Moved       bool                 // they are others than those that were counted
	Whole       bool                 // all that the question selects
	Query       []field              // the question, as fields of a form
	Back        string
	Change      *whatif.Answer // what the label's change would do
	Fault       *faultPage
	Done        bool
	Online      int
	Undo        []patch.MachineID // those that were put into the label
}

// field is a hidden field of a form.
type field struct{ Name, Value string }

// IDs is the machines one by one; empty where the whole result is meant.
func (p bulkPage) IDs() []patch.MachineID {
	if p.Whole {
		return nil
	}
	return idsOf(p.Rows)
}

func idsOf(rows []*ledger.MachineRow) []patch.MachineID {
	ids := make([]patch.MachineID, 0, len(rows))
	for _, m := range rows {
		ids = append(ids, m.ID)
	}
	return ids
}

// bulkVerbs are what can be done to many machines, with what it needs and to whom it can be done.
func bulkVerb(verb string) (auth.Permission, func(*ledger.MachineRow) bool) {
	switch verb {
	case "label", "unlabel":
		return auth.ManageLabels, func(m *ledger.MachineRow) bool { return m.State != patch.Revoked }
	case "detect":
		return auth.ManageMachines, func(m *ledger.MachineRow) bool { return m.State == patch.Admitted }
	case "admit":
		return auth.ManageMachines, func(m *ledger.MachineRow) bool { return m.State != patch.Admitted }
	case "revoke":
		return auth.ManageMachines, func(m *ledger.MachineRow) bool { return m.State != patch.Revoked }
	}
	return "", nil
}

// machinesAct does something to the chosen machines, or to all that the page's question selects. It is done only with the digest of exactly
// the machines that were counted; without it, or where they have become others, the page says what it would do now.
func (c *console) machinesAct(v *visit) error {
	if err := v.r.ParseForm(); err != nil {
		return &patch.Error{Kind: patch.Invalid, What: "cannot read the form", Why: patch.Said(err)}
	}
	p := bulkPage{Verb: v.get("verb"), Label: strings.TrimSpace(v.get("label_to")), Whole: v.get("whole") != ""}
	permission, can := bulkVerb(p.Verb)
	if can == nil {
		return patch.Errorf(patch.Invalid, "nothing is called %q that can be done to many machines", p.Verb)
	}
	if err := auth.Allow(v.caller, permission); err != nil {
		return err
	}
	if err := c.chosen(v, &p, can); err != nil {
		return err
	}
	if len(p.Rows) == 0 {
		p.Fault = &faultPage{What: "No machine is chosen to which this can be done", Do: "Choose rows of the list, or all of it."}
		return c.bulkAgain(v, http.StatusBadRequest, p)
	}
	if given := v.get("digest"); given == "" || given != p.Digest {
		p.Moved = given != ""
		c.consider(v, &p)
		status := http.StatusOK
		if p.Moved {
			status = http.StatusConflict
		}
		return c.bulkAgain(v, status, p)
	}
	if err := c.carryOut(v, &p); err != nil {
		return err
	}
	p.Done = true
	return c.bulkAgain(v, http.StatusOK, p)
}

// chosen finds the machines that are meant and to which it can be done.
func (c *console) chosen(v *visit, p *bulkPage, can func(*ledger.MachineRow) bool) error {
	var rows []*ledger.MachineRow
	q := url.Values{}
	for _, name := range viewPages("machines") {
		if s := v.get(name); s != "" {
			q.Set(name, s)
			p.Query = append(p.Query, field{name, s})
		}
	}
	p.Back = "/machines"
	if len(q) > 0 {
		p.Back += "?" + q.Encode()
	}
	if p.Whole {
		all, err := c.selected(v)
		if err != nil {
			return err
		}
		rows = all
	} else {
		roll, err := c.Roll(v.ctx)
		if err != nil {
			return err
		}
		in := map[string]bool{}
		for _, id := range v.r.PostForm["machine"] {
			in[id] = true
		}
		for i := range roll.Machines {
			if in[string(roll.Machines[i].ID)] {
				rows = append(rows, &roll.Machines[i])
			}
		}
	}
	p.Rows = keep(rows, can)
	ids := idsOf(p.Rows)
	slices.Sort(ids)
	h := sha256.New()
	h.Write([]byte(p.Verb + "\x00" + p.Label))
	for _, id := range ids {
		h.Write([]byte("\x00" + id))
	}
	p.Digest = hex.EncodeToString(h.Sum(nil)[:8])
	return nil
}

// consider says what a change of a label would lead to.
func (c *console) consider(v *visit, p *bulkPage) {
	if p.Verb != "label" && p.Verb != "unlabel" {
		return
	}
	l, err := c.changed(v, p)
	if err == nil {
		var a whatif.Answer
		if a, err = c.WhatIf.Ask(v.ctx, whatif.Change{Label: &l}); err == nil {
			p.Change = &a
			return
		}
	}
	f := faultOf(err)
	p.Fault = &f
}

// changed is the label as it would be.
func (c *console) changed(v *visit, p *bulkPage) (patch.Label, error) {
	m, err := c.Labels.Membership(v.ctx, p.Label)
	if patch.KindOf(err) == patch.NotFound && p.Verb == "label" {
		m.Label, err = patch.Label{Name: p.Label, CreatedAt: c.Now().UTC(), CreatedBy: v.caller.Name}, nil
	}
	l := m.Label
	switch {
	case err != nil:
		return l, err
	case l.Expr != "" || l.Name == patch.LabelAll || l.Of != patch.OfMachines:
		return l, &patch.Error{Kind: patch.Invalid, What: phrase.Of("nobody is put into {1} by hand", l.Name), Why: "it is not a label of machines made by hand", Do: "Choose another label, or name a new one."}
	case l.Name == "":
		return l, &patch.Error{Kind: patch.Invalid, What: "no label is named", Do: "Choose one, or name a new one."}
	}
	in := map[patch.MachineID]bool{}
	for _, id := range l.Members {
		in[id] = true
	}
	l.Members = slices.Clone(l.Members)
	p.Already, p.Undo = 0, nil
	for _, r := range p.Rows {
		switch {
		case p.Verb == "unlabel":
			in[r.ID] = false
		case in[r.ID]:
			p.Already++
		default:
			l.Members, p.Undo = append(l.Members, r.ID), append(p.Undo, r.ID)
		}
	}
	if p.Verb == "unlabel" {
		l.Members = keep(l.Members, func(id patch.MachineID) bool { return in[id] })
	}
	return l, nil
}

func (c *console) carryOut(v *visit, p *bulkPage) (err error) {
	switch p.Verb {
	case "label", "unlabel":
		var l patch.Label
		if l, err = c.changed(v, p); err == nil {
			err = c.Labels.Put(v.ctx, v.caller, l)
		}
	case "detect":
		p.Online, err = c.AskDetects(v.ctx, v.caller, idsOf(p.Rows))
	case "admit", "revoke":
		state := patch.Admitted
		if p.Verb == "revoke" {
			state = patch.Revoked
		}
		for _, m := range p.Rows {
			if err = c.Records.SetMachineState(v.ctx, v.caller, m.ID, state); err != nil {
				break
			}
		}
	}
	c.Changed()
	return err
}

func (c *console) bulkAgain(v *visit, status int, p bulkPage) error {
	f, err := c.frame(v, "machines", "Machines")
	if err != nil {
		return err
	}
	return c.write(v, status, "bulk", "layout", view[bulkPage]{Frame: f, Body: p})
}
