package patch

import "time"

// The filters narrow a list: a zero field does not narrow, and all the given ones must hold.

// PatchRow is a patch as the appliance remembers it: on the newest list or gone from it, for ever.
type PatchRow struct {
	Patch
	OS            HostOS     `json:"os"`
	Ordinal       int        `json:"ordinal"` // its number among its OS's patches, given once
	FirstRevision RevisionID `json:"first_revision"`
	GoneAt        time.Time  `json:"gone_at,omitzero"` // when it left the list; zero while it is on it
}

// PatchSort is an order of patches; the zero value is the usual one of a list. All but ByScore begin with the least; with a dash before
// them they begin with the most.
type PatchSort string

const (
	// ByScore has the highest CVSS scores first, and those of which none is known last.
	ByScore         PatchSort = "cvss"
	ByName          PatchSort = "name"     // of the source package
	ByReleased      PatchSort = "released" // the longest known first
	ByNeed          PatchSort = "need"     // by machines that lack it,
	ByPatched       PatchSort = "patched"  // that have it,
	ByNotApplicable PatchSort = "not-applicable"
	ByUnsure        PatchSort = "unsure" // and of which it is not known
)

// PatchFilter narrows SearchPatches.
type PatchFilter struct {
	OS          HostOS
	Text        string // every word must occur in the ID, the title or a CVE
	Category    Category
	IDs         []ID
	IncludeGone bool
	Gone        bool // only those that no list carries any more
	Learned     bool // only those of which a changelog told CVEs
	Sort        PatchSort
	Limit       int // 0: all
	Offset      int
}

// MachineFilter narrows ListMachines. Label narrows to a by-hand label's members or, for LabelAll, to admitted machines;
// smart labels are evaluated in package label and refused here.
type MachineFilter struct {
	State MachineState
	OS    HostOS
	Label string
}

// Mark is a moment in the life of a store, between its changes. The zero Mark is before all of them.
type Mark struct {
	Horizon int64  // every change below it has been seen
	Commits int64  // of the process that looked
	Trail   uint64 // detects of which that process knows by itself that they were seen
}

// Standing is a machine as it is now.
type Standing struct {
	Machine  Machine
	Snapshot *Snapshot // the newest complete detect; nil where there is none, or where it was not asked for
	Moved    bool      // it has detected on another host OS before
}

// CheckinUpdate is what one check-in says about its machine.
type CheckinUpdate struct {
	At         time.Time
	Address    string
	Counter    uint64 // above the stored one, or the key is in use twice
	Boot       string
	OS         HostOS
	Agent      string
	Hostname   string
	Busy       string
	RebootOwed bool
	Policy     string // the owner's local policy
	Inventory  Hash   // what the machine has now; uploads of anything else do not become its newest
	Facts      Hash   // likewise
}

// TransitionFilter narrows ListTransitions, newest first.
type TransitionFilter struct {
	Machine MachineID
	OS      HostOS
	Patch   ID
	Since   time.Time
	Limit   int // 0: all
}

// DecisionFilter narrows ListDecisions.
type DecisionFilter struct {
	Patch ID
	Label string
	OS    HostOS // only patches that this host OS's list carries or carried
	// Cleared includes decisions that take others back, where they are the newest.
	Cleared bool
}

// PayloadFilter narrows ListPayloads. Without Patch the answer has one row for each file, even where several patches share it,
// unless PerPatch asks for each use.
type PayloadFilter struct {
	OS       HostOS
	Patch    ID
	State    PayloadState
	PerPatch bool
}

// AttemptFilter narrows ListAttempts, oldest first.
type AttemptFilter struct {
	Deployment string
	Machine    MachineID
	Patch      ID
	Order      string
	Ring       string
	Since      time.Time   // only those made then or later
	EndedSince time.Time   // only those that ended then or later
	Troubled   bool        // with EndedSince: only those of machines on which one of them failed
	Open       bool        // only those that have not ended
	Machines   []MachineID // only theirs; empty: all
}

// AttemptUpdate is one line of a machine's journal: what it changes in its attempt. Seq is the line's number in that machine's
// journal, without gaps; a Seq that was applied before changes nothing.
type AttemptUpdate struct {
	Seq        uint64
	Order      string
	Attempt    string
	At         time.Time
	Boot       string
	State      Execution
	Cause      FailCause
	Text       string
	Log        string
	Bytes      int64
	Total      int64
	RebootOwed bool
	Adds       bool // the attempt has ended; text and log are added to what was told
}

// EffectUpdate is what a complete snapshot proved about an attempt.
type EffectUpdate struct {
	Attempt     string
	VerifiedSeq uint64
	Effect      Effect
	RebootOwed  bool
}

// OrderRow is an order as it was signed for one machine, kept so that the same bytes go out again until it is finished.
type OrderRow struct {
	ID         string
	Machine    MachineID
	Number     uint64 // increases per machine
	Deployment string
	Envelope   []byte // JSON of the signed envelope
	IssuedAt   time.Time
	BeginsAt   time.Time // when the machine may begin; zero: at once
	ExpiresAt  time.Time
}
