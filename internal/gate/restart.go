package gate

import (
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Restarts says how a restart that a machine owes comes, and who can act, by what its agent says about it: one that no plan permits, or permits no more,
// comes by nobody's hand.
func Restarts(m patch.Machine) (next phrase.Phrase, who Actor) {
	says, due := strings.CutPrefix(m.Busy, "reboot ")
	switch {
	case !due, strings.HasPrefix(says, "is not made: "), strings.HasPrefix(says, "waits: its window is over"):
		return "nothing restarts it by itself: somebody does there, or a plan of restarts (fettle deploy restart)", Person
	case strings.HasPrefix(says, "waits: the owner "):
		return "nothing until the owner allows it on the machine", Owner
	case Loops(m):
		return "somebody finds out what asks for a restart after every restart; the agent tries again at the time that it says", Person
	case strings.HasPrefix(says, "under way"):
		return "the machine is back, from another boot", Agent
	}
	return "the machine restarts, as its agent says", Agent
}

// Loops reports whether a machine's agent says that it restarts the machine no more for now: it owed a restart after each of the day's.
func Loops(m patch.Machine) bool {
	return strings.HasPrefix(m.Busy, "reboot waits: Fettle restarted it ")
}

// restartGates are those of a restart that is planned for itself. It rests on no patch, so nothing asks for an approval or for a detect: the machine's
// own word that it owes a restart is what it is for. How many restart at once is judged when the machine asks for leave.
func restartGates() []func(*World) Gate {
	return []func(*World) Gate{owed, freeze, window, machine, restartable, restartUnderWay}
}

// owed judges whether there is anything to restart for.
func owed(w *World) Gate {
	g := Gate{Name: Owed, Title: "a restart owed", At: w.Machine.SeenAt}
	switch {
	case w.Machine.RebootOwed:
		g.opens("it owes a restart")
	case w.Restart == patch.RebootForce:
		g.opens("it owes none, and the plan says so")
	default:
		g.closes(CodeNotOwed, "it owes no restart")
		g.ends(Nobody, "nothing until it owes one")
	}
	return g
}

// restartable judges whether the machine's owner lets Fettle restart it.
func restartable(w *World) Gate {
	g := Gate{Name: Preflight, Title: "machine ready", At: w.Machine.SeenAt}
	if p := w.Machine.Policy; !deploys(p) {
		return preflight(w)
	} else if strings.Contains(","+p+",", ",no-reboot,") {
		g.closes(CodeOwner, phrase.Of("the owner of {1} does not allow restarts ({2})", w.name(), p))
		g.ends(Owner, "nothing until the owner allows it on the machine")
		return g
	}
	g.opens("nothing on the machine is in the way")
	return g
}

// restartUnderWay keeps a machine from being told twice: by an order that it has not taken yet, by one that it has taken, and while it says itself that its
// restart comes, whatever order brings it.
func restartUnderWay(w *World) Gate {
	g := Gate{Name: Attempts, Title: "none under way"}
	from := func(a *patch.Attempt) { g.At, g.Evidence = a.CreatedAt, phrase.Of("deployment {1}", a.Deployment) }
	if a := w.underWay(); a != nil {
		g.closes(CodeUnderWay, "its restart is part of a deployment already, and the order waits for the machine")
		from(a)
		g.ends(Agent, "the agent takes the order")
		return g
	}
	says := strings.HasPrefix(w.Machine.Busy, "reboot ")
	next, who := Restarts(w.Machine)
	switch {
	case w.Own != "": // the order that is being handed out
	case says && (who == Agent || Loops(w.Machine)):
		g.closes(CodeUnderWay, phrase.Of("its restart is due already, and it says: {1}", phrase.Recall(w.Machine.Busy)))
		if w.RestartDue != nil {
			from(w.RestartDue)
		}
		g.ends(who, next)
		return g
	case !says && w.RestartDue != nil:
		g.closes(CodeUnderWay, phrase.Of("it has the order of deployment {1} to restart, and has not restarted yet", w.RestartDue.Deployment))
		from(w.RestartDue)
		g.ends(Agent, phrase.Of("the machine restarts; to have it restarted in another way, halt that first: {1}", "fettle deploy halt "+w.RestartDue.Deployment))
		return g
	}
	g.opens("no other deployment restarts it")
	return g
}

// concludeRestart fills an answer about a restart alone.
func (a *Answer) concludeRestart() {
	if a.Deployable {
		a.Sentence, a.Next, a.Actor = "Nothing stands in the way of a restart.", "applying the plan restarts it", Person
		return
	}
	a.Sentence = phrase.Sentence(a.Closed.Text)
	a.Next, a.NextAt, a.Actor = a.Closed.Next, a.Closed.NextAt, a.Closed.Actor
}
