package patch

import "time"

// The filters narrow a list: a zero field does not narrow, and all the given ones must hold.

// MachineFilter narrows ListMachines.
type MachineFilter struct {
	State MachineState `json:"state,omitempty"`
	OS    HostOS       `json:"os,omitempty"`
	Label string       `json:"label,omitempty"` // members by hand only; smart labels are evaluated in package label
}

// PatchFilter narrows SearchPatches. Text matches within id, title, source and CVEs.
type PatchFilter struct {
	OS          HostOS
	Text        string
	Category    Category
	IDs         []ID
	IncludeGone bool
	Limit       int // 0: all
	Offset      int
}

// PatchRow is a patch as the appliance keeps it for ever, also after it left its list.
type PatchRow struct {
	Patch
	OS            HostOS     `json:"os"`
	Ordinal       int        `json:"ordinal"` // its number among this OS's patches, never reused
	FirstRevision RevisionID `json:"first_revision"`
	GoneAt        time.Time  `json:"gone_at,omitzero"` // when it left the list; zero while it is on it
}

// TransitionFilter narrows ListTransitions, newest first.
type TransitionFilter struct {
	Machine MachineID
	Patch   ID
	Since   time.Time
	Limit   int // 0: all
}

// DecisionFilter narrows ListDecisions.
type DecisionFilter struct {
	Patch ID
	Label string
	OS    HostOS
}

// AttemptFilter narrows ListAttempts, oldest first.
type AttemptFilter struct {
	Deployment string
	Machine    MachineID
	Patch      ID
	Open       bool // only those that have not ended
}

// PayloadFilter narrows ListPayloads.
type PayloadFilter struct {
	Patch ID
	State PayloadState
}

// AttemptUpdate is one accepted line of an agent's journal: what it changes in its attempt. Seq is the line's number in that
// machine's journal; a Seq that was applied before changes nothing.
type AttemptUpdate struct {
	Seq        uint64
	Attempt    string
	Order      string
	At         time.Time
	State      Execution
	Cause      FailCause
	Text       string
	Log        string
	Bytes      int64
	TotalBytes int64
	RebootOwed bool
}

// AttemptEffect is what a complete snapshot proved about an attempt.
type AttemptEffect struct {
	Attempt     string
	VerifiedSeq uint64
	Effect      Effect
}

// StoredOrder is a signed order as it was handed to a machine, kept so that the same bytes go out again until it is finished.
type StoredOrder struct {
	ID         string
	Machine    MachineID
	Number     uint64 // increases per machine
	Deployment string
	Envelope   []byte // JSON of the signed envelope
	IssuedAt   time.Time
	ExpiresAt  time.Time
}
