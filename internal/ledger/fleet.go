package ledger

import (
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Freshness says how much a machine's newest complete detect is worth now.
type Freshness string

const (
	Fresh  Freshness = "fresh"
	Stale  Freshness = "stale"        // complete, but too old to speak of now
	Failed Freshness = "failed"       // a detect failed after the newest complete one
	Never  Freshness = "never"        // no complete detect ever, or none of the OS that it runs now, which has no list
	Behind Freshness = "behind"       // complete and recent, but with an older list; it detects again by itself
	Shut   Freshness = "not-admitted" // pending or revoked
)

// Fleet is the state of all machines in numbers. Every machine is in exactly one of Fresh, Behind, Stale, Failed and Never.
type Fleet struct {
	At       time.Time     `json:"at"`
	Sentence phrase.Phrase `json:"sentence"` // "214 machines: 187 confirmed patched, 9 need you, …"

	Machines int `json:"machines"` // admitted: the denominator of everything below
	Pending  int `json:"pending"`
	Revoked  int `json:"revoked"`

	Fresh  int `json:"fresh"`
	Behind int `json:"behind"`
	Stale  int `json:"stale"`
	Failed int `json:"failed"`
	Never  int `json:"never"`

	// Of the fresh ones: nothing needed (confirmed), or something.
	Confirmed     int `json:"confirmed"`      // fresh, complete, nothing not-patched, no errors
	Needing       int `json:"needing"`        // fresh, at least one patch not patched
	Erring        int `json:"erring"`         // fresh, at least one verdict "error"
	NeedingPerson int `json:"needing_person"` // at least one eligible patch is undecided, or out of attempts
	RebootOwed    int `json:"reboot_owed"`
	Silent        int `json:"silent"` // not seen within the limit

	Rows       patch.Counts `json:"rows"`       // machine × patch, by verdict; never-detected machines count as unknown
	Undecided  int          `json:"undecided"`  // distinct eligible patches that some machine needs and nobody decided for it
	Security   int          `json:"security"`   // distinct security patches that some machine needs
	Deployable int          `json:"deployable"` // machine × patch pairs that a plan would include now
	Exhausted  int          `json:"exhausted"`  // such pairs that are out of attempts: somebody has to look

	OSes   []OSStatus    `json:"oses"`
	Alarms []patch.Alarm `json:"alarms"` // open ones
}

// OSStatus is one host OS's share of the fleet.
type OSStatus struct {
	OS           patch.HostOS     `json:"os"`
	Revision     patch.RevisionID `json:"revision,omitempty"`
	Built        time.Time        `json:"built,omitzero"`
	MetadataDate time.Time        `json:"metadata_date,omitzero"` // how old our knowledge is
	Patches      int              `json:"patches"`
	Machines     int              `json:"machines"`
	Rows         patch.Counts     `json:"rows"`
}

// MachineRow is one machine with its freshness and its numbers.
type MachineRow struct {
	patch.Machine
	Freshness  Freshness      `json:"freshness"`
	Text       phrase.Phrase  `json:"text"` // the freshness as a sentence
	Receipt    *patch.Receipt `json:"receipt,omitempty"`
	Verdicts   patch.Counts   `json:"verdicts"`
	Needed     int            `json:"needed"`
	Security   int            `json:"security"`                  // of those needed
	Unjudged   int            `json:"security_errors,omitempty"` // security patches that could not be judged, while its newest detect speaks of now
	Undecided  int            `json:"undecided"`
	Deployable int            `json:"deployable"`
	Exhausted  int            `json:"exhausted,omitempty"`    // patches that are out of attempts on it
	Person     bool           `json:"needs_person,omitempty"` // something that it needs is undecided, out of attempts or otherwise waits for a person
}

// PatchCount is one patch of an OS with its numbers over all machines of that OS.
type PatchCount struct {
	Patch      patch.Patch      `json:"patch"`
	OS         patch.HostOS     `json:"os"`
	Verdicts   patch.Counts     `json:"verdicts"`
	Undecided  int              `json:"undecided"`           // eligible machines for which nobody decided
	Decisions  []patch.Decision `json:"decisions,omitempty"` // the newest per label
	Deployable int              `json:"deployable"`
}
