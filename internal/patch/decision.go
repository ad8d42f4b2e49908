package patch

import "time"

// LabelAll is the built-in label that every admitted machine has.
const LabelAll = "all"

// LabelOf says what a label names.
type LabelOf string

const (
	OfMachines LabelOf = ""        // decisions, schedules and plans are for these
	OfPatches  LabelOf = "patches" // decisions and rules are about these
)

// LabelPrefix goes before a label's name where patches are named: "label:browsers" is every patch that carries it.
const LabelPrefix = "label:"

// Label is a named set of machines or of patches. Exactly one of Members or Patches (by hand) and Expr (smart, CEL) is used; LabelAll has
// neither.
type Label struct {
	Name      string      `json:"name"`
	Of        LabelOf     `json:"of,omitempty"`
	Note      string      `json:"note,omitempty"`
	Expr      string      `json:"expr,omitempty"`
	Members   []MachineID `json:"members,omitempty"`
	Patches   []ID        `json:"patches,omitempty"`
	CreatedAt time.Time   `json:"created_at"`
	CreatedBy string      `json:"created_by"`
}

// Verb is what a person decided.
type Verb string

const (
	Approve Verb = "approve"
	Decline Verb = "decline"
	Hold    Verb = "hold"  // not before Until
	Clear   Verb = "clear" // take the newest decision for this patch and label back
	// TakeBack is in proposals only: a rollback is a deployment and no decision that counts.
	TakeBack Verb = "rollback"
)

// Decision is one person's decision about one patch for one label. For each (patch, label) the newest one counts;
// the older ones stay as history.
type Decision struct {
	ID    string    `json:"id"`
	Patch ID        `json:"patch"`
	Label string    `json:"label"`
	Verb  Verb      `json:"verb"`
	Until time.Time `json:"until,omitzero"` // for Hold
	// Owner is whom to ask about a Hold; empty: whoever decided.
	Owner string    `json:"owner,omitempty"`
	By    string    `json:"by"`
	At    time.Time `json:"at"`
	Why   string    `json:"why,omitempty"`
	// Members is how many machines carried the label when it was decided; it goes into the audit log, and is 0 when read back.
	Members int `json:"members,omitempty"`
	// Via is the label of patches that it was decided about, if it was; the patch is one of those that carried it then.
	Via string `json:"via,omitempty"`
	// Scope names the machines that carried Label when it was decided, as storage keeps them; empty for decisions from before that.
	Scope Hash `json:"scope,omitempty"`
	// Second is who confirmed it, where two persons were needed.
	Second string `json:"second,omitempty"`
}

// Stand is the policy axis of a ledger row.
type Stand string

const (
	Undecided Stand = "undecided"
	Approved  Stand = "approved"
	Declined  Stand = "declined"
	HeldBack  Stand = "held"
)

// Policy is where a patch stands for one machine, and which decision put it there.
type Policy struct {
	Stand Stand `json:"stand"`
	// Decisions that apply to this machine and carry the stand; for Undecided those for labels the machine is not in.
	Decisions []Decision `json:"decisions,omitempty"`
}
