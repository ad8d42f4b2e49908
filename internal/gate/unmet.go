package gate

import (
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// foretold closes a gate because of a dependency that is known before the machine tries.
func foretold(w *World, g *Gate) {
	g.closes(CodeDependency, SaysUnmet(w.Now, *w.Unmet))
	g.Foretold = true
	o := w.Unmet.Origin
	g.Evidence = phrase.Of("foretold from the vendor's index {1}", strings.TrimSpace(o.Suite+" "+o.Component))
	if !o.Dated.IsZero() {
		g.Evidence = phrase.Of("foretold from the vendor's index {1} of {2}", strings.TrimSpace(o.Suite+" "+o.Component), on(w.Now, o.Dated))
	}
	if w.Receipt != nil {
		g.At = w.Receipt.Taken()
		g.Evidence = phrase.Of("{1} and the machine's packages of {2}", g.Evidence, phrase.At(w.Now, g.At))
	}
	d, _ := approval(w.Policy)
	g.Next, g.Actor, g.NextAt = EndsUnmet(*w.Unmet, d.Label)
}

// SaysUnmet names a dependency that is foretold to be unmet, and the patch that would meet it with where that stands.
func SaysUnmet(now time.Time, u patch.Unmet) phrase.Phrase {
	need := phrase.Of("{1} {2} needs {3}", u.By.Name, u.By.Version, u.Clause)
	if u.Breaks {
		need = phrase.Of("{1} {2} does not go together with {3}, and {4} is installed", u.By.Name, u.By.Version, u.Clause, u.Here.Version)
	}
	switch {
	case u.Held && u.RPM:
		return phrase.Of("{1}, and {2} is held on this machine (exclude or versionlock) at {3}", need, u.Here.Name, u.Here.Version)
	case u.Held:
		return phrase.Of("{1}, and {2} is held on this machine (apt-mark hold) at {3}", need, u.Here.Name, u.Here.Version)
	case u.Patch == "" && u.Breaks:
		return phrase.Of("{1}, and no patch changes that", need)
	case u.Patch == "" && u.Here.Name != "":
		return phrase.Of("{1}, and {2} {3} is installed, for which there is no patch", need, u.Here.Name, u.Here.Version)
	case u.Patch == "":
		return phrase.Of("{1}, which is not installed and in no patch", need)
	case u.Absent && u.Here.Name != "":
		return phrase.Of("{1}; {2} has it, and does not apply to this machine", need, string(u.Patch))
	case u.Absent:
		return phrase.Of("{1}, which is not installed; {2} has it, and brings to a machine only what it has already", need, string(u.Patch))
	case u.Breaks:
		return phrase.Of("{1}; the newer one is patch {2}, {3}", need, string(u.Patch), stands(now, u))
	}
	return phrase.Of("{1}, which is patch {2}, {3}", need, string(u.Patch), stands(now, u))
}

// stands says in few words where the patch that is needed stands.
func stands(now time.Time, u patch.Unmet) phrase.Phrase {
	switch {
	case u.Further != nil:
		return phrase.Of("approved, but {1}", SaysUnmet(now, *u.Further))
	case u.Policy.Stand == patch.Approved:
		return "approved, and not in this plan"
	case u.Policy.Stand == patch.Declined:
		return "declined"
	case u.Policy.Stand == patch.HeldBack:
		return phrase.Of("on hold until {1}", phrase.At(now, heldUntil(u.Policy)))
	}
	return "undecided"
}

func heldUntil(p patch.Policy) (until time.Time) {
	for d := range withVerb(p, patch.Hold) {
		if d.Until.After(until) {
			until = d.Until
		}
	}
	return until
}

// EndsUnmet says what ends a dependency that is foretold to be unmet, whose move that is, and when it ends by itself. The label is that for which
// the patch in question is approved.
func EndsUnmet(u patch.Unmet, label string) (next phrase.Phrase, who Actor, at time.Time) {
	approve := "fettle approve " + string(u.Patch) + " --label " + label
	switch {
	case u.Further != nil:
		return EndsUnmet(*u.Further, label)
	case u.Held && u.RPM:
		return "nothing until the hold on the machine is lifted (exclude or dnf versionlock)", Owner, at
	case u.Held:
		return "nothing until the hold on the machine is lifted (apt-mark unhold)", Owner, at
	case u.Patch == "", u.Absent:
		return "nothing until the machine's administrator installs what it needs, or the vendor brings a patch", Owner, at
	case u.Policy.Stand == patch.Declined:
		return phrase.Of("nothing until somebody takes the refusal of {1} back", string(u.Patch)), Person, at
	case u.Policy.Stand == patch.HeldBack:
		at = heldUntil(u.Policy)
		if _, approved := approval(u.Policy); approved {
			return "the hold of what it needs ends by itself", Time, at
		}
		return phrase.Of("approve it for this label: {1}", approve), Person, at
	case u.Policy.Stand == patch.Approved:
		return "plan what it needs too", Person, at
	}
	return phrase.Of("approve it for this label: {1}", approve), Person, at
}
