package web

import (
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
)

// exposurePage is what one row of the reports' exposure counts: the missing patches, or what is overdue, machine by machine.
type exposurePage struct {
	Label    string
	Severity patch.Severity
	Show     string
	Tabs     []tab
	Patches  []ledger.Exposed
	Pairs    []exposedPair
	Pager    pager
}

// exposedPair is one patch that one machine lacks.
type exposedPair struct {
	ledger.Exposed
	Machine patch.MachineID
	Name    string
}

const exposureSize = 100

func (c *console) exposure(v *visit) error {
	p := exposurePage{Label: v.get("label"), Severity: severityOf(v.get("exposed")), Show: v.get("show")}
	if p.Label == "" {
		p.Label = patch.LabelAll
	}
	all, err := c.Reporter.Exposed(v.ctx, p.Label, p.Severity)
	if err != nil {
		return err
	}
	names, err := c.machineNames(v)
	if err != nil {
		return err
	}
	var overdue []exposedPair
	for _, e := range all {
		for _, m := range e.Machines {
			if e.Overdue {
				overdue = append(overdue, exposedPair{e, m, names[m]})
			}
		}
	}
	p.Tabs = []tab{{Word: "Missing patches", URL: v.with("show", ""), Count: len(all), Current: p.Show != "overdue"},
		{Word: "Overdue, machine by machine", URL: v.with("show", "overdue"), Count: len(overdue), Current: p.Show == "overdue"}}
	at := v.offset(exposureSize)
	if p.Show == "overdue" {
		p.Pairs = page(overdue, at, exposureSize)
		p.Pager = v.pager(at, exposureSize, len(p.Pairs), len(overdue))
	} else {
		p.Patches = page(all, at, exposureSize)
		p.Pager = v.pager(at, exposureSize, len(p.Patches), len(all))
	}
	return show(c, v, "exposure", "reports", "Exposure", p)
}
