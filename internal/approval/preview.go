package approval

import (
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Preview is the consequence of a decision in numbers. Every member of the label counts once per patch.
type Preview struct {
	Request  Request        `json:"request"`
	Members  int            `json:"members"`  // machines in the label now
	Sentence phrase.Phrase  `json:"sentence"` // Approve perl 5.36.0-7+deb12u4 for "web" (60 machines) — now: 41 machines will get it with the next deployment, …
	Patches  []PatchPreview `json:"patches"`
	OSes     []OSPreview    `json:"oses"` // the same numbers added up per host OS
	// Machines is how many distinct machines could be given at least one of the patches.
	Machines int   `json:"machines"`
	Bytes    int64 `json:"bytes"` // the appliance has still to fetch, once for all machines
	// Adds are undecided patches that the chosen ones need: with these in the same decision nothing is kept back for want of them.
	Adds []patch.ID `json:"adds"`
}

// PatchPreview is the consequence for one patch.
type PatchPreview struct {
	Patch patch.Patch  `json:"patch"`
	OS    patch.HostOS `json:"os"`
	Tally
	Bytes int64 `json:"bytes"`
}

// OSPreview is the consequence for one host OS: the sum over patches.
type OSPreview struct {
	OS patch.HostOS `json:"os"`
	Tally
}

// Tally counts machines (or machine × patch pairs) by what the newest snapshots say.
type Tally struct {
	Total         int      `json:"total"`
	Eligible      Bucket   `json:"eligible"` // not patched, by a fresh complete snapshot
	Patched       Bucket   `json:"patched"`
	NotApplicable []Reason `json:"not_applicable"` // by reason, biggest first
	Error         Bucket   `json:"error"`
	Unknown       Bucket   `json:"unknown"`      // no complete snapshot covers it
	OtherOS       Bucket   `json:"other_os"`     // of another host OS: the patch is not on its list
	Stale         Bucket   `json:"stale"`        // the newest snapshot is too old, or its detect failed since
	Deployable    Bucket   `json:"deployable"`   // would be deployable once decided (payloads fetched)
	StaysClosed   []Stays  `json:"stays_closed"` // eligible, but another gate stays closed
	Needs         []Needs  `json:"needs"`        // of these: what needs another patch that is not approved for it, by that patch
}

// Bucket is a number of machines and the first of their names.
type Bucket struct {
	Count int      `json:"count"`
	Names []string `json:"names,omitempty"` // up to 50
}

// Reason is a bucket of machines to which a patch does not apply for the same reason.
type Reason struct {
	Code string        `json:"code"`
	Text phrase.Phrase `json:"text"`
	Bucket
}

// Stays is a bucket of eligible machines that a decision would not make deployable, by the gate that stays closed.
type Stays struct {
	Gate gate.Name     `json:"gate"`
	Code string        `json:"code"`
	Text phrase.Phrase `json:"text"`
	Bucket
}
