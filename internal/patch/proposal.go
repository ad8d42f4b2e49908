package patch

import "time"

// ProposalState is what became of a proposal.
type ProposalState string

const (
	Proposed  ProposalState = "open"      // it waits for a second person
	Confirmed ProposalState = "confirmed" // the decisions were made
	Rejected  ProposalState = "rejected"  // by somebody else
	Withdrawn ProposalState = "withdrawn" // by whoever proposed it
)

// Proposal is a decision that one person wants and a second one has to confirm before it counts.
type Proposal struct {
	ID      string    `json:"id"`
	Patches []ID      `json:"patches"`
	Label   string    `json:"label"`
	Verb    Verb      `json:"verb"`
	Until   time.Time `json:"until,omitzero"`
	Owner   string    `json:"owner,omitempty"` // of a Hold
	Via     string    `json:"via,omitempty"`   // the label of patches that it was named by, if all of it was
	By      string    `json:"by"`              // a person, or "rule NAME vVERSION"
	// Author is the person behind By: of a rule, whoever changed it last. Neither can confirm.
	Author string    `json:"author"`
	At     time.Time `json:"at"`
	Why    string    `json:"why,omitempty"`

	// Rollback is a plan to take patches back that waits; Verb is TakeBack then, and Plan the hash of what the second person confirms.
	Rollback *RollbackRequest `json:"rollback,omitempty"`
	Plan     Hash             `json:"plan,omitempty"`

	State      ProposalState `json:"state"`
	AnsweredBy string        `json:"answered_by,omitempty"`
	AnsweredAt time.Time     `json:"answered_at,omitzero"`
	Answer     string        `json:"answer,omitempty"` // why it was confirmed or rejected
}
