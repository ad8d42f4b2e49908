package gate

import (
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/version"
)

// BackFact is what taking a patch back would do to a machine, and what is known about whether it can be done.
type BackFact struct {
	Install    *patch.Attempt // of ours, which brought the patch; nil where Fettle never installed it
	Steps      []BackStep
	FactsKnown bool // what the machine has now, package by package, is at hand
}

// BackStep is one package that would go back.
type BackStep struct {
	patch.Step
	Now    string        // the version that the machine has; empty where it has none
	NoWay  phrase.Phrase // why this kind of package cannot go back; empty where it can
	Offer  Offer
	Needed phrase.Phrase // who needs the newer version, and how; empty where nobody does
	Size   int64
	Error  phrase.Phrase // why the appliance could not fetch it, the last time that it tried
}

// Offer is where the version before can be had.
type Offer string

// Offers.
const (
	OfferNone   Offer = ""        // nowhere
	OfferVendor Offer = "offered" // the vendor's index has it, and the appliance not yet
	OfferKept   Offer = "kept"    // the appliance has it, verified
)

func (b *BackFact) says() phrase.Phrase {
	steps := make([]patch.Step, len(b.Steps))
	for i, s := range b.Steps {
		steps[i] = s.Step
	}
	return patch.StepsText(steps)
}

// stillThere is the installed test of a rollback.
func stillThere(w *World) Gate {
	g := installedTest(w)
	switch w.Verdict {
	case patch.Patched:
		g.Title, g.Actor, g.Next = "installed", Nobody, ""
		g.opens(g.Text)
	case patch.NotPatched:
		g.Title = "installed"
		g.closes(CodeNotThere, "it is not installed: there is nothing to take back")
		g.ends(Nobody, "nothing while it is missing")
	}
	return g
}

// previous judges whether every package of the patch can go back to exactly the version that was there before.
func previous(w *World) Gate {
	g := Gate{Name: Previous, Title: "the version before"}
	b := w.Back
	if w.Verdict != patch.Patched {
		g.unreach("does not matter: it is not installed")
		return g
	}
	switch {
	case b.Install == nil:
		g.closes(CodeNotOurs, "Fettle did not install it here, so what was there before is not known")
		g.ends(Owner, "take it back with the machine's own package manager; the next detect shows it")
		return g
	case !b.FactsKnown:
		g.closes(CodeNoFacts, "which versions the machine has is not known: the facts of its newest detect have not arrived")
		g.ends(Agent, "the agent sends them at its next check-in")
		return g
	case len(b.Steps) == 0:
		g.closes(CodeNothing, "it replaced no package, it only added some, and nothing is ever removed")
		g.ends(Owner, "remove them with the machine's own package manager")
		return g
	}
	for _, s := range b.Steps {
		if g.stays(s) {
			return g
		}
	}
	g.opens(b.says())
	g.At, g.Evidence = b.Install.EndedAt, phrase.Of("installed by deployment {1}", b.Install.Deployment)
	return g
}

// stays closes the gate for a package that cannot go back, and says why.
func (g *Gate) stays(s BackStep) bool {
	switch {
	case s.NoWay != "":
		g.closes(CodeNoWayBack, phrase.Of("{1} cannot go back: {2}", s.Name, s.NoWay))
		g.ends(Owner, "nothing by Fettle; what can be done is done on the machine itself")
	case s.Now != s.From:
		g.closes(CodeNewer, phrase.Of("{1} is at {2} by now, and the patch brought {3}", s.Name, given(phrase.Verbatim(s.Now), "no version"), s.From))
		g.ends(Person, "what came after it has to go back first")
	case s.Offer == OfferNone:
		g.closes(CodeLost, phrase.Of("{1} {2} is nowhere to be had: the vendor's index does not offer it, and the appliance has not kept it", s.Name, s.To))
		g.ends(Owner, "a newer patch comes after it, or the vendor offers that version again; to have it back before, the machine's own package manager and a file of your own")
	case s.Needed != "":
		g.closes(CodeNeeded, s.Needed)
		g.ends(Person, "what needs it has to go back too, or first")
	default:
		return false
	}
	return true
}

