package ledger

import (
	"time"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Row is one machine and one patch: four axes, side by side and never merged.
type Row struct {
	Machine     patch.MachineID `json:"machine"`
	MachineName string          `json:"machine_name"`
	OS          patch.HostOS    `json:"os"`
	Patch       patch.Patch     `json:"patch"`

	Verdict   patch.Verdict   `json:"verdict"`
	Reason    patch.Reason    `json:"reason,omitzero"` // filled for the rows that are returned
	Policy    patch.Policy    `json:"policy"`
	Execution patch.Execution `json:"execution"`
	Cause     patch.FailCause `json:"cause,omitempty"` // why the newest attempt failed
	Effect    patch.Effect    `json:"effect,omitempty"`

	Deployable bool          `json:"deployable"`
	Standing   phrase.Phrase `json:"standing"` // two words: "patched", "not deployed", …
	// Gate, Code and Text are the first closed gate's; empty where the patch is deployable.
	Gate gate.Name     `json:"gate,omitempty"`
	Code string        `json:"code,omitempty"`
	Text phrase.Phrase `json:"text,omitempty"`

	Receipt ReceiptRef `json:"receipt,omitzero"`
	Closed  *Closing   `json:"closed,omitempty"` // the row left this machine's list
}

// ReceiptRef names the complete detect that a row's verdict rests on; zero where there is none.
type ReceiptRef struct {
	Seq   uint64    `json:"seq"`
	Ended time.Time `json:"ended"`
	Stale bool      `json:"stale"`
}

// Closing says when and why a row left the machine's list.
type Closing struct {
	At   time.Time     `json:"at"`
	Note phrase.Phrase `json:"note"` // "satisfied by upgrade: debian-12-amd64 → debian-13-amd64"
	Was  patch.Cause   `json:"cause"`
}

// RowFilter narrows Rows and PatchRows. Zero fields do not narrow.
type RowFilter struct {
	Verdicts   []patch.Verdict
	Stands     []patch.Stand
	Executions []patch.Execution
	Effects    []patch.Effect
	Category   patch.Category
	Severity   patch.Severity
	Gate       gate.Name
	Code       string
	Label      string          // PatchRows only: machines that carry it
	Text       string          // within id, title, CVEs or machine name
	Deployable bool            // only deployable rows
	Closed     bool            // include rows that left the list
	Sort       patch.PatchSort // PatchCounts only
	Waiting    Waiting         // PatchCounts and PatchTotals only: as a Roll has them; nil: found out where Stands asks for undecided ones
	Quick      bool            // PatchCounts only: without how many are deployable, for which machines' facts are read
	Limit      int             // 0: all
	Offset     int
}

// Summary counts what a filter selects from, and what it selected.
type Summary struct {
	Total      int          `json:"total"`    // rows in the ledger, closed ones left out
	Matching   int          `json:"matching"` // rows that the filter selects
	Verdicts   patch.Counts `json:"verdicts"` // by verdict, in the order not-applicable, not-patched, patched, error, unknown
	Stands     StandCounts  `json:"stands"`
	Executions ExecCounts   `json:"executions"`
	Effects    EffectCounts `json:"effects"`
	Deployable int          `json:"deployable"`
	// Buckets that an administrator acts on.
	Needed            int           `json:"needed"`              // eligible: not patched
	NeededSecurity    int           `json:"needed_security"`     // of those, security patches
	Undecided         int           `json:"undecided"`           // eligible and undecided
	ApprovedNotNeeded int           `json:"approved_not_needed"` // approved and not applicable here
	Closed            int           `json:"closed"`              // rows that left the list
	Stale             bool          `json:"stale"`               // of one machine: its newest snapshot is stale or missing
	Sentence          phrase.Phrase `json:"sentence"`
}

// StandCounts is a number of rows per policy.
type StandCounts struct {
	Undecided int `json:"undecided"`
	Approved  int `json:"approved"`
	Declined  int `json:"declined"`
	Held      int `json:"held"`
}

// ExecCounts is a number of rows per execution.
type ExecCounts struct {
	None        int `json:"none"`
	Waiting     int `json:"waiting"`
	Downloading int `json:"downloading"`
	Installing  int `json:"installing"`
	Done        int `json:"done"`
	Failed      int `json:"failed"`
	Withdrawn   int `json:"withdrawn"`
}

// EffectCounts is a number of rows per effect.
type EffectCounts struct {
	None         int `json:"none"`
	Verified     int `json:"verified"`
	NeedsReboot  int `json:"needs_reboot"`
	NotEffective int `json:"not_effective"`
	Undone       int `json:"undone"`
	RolledBack   int `json:"rolled_back"`
}
