package gate

import (
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// conclude fills the answer's own words from its gates.
func (a *Answer) conclude(w *World) {
	a.Standing = standing(w, a.Closed)
	if w.Restart != "" {
		a.concludeRestart()
		return
	}
	a.Sentence = phrase.Sentence(a.clause(w))
	switch {
	case a.Deployable && w.Back != nil:
		a.Next, a.Actor = "applying the plan takes it back", Person
	case a.Deployable:
		a.Next, a.Actor = "the next deployment installs it", Person
		if w.used() > 0 {
			a.Next = "the next deployment tries it again"
		}
		if f, ok := w.scheduled(); ok {
			a.Next, a.NextAt, a.Actor = phrase.Of("the schedule {1} installs it", f.Name), f.Start, Appliance
			if !f.Start.After(w.Now) {
				a.NextAt = time.Time{}
			}
		}
	default:
		a.Next, a.NextAt, a.Actor = a.Closed.Next, a.Closed.NextAt, a.Closed.Actor
		if a.Closed.Settled() {
			a.afterPatched()
		}
	}
	if a.Next == "" {
		a.Next = "nothing until the machine or a decision changes"
	}
}

// afterPatched says what is still to happen for a patch that is installed.
func (a *Answer) afterPatched() {
	if r := a.Gate(Reboot); r.State == Closed {
		a.Next, a.Actor = r.Next, r.Actor
	}
}

// standing says in two words how a patch stands whose first closed gate is this one; nil where it is deployable.
func standing(w *World, closed *Gate) phrase.Phrase {
	switch {
	case closed == nil && w.Restart != "":
		return "may restart"
	case w.Restart != "":
		return "not restarted"
	case closed == nil && w.Back != nil:
		return "can go back"
	case closed == nil:
		return "deployable"
	case closed.Code == CodeUnderWay && w.Verdict == patch.NotPatched, w.underWay() != nil && w.Verdict == patch.NotPatched:
		return "deploying"
	case closed.Name == List:
		return "not on the list"
	case closed.Name == Snapshot, closed.Name == Feed, closed.Name == Catalog:
		return "not known"
	case w.Verdict == patch.NotApplicable:
		return "not applicable"
	case w.Verdict == patch.Faulty:
		return "not judged"
	case w.Verdict == patch.Patched && reboot(w).State == Closed:
		return "patched, reboot owed"
	case w.Verdict == patch.Patched:
		return "patched"
	case w.rolledBack() != nil:
		return "rolled back"
	case verified(w).Code == CodeNotEffective:
		return "not effective"
	}
	return "not deployed"
}

// clause is the whole answer as one clause, without capital and full stop.
func (a *Answer) clause(w *World) phrase.Phrase {
	text := a.why(w)
	if back := w.rolledBack(); back != nil && w.Back == nil {
		text = phrase.Of("{1}; {2}", text, saidBack(*back))
	}
	return text
}

func (a *Answer) why(w *World) phrase.Phrase {
	if a.Deployable && w.Back != nil {
		return phrase.Of("it can be taken back: {1}", w.Back.says())
	}
	if a.Deployable {
		d, _ := approval(w.Policy)
		if used := w.used(); used > 0 {
			return phrase.Count(used, `approved for "{1}", and the next deployment tries it again: {n} attempt of {2} has failed on the patch itself`,
				`approved for "{1}", and the next deployment tries it again: {n} attempts of {2} have failed on the patch itself`, d.Label, w.Limits.MaxAttempts)
		}
		return phrase.Of(`approved for "{1}", and nothing stands in its way: the next deployment installs it`, d.Label)
	}
	if a.Closed.Settled() {
		return a.patched(w)
	}
	text := a.Closed.Text
	if a.Closed.Name == Snapshot && w.Verdict == patch.Patched {
		text = phrase.Of("it was patched when last judged, which does not count as patched now: {1}", text)
	}
	if d, ok := approval(w.Policy); ok && !a.Closed.aboutConsent() {
		return phrase.Of(`approved for "{1}", but {2}`, d.Label, text)
	}
	if a.Closed.Code == CodeUndecided || a.Closed.Code == CodeProposed {
		return phrase.Of("it is needed here, but {1}", text)
	}
	if w.Policy.Stand == patch.Declined && !a.Closed.aboutConsent() {
		return phrase.Of("{1}; besides, it is {2}", text, declined(w.Now, first(w.Policy.Decisions)))
	}
	return text
}

func (g *Gate) aboutConsent() bool {
	return g.Name == Policy || g.Name == Label
}

// patched tells how a patched machine came to be so, and how that is known.
func (a *Answer) patched(w *World) phrase.Phrase {
	judged := phrase.At(w.Now, a.Gate(InstalledTest).At)
	text := phrase.Of("patched: the detect of {1} says so", judged)
	if last := w.last(); last != nil && last.State == patch.ExecDone && !last.TakesBack() {
		text = phrase.Of("patched: Fettle installed it {1}, and the detect of {2} says so", phrase.At(w.Now, last.EndedAt), judged)
	}
	if r := a.Gate(Reboot); r.State == Closed {
		text = phrase.Of("{1}; {2}", text, r.Text)
	}
	return text
}
