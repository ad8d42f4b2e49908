package patch

import "time"

// InstalledPatch is what Fettle installed of one patch in a time, under one approval.
type InstalledPatch struct {
	Patch    ID        `json:"patch"`
	Decision string    `json:"decision"` // the approval that it was installed under
	Machines int       `json:"machines"`
	Verified int       `json:"verified"` // of them, those whose next complete detect says patched
	First    time.Time `json:"first"`
	Last     time.Time `json:"last"`
}

// Installation is one patch that Fettle installed on one machine.
type Installation struct {
	Machine     MachineID `json:"machine"`
	Patch       ID        `json:"patch"`
	Decision    string    `json:"decision"`
	Deployment  string    `json:"deployment"`
	EndedAt     time.Time `json:"ended_at"`
	Effect      Effect    `json:"effect,omitempty"`
	VerifiedSeq uint64    `json:"verified_seq,omitempty"` // the snapshot that proved the effect, or its absence
}

// InstalledFilter selects installations that ended well in a time: all of them, or those of one patch under one approval.
type InstalledFilter struct {
	From, Until time.Time // the end is exclusive
	Patch       ID        // empty: every patch, under every approval
	Decision    string
	Proof       string // "proven": those that a complete detect says to hold; "unproven": the others
}
