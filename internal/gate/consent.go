package gate

import (
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

func policy(w *World) Gate {
	g := Gate{Name: Policy, Title: "approved"}
	p := w.Policy
	switch p.Stand {
	case patch.Declined:
		d, _ := firstWith(p, patch.Decline)
		g.closes(CodeDeclined, declined(w.Now, d))
		g.decided(d)
		g.ends(Person, "nothing until somebody takes the refusal back")
	case patch.Approved:
		d, ok := approval(p)
		if !ok {
			undecided(w, &g)
			break
		}
		g.opens(approved(w.Now, d))
		g.decided(d)
	case patch.HeldBack:
		if d, ok := approval(p); ok {
			g.opens(approved(w.Now, d))
			g.decided(d)
			break
		}
		g.opens("decided: see the hold")
	default:
		if w.Proposed != nil && w.Verdict != patch.Patched {
			proposed(w, &g)
			break
		}
		if d, ok := firstWith(p, patch.Approve); ok {
			g.opens(approved(w.Now, d))
			g.decided(d)
			break
		}
		undecided(w, &g)
	}
	return g
}

func proposed(w *World, g *Gate) {
	p := w.Proposed
	g.closes(CodeProposed, phrase.Of("it waits for a second person: proposed by {1} {2}", p.By, phrase.At(w.Now, p.At)))
	g.At, g.Evidence = p.At, phrase.Of("proposal {1}", p.ID)
	g.ends(Person, "nothing until somebody else confirms or rejects it")
}

func undecided(w *World, g *Gate) {
	text := phrase.Phrase("nobody has decided about it")
	if d, ok := firstWith(w.Policy, patch.Decline); ok {
		text = phrase.Of("nobody has decided about it for {1}; it is {2}, which does not cover it", w.name(), declined(w.Now, d))
	} else if d, ok := firstWith(w.Policy, patch.Hold); ok {
		text = phrase.Of("nobody has decided about it for {1}; it is {2}, which does not cover it", w.name(), held(w.Now, d))
	}
	if w.Verdict == patch.Patched {
		g.unreach(phrase.Of("{1}; there is nothing to decide any more", text))
		return
	}
	g.closes(CodeUndecided, text)
	g.ends(Person, "nothing until somebody approves or declines it")
}

func label(w *World) Gate {
	g := Gate{Name: Label, Title: "the approval covers it"}
	if d, ok := approval(w.Policy); ok {
		g.opens(phrase.Of(`{1} is in "{2}"`, w.name(), d.Label))
		g.decided(d)
		return g
	}
	if d, ok := firstWith(w.Policy, patch.Approve); ok && w.Policy.Stand != patch.Declined && w.Proposed == nil {
		g.closes(CodeNotInLabel, phrase.Of(`{1}, but {2} is not in "{3}"`, approved(w.Now, d), w.name(), d.Label))
		g.decided(d)
		g.ends(Person, "nothing until the label or the approval changes")
		return g
	}
	if w.Policy.Stand == patch.HeldBack {
		g.opens("decided: see the hold")
		return g
	}
	g.unreach("there is no approval to cover it")
	return g
}

func hold(w *World) Gate {
	g := Gate{Name: Hold, Title: "not held back"}
	if w.Policy.Stand != patch.HeldBack {
		if !suspect(w, &g) {
			g.opens("nobody holds it back")
		}
		return g
	}
	d, _ := firstWith(w.Policy, patch.Hold)
	for other := range withVerb(w.Policy, patch.Hold) {
		if other.Until.After(d.Until) {
			d = other
		}
	}
	text := phrase.Of("{1} until {2}", heldBack(w.Now, d), phrase.At(w.Now, d.Until))
	if d.Owner != "" && d.Owner != d.By {
		text = phrase.Of("{1} (ask {2})", text, d.Owner)
	}
	next := phrase.Of("the hold ends by itself, or somebody lifts it: {1}", "fettle clear "+string(d.Patch)+" --label "+d.Label)
	if _, approved := approval(w.Policy); !approved {
		text = phrase.Of("{1}, and nobody has approved it", text)
		next = "the hold ends by itself; then it is undecided"
	}
	g.closes(CodeHeld, text)
	g.decided(d)
	g.ends(Time, next)
	g.NextAt = d.Until
	return g
}

func window(w *World) Gate {
	g := Gate{Name: Window, Title: "window open"}
	start, win := w.start(), w.Window
	switch {
	case !win.NotAfter.IsZero() && !start.Before(win.NotAfter):
		g.closes(CodeWindowOver, phrase.Of("the window ended {1}", phrase.At(w.Now, win.NotAfter)))
		g.At = win.NotAfter
		g.ends(Person, "nothing until it is deployed again with a new window")
	case start.Before(win.NotBefore):
		g.closes(CodeNotYet, phrase.Of("the window opens {1}", phrase.At(w.Now, win.NotBefore)))
		g.ends(Time, "the window opens")
		g.NextAt = win.NotBefore
	case start.Before(w.Turn):
		g.closes(CodeTurn, phrase.Of("the window is open, and this machine's turn in it comes {1}", phrase.At(w.Now, w.Turn)))
		g.ends(Time, "its turn comes")
		g.NextAt = w.Turn
	case win.NotBefore.IsZero() && win.NotAfter.IsZero():
		g.opens("at any time: no window is set")
		if n, ok := w.scheduled(); ok {
			g.opens(n.says(w.Now))
			g.Evidence = "a person may deploy it at any time"
		}
	case win.NotAfter.IsZero():
		g.opens(phrase.Of("open from {1}", phrase.At(w.Now, win.NotBefore)))
	default:
		g.opens(phrase.Of("open until {1}", phrase.At(w.Now, win.NotAfter)))
	}
	return g
}

// scheduled is the schedule that would deploy to this machine first.
func (w *World) scheduled() (ScheduleFact, bool) {
	if len(w.Schedules) == 0 {
		return ScheduleFact{}, false
	}
	return w.Schedules[0], true
}

func (f ScheduleFact) says(now time.Time) phrase.Phrase {
	start, end := phrase.At(now, f.Start), phrase.At(now, f.End)
	var text phrase.Phrase
	switch {
	case f.CatchUp && f.MovedBy != "":
		return phrase.Of("the schedule {1} makes up from {2} until {3} for a window that the blackout {4} took", f.Name, start, end, f.MovedBy)
	case f.CatchUp:
		text = phrase.Of("the machine was away for all of the window of the schedule {1}, which makes up for it until {2}", f.Name, end)
	case f.Start.After(now):
		text = phrase.Of("the schedule {1} opens {2}", f.Name, start)
	default:
		text = phrase.Of("the schedule {1} is open until {2}", f.Name, end)
	}
	if f.ZoneUnknown {
		text = phrase.Of("{1}, in the organisation's time zone: the machine's own is not known", text)
	}
	if f.MovedBy != "" {
		text = phrase.Of("{1}, moved by the blackout {2}", text, f.MovedBy)
	}
	return text
}

// decided dates a gate by the decision that it rests on.
func (g *Gate) decided(d patch.Decision) {
	g.At, g.Evidence = d.At, phrase.Of("decision {1}", d.ID)
}

func first(d []patch.Decision) patch.Decision {
	if len(d) == 0 {
		return patch.Decision{}
	}
	return d[0]
}
