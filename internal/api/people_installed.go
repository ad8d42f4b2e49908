package api

import (
	"time"

	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
)

// Installed is what Fettle installed of one patch under one approval.
type Installed struct {
	patch.InstalledPatch
	Approval *patch.Decision `json:"approval,omitempty"` // null where it is no longer on record
}

// InstalledOn is one patch that Fettle installed on one machine.
type InstalledOn struct {
	patch.Installation
	Name     string          `json:"name"` // the machine's
	Approval *patch.Decision `json:"approval,omitempty"`
}

// installedDays is how far back it is looked where no time is given.
const installedDays = 30

// listInstalled says what was installed from ?from= until before ?until=, by patch and approval, the newest first: of the last 30 days where no time is given.
func (s *people) listInstalled(c *call) (any, error) {
	from, until, err := s.span(c)
	if err != nil {
		return nil, err
	}
	all, err := s.Store.InstalledPatches(c.Context(), from, until)
	if err != nil {
		return nil, err
	}
	known, out := ledger.Approvals{Find: s.Store.FindDecision}, make([]Installed, 0, len(all))
	for _, x := range all {
		d, err := known.Of(c.Context(), x.Decision)
		if err != nil {
			return nil, err
		}
		out = append(out, Installed{x, standing(d)})
	}
	return page(c, out)
}

// listInstallations gives each installation of a time, of ?machine=, ?patch= or the machines of ?label= alone.
func (s *people) listInstallations(c *call) (any, error) {
	from, until, err := s.span(c)
	if err != nil {
		return nil, err
	}
	wanted, err := s.installationFilter(c)
	if err != nil {
		return nil, err
	}
	all, err := s.Store.Installations(c.Context(), from, until)
	if err != nil {
		return nil, err
	}
	machines, err := s.Store.ListMachines(c.Context(), patch.MachineFilter{})
	if err != nil {
		return nil, err
	}
	names := make(map[patch.MachineID]string, len(machines))
	for _, m := range machines {
		names[m.ID] = m.Name
	}
	known, out := ledger.Approvals{Find: s.Store.FindDecision}, []InstalledOn{}
	for _, x := range all {
		if !wanted(x) {
			continue
		}
		d, err := known.Of(c.Context(), x.Decision)
		if err != nil {
			return nil, err
		}
		out = append(out, InstalledOn{x, names[x.Machine], standing(d)})
	}
	return page(c, out)
}

// installationFilter reads which installations are asked for.
func (s *people) installationFilter(c *call) (func(patch.Installation) bool, error) {
	var machine patch.MachineID
	var id patch.ID
	var among map[patch.MachineID]bool
	if text := c.text("machine"); text != "" {
		m, err := s.Ledger.Resolve(c.Context(), text)
		if err != nil {
			return nil, err
		}
		machine = m.ID
	}
	if text := c.text("patch"); text != "" {
		row, err := s.patch(c, text)
		if err != nil {
			return nil, err
		}
		id = row.ID
	}
	if label := c.text("label"); label != "" {
		members, err := s.Labels.Members(c.Context(), label)
		if err != nil {
			return nil, err
		}
		among = map[patch.MachineID]bool{}
		for _, m := range members {
			among[m] = true
		}
	}
	return func(x patch.Installation) bool {
		return (machine == "" || x.Machine == machine) && (id == "" || x.Patch == id) && (among == nil || among[x.Machine])
	}, nil
}

// span reads ?from= and ?until=.
func (s *people) span(c *call) (from, until time.Time, err error) {
	if from, err = c.moment("from"); err != nil {
		return from, until, err
	}
	if until, err = c.moment("until"); err != nil {
		return from, until, err
	}
	if until.IsZero() {
		until = s.Now()
	}
	if from.IsZero() {
		from = until.AddDate(0, 0, -installedDays)
	}
	if until.Before(from) {
		return from, until, &patch.Error{Kind: patch.Invalid, What: "this time ends before it begins"}
	}
	return from, until, nil
}

// standing is a decision for an answer; nil for one that is no longer on record.
func standing(d patch.Decision) *patch.Decision {
	if d.ID == "" {
		return nil
	}
	return &d
}
