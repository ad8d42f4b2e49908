package patch

import (
	"fmt"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/phrase"
)

// Rollback makes a plan one that takes patches back: every package to exactly the version that it had before Fettle installed the patch.
type Rollback struct {
	// Deployment is the one whose installations are taken back; empty: the patches are named, for a label or for machines.
	Deployment string `json:"deployment,omitempty"`
	Why        string `json:"why"`
	// HoldUntil is until when the patches are held afterwards for exactly these machines; zero: they are not held.
	HoldUntil time.Time `json:"hold_until,omitzero"`
}

// HoldAfterRollback is for how long patches that were taken back are held where nobody says otherwise.
const HoldAfterRollback = 90 * 24 * time.Hour

// maxWhy bounds a reason in bytes.
const maxWhy = 2000

// Check says why a rollback cannot be planned at a moment; nil where it can.
func (r *Rollback) Check(now time.Time) error {
	switch {
	case strings.TrimSpace(r.Why) == "":
		return &Error{Kind: Invalid, What: "cannot plan the rollback", Why: "a reason is missing", Do: "Say why; it is kept, and the hold shows it."}
	case len(r.Why) > maxWhy:
		return Errorf(Invalid, "the reason is longer than %d bytes", maxWhy)
	case !r.HoldUntil.IsZero() && !r.HoldUntil.After(now):
		return &Error{Kind: Invalid, What: "the hold after the rollback ends in the past", Why: "it would hold nothing back", Do: "Name a moment in the future, or ask for no hold."}
	}
	return nil
}

// RollbackRequest is what a rollback was asked for with: enough to plan it once more, for a second person.
type RollbackRequest struct {
	Rollback
	Label    string        `json:"label,omitempty"`
	Machines []MachineID   `json:"machines,omitempty"`
	Window   Window        `json:"window,omitzero"`
	Reboot   *RebootPolicy `json:"reboot,omitempty"`
	Manner   *Manner       `json:"manner,omitempty"`
}

// Step is one package that goes from one exact version to another.
type Step struct {
	Name string `json:"name"`
	Arch string `json:"arch"`
	From string `json:"from"`
	To   string `json:"to"`
}

// String writes it as people read it: "openssl 3.0.2 → 3.0.1".
func (s Step) String() string { return fmt.Sprintf("%s %s → %s", s.Name, s.From, s.To) }

// StepsOf are the steps of packages.
func StepsOf(packages []PlanPackage) []Step {
	out := make([]Step, len(packages))
	for i, p := range packages {
		out[i] = Step{Name: p.Name, Arch: p.Arch, From: p.From, To: p.Version}
	}
	return out
}

// StepsText lists steps, the first few by name.
func StepsText(steps []Step) phrase.Phrase {
	const named = 4
	parts := make([]string, 0, named)
	for _, s := range steps[:min(named, len(steps))] {
		parts = append(parts, s.String())
	}
	text := strings.Join(parts, ", ")
	if n := len(steps) - named; n > 0 {
		return phrase.Of("{1} and {2} more", text, n)
	}
	return phrase.Verbatim(text)
}

// Need is a dependency of a package in one version: one of the relations must hold.
type Need struct {
	By    InstalledPackage `json:"by"`
	AnyOf []Relation       `json:"any_of"`
}

// TakesBack reports whether an attempt takes its patch back instead of installing it.
func (a *Attempt) TakesBack() bool { return len(a.Back) > 0 }

// Keep is what a rollback leaves behind: a label of exactly the machines that it was for, and holds for it.
type Keep struct {
	Label     Label
	Decisions []Decision
}
