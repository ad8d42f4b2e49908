package gate

import (
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

func installed(w *World) Gate {
	g := Gate{Name: Installed, Title: "installed by Fettle"}
	a := w.last()
	switch {
	case a == nil && w.Verdict == patch.Patched:
		g.unreach("it was not Fettle that installed it")
	case a == nil:
		g.unreach("not yet")
	case a.TakesBack():
		g.tookBack(w, *a)
	case a.State == patch.ExecDone:
		g.opens(phrase.Of("{1}, attempt {2}", phrase.At(w.Now, a.EndedAt), a.Number))
		g.At, g.Evidence = a.EndedAt, phrase.Of("deployment {1}", a.Deployment)
	default:
		g.closes(CodeFailed, phrase.Of("attempt {1} failed {2} ({3}): {4}", a.Number, phrase.At(w.Now, a.EndedAt), string(a.Cause), given(phrase.Clause(a.Text), "no text")))
		g.At, g.Evidence = a.EndedAt, phrase.Of("deployment {1}", a.Deployment)
	}
	return g
}

func reboot(w *World) Gate {
	g := Gate{Name: Reboot, Title: "no reboot owed"}
	a := w.last()
	if a == nil || a.State != patch.ExecDone {
		g.unreach("not yet")
		return g
	}
	// The machine's own word is live and clears the debt; a word from before the install does not.
	if (a.RebootOwed || a.Effect == patch.EffectNeedsReboot) && (w.Machine.RebootOwed || !w.seenSince(*a)) {
		g.closes(CodeRebootOwed, phrase.Of("{1} owes a reboot before it takes effect", w.name()))
		if strings.HasPrefix(w.Machine.Busy, "reboot ") {
			g.Evidence = phrase.Of("its agent says: {1}", phrase.Recall(w.Machine.Busy))
		}
		g.At = w.Machine.SeenAt
		next, who := Restarts(w.Machine)
		g.ends(who, next)
		if w.RebootsMost > 0 && w.Rebooting >= w.RebootsMost {
			g.Text = phrase.Count(w.Rebooting, "{1}, and waits: {n} machine of {2} reboots, and {3} may at once", "{1}, and waits: {n} machines of {2} reboot, and {3} may at once", g.Text, w.RebootsOf, w.RebootsMost)
			g.ends(Agent, "one of them is back")
		}
		return g
	}
	g.opens("none is owed for it")
	g.At = w.Machine.SeenAt
	return g
}

func verified(w *World) Gate {
	g := Gate{Name: Verified, Title: "verified by detect"}
	a := w.last()
	sure := snapshot(w).State == Open
	if w.Receipt != nil {
		g.At, g.Evidence = w.Receipt.Taken(), snapshotNamed(w.Receipt.Seq)
	}
	switch {
	case a != nil && a.TakesBack() && a.State == patch.ExecDone && w.Verdict != patch.Patched:
		g.provenBack(*a)
	case w.Verdict == patch.Patched && sure:
		g.opens(phrase.Of("the complete detect of {1} says patched", phrase.At(w.Now, g.At)))
	case a != nil && a.State == patch.ExecDone && a.Effect == patch.EffectNotEffective:
		g.closes(CodeNotEffective, "it was installed without error, and the detect after it still says not patched")
		g.ends(Person, "nothing until somebody looks at the machine")
	case a != nil && a.State == patch.ExecDone && a.VerifiedSeq == 0:
		g.unreach("the detect after the install has not come yet")
	case a != nil && a.VerifiedSeq != 0 && a.Effect != patch.EffectNone:
		g.opens(phrase.Of("{1} said patched", snapshotNamed(a.VerifiedSeq)))
		g.Evidence = snapshotNamed(a.VerifiedSeq)
	case a != nil && a.VerifiedSeq != 0 && a.State == patch.ExecDone:
		g.unreach(phrase.Of("the detect after the install says {1}", VerdictWord(w.Verdict)))
	default:
		g.At, g.Evidence = time.Time{}, ""
		g.unreach("not yet")
	}
	return g
}

func undone(w *World) Gate {
	g := Gate{Name: Undone, Title: "not undone"}
	a := w.last()
	switch {
	case a != nil && a.Effect == patch.EffectRolledBack && w.Verdict != patch.Patched:
		g.unreach("Fettle itself took it back")
	case w.Verdict == patch.Patched:
		g.opens("nothing has taken it away")
	case w.Changed != nil:
		g.closes(CodeUndone, phrase.Of("it was patched, and something other than Fettle changed that {1}", phrase.At(w.Now, w.Changed.At)))
		if w.Changed.Note != "" {
			g.Text = phrase.Of("{1}: {2}", g.Text, w.Changed.Note)
		}
		g.At, g.Evidence = w.Changed.At, snapshotNamed(w.Changed.Seq)
		g.ends(Owner, "find out what changes the machine beside Fettle")
	case a != nil && a.Effect == patch.EffectUndone && !a.TakesBack():
		g.closes(CodeUndone, "Fettle's install was verified, and is not there any more")
		g.At = a.EndedAt
		g.ends(Owner, "find out what changes the machine beside Fettle")
	default:
		g.unreach("not yet")
	}
	return g
}
