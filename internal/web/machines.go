package web

import (
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// machinesPage lists machines, narrowed and sorted.
type machinesPage struct {
	Fleet           ledger.Fleet
	Rows            []*ledger.MachineRow
	Tabs            []tab
	Heads           []title
	Pager           pager
	OSes            []patch.HostOS
	Labels          []string
	ByHand          []string // labels that machines can be put into
	OS, Label, Text string
	Show, Sort      string
	All             int // machines of any state
	Matching        int
	Views           viewsPart
	Set             machineSet                  // what another page counts
	Restarts        map[patch.MachineID]restart // of those that owe one, where that is asked for
}

const machinesSize = 50

// machineShows are the ways to narrow the list of machines, in the order of their tabs.
var machineShows = [...]struct {
	name string // as ledger.Shows knows it
	word phrase.Phrase
	mark string
}{
	{"", "All", ""},
	{"confirmed", "Confirmed", "patched"},
	{"needing", "Need patches", "not-patched"},
	{"person", "Need you", "undecided"},
	{"compliant", "Lack no security patch", "patched"},
	{"lacking", "Lack security patches", "not-patched"},
	{"erring", "Security not judged", "error"},
	{"stuck", "Stuck", "error"},
	{"exhausted", "Out of attempts", "failed"},
	{"pending", "Pending", "waiting"},
	{"never", "Never detected", "unknown"},
	{"behind", "Behind a list", "unknown"},
	{"stale", "Stale", "unknown"},
	{"silent", "Not seen for 7 days", "unknown"},
	{"failed", "Detect failed", "failed"},
	{"reboot", "Reboot owed", "needs-reboot"},
	{"revoked", "Revoked", "declined"},
}

func (c *console) machines(v *visit) error {
	roll, err := c.Roll(v.ctx)
	if err != nil {
		return err
	}
	p := machinesPage{Fleet: roll.Fleet, All: len(roll.Machines), OS: v.get("os"), Label: v.get("label"), Text: v.get("q"), Show: v.get("show"), Sort: v.get("sort")}
	for _, os := range p.Fleet.OSes {
		p.OSes = append(p.OSes, os.OS)
	}
	if err := c.labelsOfMachines(v, &p); err != nil {
		return err
	}
	if p.Set, err = c.machineSet(v); err != nil {
		return err
	}
	some, err := c.narrow(v, roll.Machines, &p.Set, p.OS, p.Label, p.Text)
	if err != nil {
		return err
	}
	var rows []*ledger.MachineRow
	now := c.Now()
	for _, s := range machineShows {
		kept := keep(some, ledger.Shows(s.name, now))
		if s.name == p.Show {
			rows = kept
		}
		if len(kept) > 0 || s.name == "" || s.name == p.Show {
			p.Tabs = append(p.Tabs, tab{Word: s.word, Mark: s.mark, URL: v.with("show", s.name), Count: len(kept), Current: s.name == p.Show})
		}
	}
	rows = sorted(rows, p.Sort)
	p.Heads, p.Matching = v.machineHeads(p.Sort), len(rows)
	at := v.offset(machinesSize)
	p.Rows = page(rows, at, machinesSize)
	p.Pager = v.pager(at, machinesSize, len(p.Rows), len(rows))
	if p.Show == "reboot" {
		if p.Restarts, err = c.restarts(v, p.Rows); err != nil {
			return err
		}
	}
	if p.Views, err = c.viewsOf(v, "machines"); err != nil {
		return err
	}
	return show(c, v, "machines", "machines", "Machines", p)
}

// labelsOfMachines fills in the labels that narrow, and those that take machines in.
func (c *console) labelsOfMachines(v *visit, p *machinesPage) error {
	list, err := c.Labels.Sizes(v.ctx)
	if err != nil {
		return err
	}
	for _, l := range list {
		if l.Label.Of != patch.OfMachines {
			continue
		}
		p.Labels = append(p.Labels, l.Label.Name)
		if l.Label.Expr == "" && l.Label.Name != patch.LabelAll {
			p.ByHand = append(p.ByHand, l.Label.Name)
		}
	}
	return nil
}

// selected is the machines that a page's question selects, in its order.
func (c *console) selected(v *visit) ([]*ledger.MachineRow, error) {
	roll, err := c.Roll(v.ctx)
	if err != nil {
		return nil, err
	}
	set, err := c.machineSet(v)
	if err != nil {
		return nil, err
	}
	some, err := c.narrow(v, roll.Machines, &set, v.get("os"), v.get("label"), v.get("q"))
	if err != nil {
		return nil, err
	}
	if yes := ledger.Shows(v.get("show"), c.Now()); yes != nil {
		return sorted(keep(some, yes), v.get("sort")), nil
	}
	return nil, patch.Errorf(patch.Invalid, "no list of machines is called %q", v.get("show"))
}

func keep[T any](list []T, yes func(T) bool) []T {
	var out []T
	for _, x := range list {
		if yes(x) {
			out = append(out, x)
		}
	}
	return out
}

// narrow keeps the machines of a set, an OS, a label and a text; empty ones do not narrow. Rows are large and shared: they are pointed at, and not
// changed.
func (c *console) narrow(v *visit, all []ledger.MachineRow, set *machineSet, os, label, text string) ([]*ledger.MachineRow, error) {
	members := map[patch.MachineID]bool{}
	if label != "" {
		m, err := c.Labels.Membership(v.ctx, label)
		if err != nil {
			return nil, err
		}
		for _, id := range m.Members {
			members[id] = true
		}
	}
	out := make([]*ledger.MachineRow, 0, len(all))
	for i := range all {
		m := &all[i]
		if set.has(m.ID) && (os == "" || string(m.OS) == os) && (label == "" || members[m.ID]) && m.Matches(text) {
			out = append(out, m)
		}
	}
	return out, nil
}

// labelNames lists the labels of machines.
func (c *console) labelNames(v *visit) ([]string, error) {
	list, err := c.Labels.Sizes(v.ctx)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(list))
	for _, l := range list {
		if l.Label.Of == patch.OfMachines {
			names = append(names, l.Label.Name)
		}
	}
	return names, nil
}

// setMachineState admits or revokes a machine and goes back to it.
func (c *console) setMachineState(v *visit) error {
	id := patch.MachineID(v.r.PathValue("machine"))
	state := patch.MachineState(v.r.PostFormValue("state"))
	if state != patch.Admitted && state != patch.Revoked {
		return &patch.Error{Kind: patch.Invalid, What: "a machine can be admitted or revoked", Why: "the form asked for something else"}
	}
	if err := c.Records.SetMachineState(v.ctx, v.caller, id, state); err != nil {
		return err
	}
	c.Changed()
	if ownPath(v.r.PostFormValue("back")) != "/" {
		return v.see(ownPath(v.r.PostFormValue("back")))
	}
	return v.see(machineURL(id))
}

// askDetect asks a machine to detect now; it does so at once if it listens, else at its next check-in.
func (c *console) askDetect(v *visit) error {
	id := patch.MachineID(v.r.PathValue("machine"))
	if _, err := c.AskDetect(v.ctx, v.caller, id); err != nil {
		return err
	}
	return v.see(machineURL(id))
}
