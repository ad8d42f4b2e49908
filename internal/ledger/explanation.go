package ledger

import (
	"time"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Explanation is the whole answer to "why is this patch (not) on this machine, and how do I know".
type Explanation struct {
	At      time.Time      `json:"at"` // the moment that it speaks of
	Machine patch.Machine  `json:"machine"`
	Row     Row            `json:"row"`
	Answer  gate.Answer    `json:"answer"`
	Finding patch.Finding  `json:"finding"`           // recomputed from the stored facts; zero where there are none
	Receipt *patch.Receipt `json:"receipt,omitempty"` // the complete detect that it rests on
	Labels  []string       `json:"labels"`            // that the machine carries now
	// Proof says how the stored verdict was checked: "reproduced", "disagrees", or why it could not be.
	Proof Proof `json:"proof"`

	Decisions   []patch.Decision   `json:"decisions"`   // every decision about this patch, newest first
	Attempts    []patch.Attempt    `json:"attempts"`    // ours, newest first
	Transitions []patch.Transition `json:"transitions"` // of this patch on this machine, newest first
}

// Proof is the outcome of judging the stored facts once more.
type Proof struct {
	Outcome ProofOutcome  `json:"outcome"`
	Text    phrase.Phrase `json:"text"`
}

// ProofOutcome says whether the stored facts reproduce the stored verdict.
type ProofOutcome string

const (
	Reproduced ProofOutcome = "reproduced"
	Disagrees  ProofOutcome = "disagrees" // an alarm is raised
	Unproven   ProofOutcome = "unproven"  // facts, signatures or snapshot are not at hand; Text says which
)

// LabelExplanation is Explanation added up over a label's machines.
type LabelExplanation struct {
	At       time.Time     `json:"at"`
	Label    string        `json:"label"`
	Patch    patch.Patch   `json:"patch"`
	Total    int           `json:"total"`    // members, those never detected included
	Sentence phrase.Phrase `json:"sentence"` // "approved for 60: 41 patched, 7 not applicable (…), 5 stale, …"
	Groups   []Group       `json:"groups"`   // biggest first
}

// Group is the machines of a label that stand at the same gate for the same reason.
type Group struct {
	Standing phrase.Phrase `json:"standing"`
	Gate     gate.Name     `json:"gate,omitempty"` // empty: deployable
	Code     string        `json:"code"`
	Text     phrase.Phrase `json:"text"` // the reason without the machine's own details
	Count    int           `json:"count"`
	Machines []Named       `json:"machines"` // up to 50
	Next     phrase.Phrase `json:"next,omitempty"`
	Actor    gate.Actor    `json:"actor,omitempty"`
}

// Named is a machine with its name.
type Named struct {
	ID   patch.MachineID `json:"id"`
	Name string          `json:"name"`
	Text phrase.Phrase   `json:"text,omitempty"` // this machine's own details
}
