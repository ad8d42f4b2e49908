package gate

import (
	"fmt"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

func installed(w World) Gate {
	g := Gate{Name: Installed, Title: "installed by Fettle"}
	a := w.last()
	switch {
	case a == nil && w.Verdict == patch.Patched:
		g.unreached("it was not Fettle that installed it")
	case a == nil:
		g.unreached("not yet")
	case a.TakesBack():
		g.tookBack(w, *a)
	case a.State == patch.ExecDone:
		g.open(fmt.Sprintf("%s, attempt %d", clock(w.Now, a.EndedAt), a.Number))
		g.At, g.Evidence = a.EndedAt, phrase.Of("deployment {1}", a.Deployment)
	default:
		g.close(CodeFailed, fmt.Sprintf("attempt %d failed %s (%s): %s", a.Number, clock(w.Now, a.EndedAt), a.Cause, or(clause(a.Text), "no text")))
		g.At, g.Evidence = a.EndedAt, phrase.Of("deployment {1}", a.Deployment)
	}
	return g
}

func reboot(w World) Gate {
	g := Gate{Name: Reboot, Title: "no reboot owed"}
	a := w.last()
	if a == nil || a.State != patch.ExecDone {
		g.unreached("not yet")
		return g
	}
	// The machine's own word is live and clears the debt; a word from before the install does not.
	if (a.RebootOwed || a.Effect == patch.EffectNeedsReboot) && (w.Machine.RebootOwed || w.Machine.SeenAt.Before(a.EndedAt)) {
		g.close(CodeRebootOwed, fmt.Sprintf("%s owes a reboot before it takes effect", w.name()))
		if strings.HasPrefix(w.Machine.Busy, "reboot ") {
			g.Evidence = phrase.Of("its agent says: {1}", w.Machine.Busy)
		}
		g.At = w.Machine.SeenAt
		g.until(Owner, "it clears by itself after the reboot")
		if w.RebootsMost > 0 && w.Rebooting >= w.RebootsMost {
			g.Text = phrase.Count(w.Rebooting, "{1}, and waits: {n} machine of {2} reboots, and {3} may at once", "{1}, and waits: {n} machines of {2} reboot, and {3} may at once", g.Text, w.RebootsOf, w.RebootsMost)
			g.until(Agent, "one of them is back")
		}
		return g
	}
	g.open("none is owed for it")
	g.At = w.Machine.SeenAt
	return g
}

func verified(w World) Gate {
	g := Gate{Name: Verified, Title: "verified by detect"}
	a := w.last()
	sure := snapshot(w).State == Open
	if w.Receipt != nil {
		g.At, g.Evidence = Taken(w.Receipt), snapshotNamed(w.Receipt.Seq)
	}
	switch {
	case a != nil && a.TakesBack() && a.State == patch.ExecDone && w.Verdict != patch.Patched:
		g.provenBack(*a)
	case w.Verdict == patch.Patched && sure:
		g.open(fmt.Sprintf("the complete detect of %s says patched", clock(w.Now, g.At)))
	case a != nil && a.State == patch.ExecDone && a.Effect == patch.EffectNotEffective:
		g.close(CodeNotEffective, "it was installed without error, and the detect after it still says not patched")
		g.until(Person, "nothing until somebody looks at the machine")
	case a != nil && a.State == patch.ExecDone && a.VerifiedSeq == 0:
		g.unreached("the detect after the install has not come yet")
	case a != nil && a.VerifiedSeq != 0 && a.Effect != patch.EffectNone:
		g.open(fmt.Sprintf("snapshot %d said patched", a.VerifiedSeq))
		g.Evidence = snapshotNamed(a.VerifiedSeq)
	case a != nil && a.VerifiedSeq != 0 && a.State == patch.ExecDone:
		g.unreached(fmt.Sprintf("the detect after the install says %s", w.Verdict))
	default:
		g.At, g.Evidence = time.Time{}, ""
		g.unreached("not yet")
	}
	return g
}

func undone(w World) Gate {
	g := Gate{Name: Undone, Title: "not undone"}
	a := w.last()
	switch {
	case a != nil && a.Effect == patch.EffectRolledBack && w.Verdict != patch.Patched:
		g.unreached("Fettle itself took it back")
	case w.Verdict == patch.Patched:
		g.open("nothing has taken it away")
	case w.Changed != nil:
		g.close(CodeUndone, "it was patched, and something other than Fettle changed that "+clock(w.Now, w.Changed.At))
		if w.Changed.Note != "" {
			g.Text = phrase.Of("{1}: {2}", g.Text, w.Changed.Note)
		}
		g.At, g.Evidence = w.Changed.At, snapshotNamed(w.Changed.Seq)
		g.until(Owner, "find out what changes the machine beside Fettle")
	case a != nil && a.Effect == patch.EffectUndone && !a.TakesBack():
		g.close(CodeUndone, "Fettle's install was verified, and is not there any more")
		g.At = a.EndedAt
		g.until(Owner, "find out what changes the machine beside Fettle")
	default:
		g.unreached("not yet")
	}
	return g
}
