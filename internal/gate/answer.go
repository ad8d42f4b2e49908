package gate

import (
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Name is the stable name of a gate.
type Name string

// The gates in the order in which they are walked. Up to Attempts they decide whether the patch is deployable; the four after it
// say what became of it.
const (
	Feed          Name = "feed"           // the host OS is covered by a subscribed feed
	Catalog       Name = "catalog"        // a catalog is published for it and knows the patch
	List          Name = "list"           // the patch is on this OS's list
	Snapshot      Name = "snapshot"       // a complete, fresh detect with the current list exists
	Prerequisites Name = "prerequisites"  // the patch applies to this machine
	InstalledTest Name = "installed-test" // it is not installed yet
	Previous      Name = "previous"       // of a rollback: what was there before can be had, and nothing needs the newer version
	Owed          Name = "owed"           // of a restart alone: the machine owes one
	Superseded    Name = "superseded"     // no newer patch that replaces it is deployable here
	Policy        Name = "policy"         // somebody approved it and nobody declined it
	Label         Name = "label"          // the approval covers this machine
	Hold          Name = "hold"           // nobody holds it back
	Ring          Name = "ring"           // the rings before have proven it, and this one has room
	Freeze        Name = "freeze"         // no blackout covers the machine now
	Window        Name = "window"         // the install window is open
	Machine       Name = "machine"        // the machine is admitted and seen
	Payload       Name = "payload"        // the appliance has the files, verified
	Preflight     Name = "preflight"      // the agent's last word: lock, disk, its owner's policy
	Attempts      Name = "attempts"       // a try is left and none is under way
	Installed     Name = "installed"      // Fettle installed it
	Reboot        Name = "reboot"         // no reboot is owed for it
	Verified      Name = "verified"       // a later complete detect says patched
	Undone        Name = "undone"         // nothing else took it away again
)

// State of a gate.
type State string

const (
	Open      State = "open"
	Closed    State = "closed"
	Unreached State = "unreached" // an earlier gate is closed, or what it is about has not happened yet
)

// Actor is who must act for a closed gate to open.
type Actor string

const (
	Nobody    Actor = ""          // nothing needs to be done
	Person    Actor = "you"       // an administrator of Fettle
	Owner     Actor = "owner"     // whoever administers the machine itself
	Agent     Actor = "agent"     // the agent does it by itself
	Appliance Actor = "appliance" // the appliance does it by itself
	Time      Actor = "time"      // it opens at NextAt by itself
)

// Gate is one step between a patch and a machine.
type Gate struct {
	Name     Name           `json:"name"`
	Title    phrase.Phrase  `json:"title"` // two or three words: "on this OS's list"
	State    State          `json:"state"`
	Code     string         `json:"code"`               // stable; see the Code* constants
	Text     phrase.Phrase  `json:"text"`               // one plain sentence, without a full stop
	Evidence phrase.Phrase  `json:"evidence,omitempty"` // what the text rests on
	Clauses  []patch.Clause `json:"clauses,omitempty"`  // expected and seen, where a detect decided it
	At       time.Time      `json:"at,omitzero"`        // when the evidence was taken
	Next     phrase.Phrase  `json:"next,omitempty"`     // the next event that will change it
	NextAt   time.Time      `json:"next_at,omitzero"`   // when that is, where it is known
	Actor    Actor          `json:"actor,omitempty"`    // who must act
	// Foretold says that the machine itself has not told it: it follows from the vendor's index and the machine's stored facts.
	Foretold bool `json:"foretold,omitempty"`
}

// Answer is what a walk through all gates says.
type Answer struct {
	Gates      []Gate        `json:"gates"`            // all of them, in order
	Closed     *Gate         `json:"closed,omitempty"` // the first closed gate up to Attempts; nil exactly when Deployable
	Deployable bool          `json:"deployable"`
	Standing   phrase.Phrase `json:"standing"` // two words for a heading: "patched", "not deployed", "deployable", …
	Sentence   phrase.Phrase `json:"sentence"` // one line that an administrator understands
	Next       phrase.Phrase `json:"next"`     // what happens next, always given
	NextAt     time.Time     `json:"next_at,omitzero"`
	Actor      Actor         `json:"actor,omitempty"`
}

// Gate finds a gate by name; the zero Gate where the name is none.
func (a Answer) Gate(n Name) Gate {
	for _, g := range a.Gates {
		if g.Name == n {
			return g
		}
	}
	return Gate{}
}

// AlsoClosed lists the closed gates after the first one, up to Attempts.
func (a Answer) AlsoClosed() []Gate {
	var out []Gate
	for _, g := range a.Gates {
		if g.State == Closed && g.Name.Decides() && a.Closed != nil && g.Name != a.Closed.Name {
			out = append(out, g)
		}
	}
	return out
}

// Eligible reports whether the patch could go onto the machine as it is and as people decided: what still keeps it back, if anything, is its turn, a
// window, the machine's presence, a file or another try.
func (a Answer) Eligible() bool {
	if a.Closed == nil {
		return true
	}
	switch a.Closed.Name {
	case Ring, Freeze, Window, Machine, Payload, Preflight, Attempts:
		return true
	}
	return false
}

// Settled reports whether the gate is closed because all is done: the patch is on the machine, and nobody has to open anything.
func (g Gate) Settled() bool { return g.State == Closed && g.Code == CodePatched }

// Decides reports whether a gate of this name decides if the patch is deployable. The others report what became of it.
func (n Name) Decides() bool {
	return n != Installed && n != Reboot && n != Verified && n != Undone
}
