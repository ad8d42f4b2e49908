package agent

import (
	"os"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// Status is the agent's local state as a person wants to see it. It is read from files and asks nobody.
type Status struct {
	Machine         patch.MachineID    `json:"machine"`
	Server          string             `json:"server"`
	State           patch.MachineState `json:"state"`
	CheckedIn       time.Time          `json:"checked_in,omitzero"`
	CertificateEnds time.Time          `json:"certificate_ends,omitzero"`
	RenewAfter      time.Time          `json:"renew_after,omitzero"`
	Policy          string             `json:"policy,omitempty"`
	Snapshot        *patch.Receipt     `json:"snapshot,omitempty"`
	Counts          map[string]int     `json:"counts,omitempty"` // of the snapshot's verdicts
	Uploaded        bool               `json:"uploaded"`         // the appliance has this snapshot
	Order           *OrderStatus       `json:"order,omitempty"`
	Reboot          string             `json:"reboot,omitempty"` // a restart that is due, in words
	Unsent          int                `json:"unsent"`           // results that the appliance has not acknowledged
	Refused         string             `json:"refused,omitempty"`
	Trouble         string             `json:"trouble,omitempty"`
}

// OrderStatus is the newest order and how far it is.
type OrderStatus struct {
	ID     string       `json:"id"`
	Number uint64       `json:"number"`
	Closed bool         `json:"closed"`
	Items  []ItemStatus `json:"items"`
}

// ItemStatus is one patch of an order.
type ItemStatus struct {
	Patch patch.ID        `json:"patch"`
	State patch.Execution `json:"state"`
	Cause patch.FailCause `json:"cause,omitempty"`
	Text  string          `json:"text,omitempty"`
}

// ReadStatus reads the local state; a machine that is not enrolled is an error that says so.
func ReadStatus(cfg Config) (Status, error) {
	cfg = cfg.withDefaults()
	l := cfg.layout()
	id, err := loadIdentity(l)
	if err != nil {
		return Status{}, err
	}
	var st state
	if _, err := readJSON(l.state(), &st); err != nil {
		return Status{}, err
	}
	out := Status{Machine: id.Machine, Server: id.Server, State: st.State, CheckedIn: st.CheckedIn, Policy: cfg.policy().String(),
		Refused: st.Refused, Trouble: st.LastError}
	if leaf, _, err := id.check(); err == nil {
		out.CertificateEnds, out.RenewAfter = leaf.NotAfter, renewAt(leaf)
	}
	if snap, _, found := readSnapshot(l); found {
		told, _, _ := l.snapshotAt(l.told())
		out.Snapshot, out.Uploaded, out.Counts = &snap.Receipt, max(st.Uploaded, told.Seq) >= snap.Seq, map[string]int{}
		for v, n := range snap.Verdicts.Counts() {
			out.Counts[patch.Verdict(v).String()] = n
		}
	}
	c, unsent, err := peekJournal(l)
	if err != nil {
		out.Trouble = err.Error()
	}
	out.Unsent = unsent
	s := session{cfg: cfg, files: l, st: st, journal: &journal{last: c}}
	out.Reboot = s.rebootText()
	if c != nil {
		out.Order = c.status()
	}
	return out, nil
}

// peekJournal reads the journal without taking it.
func peekJournal(l layout) (*course, int, error) {
	b, err := os.ReadFile(l.journal())
	if err != nil {
		return nil, 0, nil // no journal yet
	}
	events, _, err := readJournal(b)
	if err != nil {
		return nil, 0, err
	}
	var j journal
	for _, e := range events {
		if err := j.apply(e); err != nil {
			return nil, 0, err
		}
	}
	return j.last, len(j.pending), nil
}

func (c *course) status() *OrderStatus {
	out := &OrderStatus{ID: c.Order.ID, Number: c.Order.Number, Closed: c.Closed, Items: []ItemStatus{}}
	for _, item := range c.Order.Items {
		r := c.Last[item.Attempt]
		if r.State == "" {
			r.State = patch.ExecWaiting
		}
		out.Items = append(out.Items, ItemStatus{Patch: item.Patch, State: r.State, Cause: r.Cause, Text: r.Text})
	}
	return out
}