// backPayload judges the files that a machine would go back with.
func backPayload(w *World) Gate {
	g := Gate{Name: Payload, Title: "payload on the appliance"}
	var all int64
	for _, s := range w.Back.Steps {
		all += s.Size
		switch {
		case s.Offer != OfferVendor:
		case s.Error != "":
			g.closes(CodeFetchFail, phrase.Of("the appliance could not get {1}: {2}", s.Name+" "+s.To, phrase.Clause(s.Error)))
			g.ends(Appliance, "the appliance tries again")
			return g
		case w.Own != "":
			g.closes(CodeFetching, phrase.Of("the appliance fetches {1} {2}", s.Name, s.To))
			g.ends(Appliance, "the appliance fetches and verifies it")
			return g
		default:
			g.closes(CodeOnApply, phrase.Of("the vendor offers {1} {2}, and the appliance fetches it once the plan is applied", s.Name, s.To))
			g.ends(Appliance, "the appliance fetches and verifies it")
			return g
		}
	}
	if len(w.Back.Steps) == 0 {
		g.unreach("no file is needed")
		return g
	}
	g.opens(verifiedFiles(len(w.Back.Steps), all))
	return g
}

// GoesBack says why packages of this kind cannot go back; empty where they can.
func GoesBack(os patch.HostOS, p patch.PlanPackage) phrase.Phrase {
	switch {
	case p.Setup != nil:
		return "an installer for Windows has no way back to an exact version"
	case version.Of(os) != version.Dpkg && version.Of(os) != version.RPM:
		return "its package manager has no way back that Fettle knows"
	case p.Beside:
		return "the versions before it stay installed beside it; choose one of them at the next boot"
	case len(p.Replaces) > 0:
		return phrase.Of("it replaced {1}, and nothing puts that back in one step", p.Replaces[0].Name)
	}
	return ""
}

// rolledBack is the newest attempt where that took the patch back, proven, and it is missing still; nil otherwise.
func (w *World) rolledBack() *patch.Attempt {
	if a := w.last(); a != nil && a.Effect == patch.EffectRolledBack && w.Verdict == patch.NotPatched {
		return a
	}
	return nil
}

// saidBack says what a proven rollback did.
func saidBack(a patch.Attempt) phrase.Phrase {
	return phrase.Of("rolled back by deployment {1}: {2}, proven by {3}", a.Deployment, patch.StepsText(a.Back), snapshotNamed(a.VerifiedSeq))
}

// tookBack is the gate "installed" after a rollback.
func (g *Gate) tookBack(w *World, a patch.Attempt) {
	g.At, g.Evidence = a.EndedAt, phrase.Of("deployment {1}", a.Deployment)
	if a.State == patch.ExecDone {
		g.unreach(phrase.Of("taken back {1}, attempt {2}: {3}", phrase.At(w.Now, a.EndedAt), a.Number, patch.StepsText(a.Back)))
		return
	}
	g.closes(CodeFailed, phrase.Of("attempt {1} to take it back failed {2} ({3}): {4}", a.Number, phrase.At(w.Now, a.EndedAt), string(a.Cause), given(phrase.Clause(a.Text), "no text")))
}

// provenBack is the gate "verified" after a rollback that ended well.
func (g *Gate) provenBack(a patch.Attempt) {
	switch {
	case a.Effect == patch.EffectRolledBack:
		g.opens(saidBack(a))
		g.Evidence = snapshotNamed(a.VerifiedSeq)
	case a.Effect == patch.EffectNotEffective:
		g.closes(CodeNotEffective, phrase.Of("it was taken back without error, and the detect after it does not find exactly {1}", strings.Join(targets(a.Back), ", ")))
		g.ends(Person, "nothing until somebody looks at the machine")
	default:
		g.unreach("the detect after the rollback, with its facts, has not come yet")
	}
}

func targets(steps []patch.Step) []string {
	out := make([]string, len(steps))
	for i, s := range steps {
		out[i] = s.Name + " " + s.To
	}
	return out
}
