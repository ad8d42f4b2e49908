package agent

import (
	"path/filepath"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// state is what the agent remembers between runs, apart from its identity and its journal. It is written whole and durably.
type state struct {
	Counter     uint64             `json:"counter"`      // no check-in has a number above it yet
	SnapshotSeq uint64             `json:"snapshot_seq"` // no detect has a number above it yet
	Uploaded    uint64             `json:"uploaded"`     // newest one that the appliance acknowledged
	State       patch.MachineState `json:"state"`        // as the appliance said last
	Newest      patch.RevisionMeta `json:"newest"`       // newest catalog revision ever accepted: nothing older is
	Facts       patch.Hash         `json:"facts"`        // newest facts that the appliance has
	Inventory   patch.Hash         `json:"inventory"`    // likewise
	CheckedIn   time.Time          `json:"checked_in,omitzero"`
	Trusted     time.Time          `json:"trusted,omitzero"` // what time it was at least, by what the appliance told: no expiry is judged by an earlier clock
	// Probes are the newest order's questions about health, and Asked that order. Boot is the newest boot that the agent has seen, and
	// BootTook what it needed until the agent ran, in seconds.
	Probes []patch.Probe `json:"probes,omitempty"`
	Asked  string        `json:"asked,omitempty"`
	Boot   string        `json:"boot,omitempty"`
	// Ill are the probes that were answered badly before an order's installs and never well since, with when.
	Ill      map[patch.Probe]time.Time `json:"ill,omitempty"`
	BootTook int                       `json:"boot_took,omitempty"`

	// Reboot is the restart that the newest order permits, until it is settled; Reboots are when the agent restarted the machine lately.
	Reboot  *rebootDue  `json:"reboot,omitempty"`
	Reboots []time.Time `json:"reboots,omitempty"`
	// Skew is how far this machine's clock is behind the appliance's, in seconds, by the newest check-in.
	Skew int `json:"skew,omitempty"`
	// Speed is how long installations take here, as a multiple of what is expected without knowing the machine; 0: nothing is known.
	Speed float64 `json:"speed,omitempty"`

	LastError string `json:"last_error,omitempty"` // why the newest contact or detect failed; empty when it worked
	Refused   string `json:"refused,omitempty"`    // why the newest order was refused as a whole
}

// hear takes what time it is, by the appliance's clock and by this machine's own. What is known of the time goes back only where the two agree: neither clock alone
// makes an old order young again, and one of the appliance's that was ahead once is forgotten when it is right.
func (st *state) hear(now, own time.Time) {
	if now.IsZero() {
		return
	}
	st.Skew = int(now.Sub(own).Seconds())
	if now.After(st.Trusted) || now.Sub(own).Abs() <= mostSkew {
		st.Trusted = now
	}
}

// layout names the files below the state directory.
type layout struct {
	dir  string
	disk Disk // nil: the live one
}

func (c Config) layout() layout { return layout{c.StateDir, c.Disk} }

func (l layout) on() Disk {
	if l.disk == nil {
		return liveDisk{}
	}
	return l.disk
}

func (l layout) path(name string) string { return filepath.Join(l.dir, name) }
func (l layout) state() string           { return l.path("state.json") }
func (l layout) identity() string        { return l.path("identity.json") }
func (l layout) answer() string          { return l.path("reboot-answer.json") }
func (l layout) key() string             { return l.path("identity.key") }
func (l layout) journal() string         { return l.path("journal") }
func (l layout) snapshot() string        { return l.path("snapshot") }
func (l layout) told() string            { return l.path("told") } // the newest snapshot that the appliance acknowledged
func (l layout) facts() string           { return l.path("facts.json") }
func (l layout) takeover() string        { return l.path("takeover.json") }
func (l layout) catalog() string         { return l.path("catalog") }
func (l layout) payloads() string        { return l.path("payloads") }
func (l layout) origins() string         { return l.path("origins") }
func (l layout) hooks() string           { return l.path("hooks") } // their locks

// make creates the directories, readable by the agent only.
func (l layout) make() error {
	for _, d := range []string{l.dir, l.catalog(), l.payloads(), l.origins(), l.path("apt"), l.path("rpm"), l.hooks()} {
		if err := l.on().Make(d); err != nil {
			return patch.Errorf(patch.Unavailable, "cannot make %s and keep it private: %w", d, err)
		}
	}
	return nil
}

// sweep removes temporary files that an earlier run left behind.
func (l layout) sweep() {
	for _, d := range []string{l.dir, l.catalog(), l.payloads(), l.origins()} {
		old, _ := l.on().List(d)
		for _, name := range old {
			if strings.HasPrefix(name, ".tmp-") {
				l.on().Remove(filepath.Join(d, name))
			}
		}
	}
}
