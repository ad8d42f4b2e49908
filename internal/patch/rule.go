package patch

import "time"

// ByRule is what the By of a decision that a rule made begins with.
const ByRule = "rule "

// Rule decides for people: every patch that meets all of its conditions is approved or declined for a label, once it has been out for
// a while. Its decisions are decisions like any other, made by "rule NAME vVERSION".
type Rule struct {
	Name  string `json:"name"`
	Label string `json:"label"`
	Verb  Verb   `json:"verb"` // Approve or Decline
	// Expr is a CEL condition over "patch"; empty: every patch. See package approval for what it may read.
	Expr string `json:"expr,omitempty"`
	// Patches is a label of patches that the rule keeps to; empty: all.
	Patches string `json:"patches,omitempty"`
	// AfterRing is a ring that a patch must have passed; empty: none.
	AfterRing string `json:"after_ring,omitempty"`
	// SoakDays is how many days after its release a patch is decided, or after it passed the ring.
	SoakDays int    `json:"soak_days,omitempty"`
	Note     string `json:"note,omitempty"`
	Paused   bool   `json:"paused,omitempty"`
	Version  int    `json:"version"` // counts the changes; the store sets it

	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by"`
	ChangedAt time.Time `json:"changed_at"`
	ChangedBy string    `json:"changed_by"`
}
