package gate

import (
	"fmt"
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
	Now    string // the version that the machine has; empty where it has none
	NoWay  string // why this kind of package cannot go back; empty where it can
	Offer  Offer
	Needed string // who needs the newer version, and how; empty where nobody does
	Size   int64
	Error  string // why the appliance could not fetch it, the last time that it tried
}

// Offer is where the version before can be had.
type Offer string

// Offers.
const (
	OfferNone   Offer = ""        // nowhere
	OfferVendor Offer = "offered" // the vendor's index has it, and the appliance not yet
	OfferKept   Offer = "kept"    // the appliance has it, verified
)

func (b *BackFact) says() string {
	steps := make([]patch.Step, len(b.Steps))
	for i, s := range b.Steps {
		steps[i] = s.Step
	}
	return patch.StepsText(steps)
}

// stillThere is the installed test of a rollback.
func stillThere(w World) Gate {
	g := installedTest(w)
	switch w.Verdict {
	case patch.Patched:
		g.Title, g.Actor, g.Next = "installed", Nobody, ""
		g.opens(g.Text)
	case patch.NotPatched:
		g.Title = "installed"
		g.close(CodeNotThere, "it is not installed: there is nothing to take back")
		g.until(Nobody, "nothing while it is missing")
	}
	return g
}

// previous judges whether every package of the patch can go back to exactly the version that was there before.
func previous(w World) Gate {
	g := Gate{Name: Previous, Title: "the version before"}
	b := w.Back
	if w.Verdict != patch.Patched {
		g.unreached("does not matter: it is not installed")
		return g
	}
	switch {
	case b.Install == nil:
		g.close(CodeNotOurs, "Fettle did not install it here, so what was there before is not known")
		g.until(Owner, "take it back with the machine's own package manager; the next detect shows it")
		return g
	case !b.FactsKnown:
		g.close(CodeNoFacts, "which versions the machine has is not known: the facts of its newest detect have not arrived")
		g.until(Agent, "the agent sends them at its next check-in")
		return g
	case len(b.Steps) == 0:
		g.close(CodeNothing, "it replaced no package, it only added some, and nothing is ever removed")
		g.until(Owner, "remove them with the machine's own package manager")
		return g
	}
	for _, s := range b.Steps {
		if g.stays(s) {
			return g
		}
	}
	g.open(b.says())
	g.At, g.Evidence = b.Install.EndedAt, phrase.Of("installed by deployment {1}", b.Install.Deployment)
	return g
}

// stays closes the gate for a package that cannot go back, and says why.
func (g *Gate) stays(s BackStep) bool {
	switch {
	case s.NoWay != "":
		g.close(CodeNoWayBack, fmt.Sprintf("%s cannot go back: %s", s.Name, s.NoWay))
		g.until(Owner, "nothing by Fettle")
	case s.Now != s.From:
		g.close(CodeNewer, fmt.Sprintf("%s is at %s by now, and the patch brought %s", s.Name, or(s.Now, "no version"), s.From))
		g.until(Person, "what came after it has to go back first")
	case s.Offer == OfferNone:
		g.close(CodeLost, fmt.Sprintf("%s %s is nowhere to be had: the vendor's index does not offer it, and the appliance has not kept it", s.Name, s.To))
		g.until(Nobody, "nothing unless the vendor offers it again")
	case s.Needed != "":
		g.close(CodeNeeded, s.Needed)
		g.until(Person, "what needs it has to go back too, or first")
	default:
		return false
	}
	return true
}

// backPayload judges the files that a machine would go back with.
func backPayload(w World) Gate {
	g := Gate{Name: Payload, Title: "payload on the appliance"}
	var all int64
	for _, s := range w.Back.Steps {
		all += s.Size
		switch {
		case s.Offer != OfferVendor:
		case s.Error != "":
			g.close(CodeFetchFail, fmt.Sprintf("the appliance could not get %s %s: %s", s.Name, s.To, clause(s.Error)))
			g.until(Appliance, "the appliance tries again")
			return g
		case w.Own != "":
			g.close(CodeFetching, fmt.Sprintf("the appliance fetches %s %s", s.Name, s.To))
			g.until(Appliance, "the appliance fetches and verifies it")
			return g
		default:
			g.close(CodeOnApply, fmt.Sprintf("the vendor offers %s %s, and the appliance fetches it once the plan is applied", s.Name, s.To))
			g.until(Appliance, "the appliance fetches and verifies it")
			return g
		}
	}
	if len(w.Back.Steps) == 0 {
		g.unreached("no file is needed")
		return g
	}
	g.open(fmt.Sprintf("%s, %s, verified", count(len(w.Back.Steps), "file"), size(all)))
	return g
}

// GoesBack says why packages of this kind cannot go back; empty where they can.
func GoesBack(os patch.HostOS, p patch.PlanPackage) string {
	switch {
	case p.Setup != nil:
		return "an installer for Windows has no way back to an exact version"
	case version.Of(os) != version.Dpkg && version.Of(os) != version.RPM:
		return "its package manager has no way back that Fettle knows"
	case p.Beside:
		return "the versions before it stay installed beside it; choose one of them at the next boot"
	case len(p.Replaces) > 0:
		return "it replaced " + p.Replaces[0].Name + ", and nothing puts that back in one step"
	}
	return ""
}

// rolledBack is the newest attempt where that took the patch back, proven, and it is missing still; nil otherwise.
func (w World) rolledBack() *patch.Attempt {
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
func (g *Gate) tookBack(w World, a patch.Attempt) {
	g.At, g.Evidence = a.EndedAt, phrase.Of("deployment {1}", a.Deployment)
	if a.State == patch.ExecDone {
		g.unreached(fmt.Sprintf("taken back %s, attempt %d: %s", clock(w.Now, a.EndedAt), a.Number, patch.StepsText(a.Back)))
		return
	}
	g.close(CodeFailed, fmt.Sprintf("attempt %d to take it back failed %s (%s): %s", a.Number, clock(w.Now, a.EndedAt), a.Cause, or(clause(a.Text), "no text")))
}

// provenBack is the gate "verified" after a rollback that ended well.
func (g *Gate) provenBack(a patch.Attempt) {
	switch {
	case a.Effect == patch.EffectRolledBack:
		g.opens(saidBack(a))
		g.Evidence = snapshotNamed(a.VerifiedSeq)
	case a.Effect == patch.EffectNotEffective:
		g.close(CodeNotEffective, "it was taken back without error, and the detect after it does not find exactly "+strings.Join(targets(a.Back), ", "))
		g.until(Person, "nothing until somebody looks at the machine")
	default:
		g.unreached("the detect after the rollback, with its facts, has not come yet")
	}
}

func targets(steps []patch.Step) []string {
	out := make([]string, len(steps))
	for i, s := range steps {
		out[i] = s.Name + " " + s.To
	}
	return out
}
