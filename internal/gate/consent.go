package gate

import (
	"fmt"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

func policy(w World) Gate {
	g := Gate{Name: Policy, Title: "approved"}
	p := w.Policy
	switch p.Stand {
	case patch.Declined:
		d := first(withVerb(p, patch.Decline))
		g.close(CodeDeclined, who(w.Now, "declined", d))
		g.decided(d)
		g.until(Person, "nothing until somebody takes the refusal back")
	case patch.Approved:
		d, ok := approval(p)
		if !ok {
			undecided(w, &g)
			break
		}
		g.open(who(w.Now, "approved", d))
		g.decided(d)
	case patch.HeldBack:
		if d, ok := approval(p); ok {
			g.open(who(w.Now, "approved", d))
			g.decided(d)
			break
		}
		g.open("decided: see the hold")
	default:
		if w.Proposed != nil && w.Verdict != patch.Patched {
			proposed(w, &g)
			break
		}
		if a := withVerb(p, patch.Approve); len(a) > 0 {
			g.open(who(w.Now, "approved", a[0]))
			g.decided(a[0])
			break
		}
		undecided(w, &g)
	}
	return g
}

func proposed(w World, g *Gate) {
	p := w.Proposed
	g.close(CodeProposed, fmt.Sprintf("it waits for a second person: proposed by %s %s", p.By, clock(w.Now, p.At)))
	g.At, g.Evidence = p.At, phrase.Of("proposal {1}", p.ID)
	g.until(Person, "nothing until somebody else confirms or rejects it")
}

func undecided(w World, g *Gate) {
	text := "nobody has decided about it"
	if d := withVerb(w.Policy, patch.Decline); len(d) > 0 {
		text = fmt.Sprintf("nobody has decided about it for %s; it is %s, which does not cover it", w.name(), who(w.Now, "declined", d[0]))
	} else if d := withVerb(w.Policy, patch.Hold); len(d) > 0 {
		text = fmt.Sprintf("nobody has decided about it for %s; it is %s, which does not cover it", w.name(), who(w.Now, "held", d[0]))
	}
	if w.Verdict == patch.Patched {
		g.unreached(text + "; there is nothing to decide any more")
		return
	}
	g.close(CodeUndecided, text)
	g.until(Person, "nothing until somebody approves or declines it")
}

func label(w World) Gate {
	g := Gate{Name: Label, Title: "the approval covers it"}
	if d, ok := approval(w.Policy); ok {
		g.open(fmt.Sprintf("%s is in %q", w.name(), d.Label))
		g.decided(d)
		return g
	}
	if a := withVerb(w.Policy, patch.Approve); len(a) > 0 && w.Policy.Stand != patch.Declined && w.Proposed == nil {
		d := a[0]
		g.close(CodeNotInLabel, fmt.Sprintf("%s, but %s is not in %q", who(w.Now, "approved", d), w.name(), d.Label))
		g.decided(d)
		g.until(Person, "nothing until the label or the approval changes")
		return g
	}
	if w.Policy.Stand == patch.HeldBack {
		g.open("decided: see the hold")
		return g
	}
	g.unreached("there is no approval to cover it")
	return g
}

func hold(w World) Gate {
	g := Gate{Name: Hold, Title: "not held back"}
	if w.Policy.Stand != patch.HeldBack {
		if !suspect(w, &g) {
			g.open("nobody holds it back")
		}
		return g
	}
	d := first(withVerb(w.Policy, patch.Hold))
	for _, other := range withVerb(w.Policy, patch.Hold) {
		if other.Until.After(d.Until) {
			d = other
		}
	}
	text := fmt.Sprintf("%s until %s", who(w.Now, "held back", d), clock(w.Now, d.Until))
	next := "the hold ends by itself"
	if _, approved := approval(w.Policy); !approved {
		text += ", and nobody has approved it"
		next = "the hold ends by itself; then it is undecided"
	}
	g.close(CodeHeld, text)
	g.decided(d)
	g.until(Time, next)
	g.NextAt = d.Until
	return g
}

func window(w World) Gate {
	g := Gate{Name: Window, Title: "window open"}
	start, win := w.start(), w.Window
	switch {
	case !win.NotAfter.IsZero() && !start.Before(win.NotAfter):
		g.close(CodeWindowOver, fmt.Sprintf("the window ended %s", clock(w.Now, win.NotAfter)))
		g.At = win.NotAfter
		g.until(Person, "nothing until it is deployed again with a new window")
	case start.Before(win.NotBefore):
		g.close(CodeNotYet, fmt.Sprintf("the window opens %s", clock(w.Now, win.NotBefore)))
		g.until(Time, "the window opens")
		g.NextAt = win.NotBefore
	case start.Before(w.Turn):
		g.close(CodeTurn, fmt.Sprintf("the window is open, and this machine's turn in it comes %s", clock(w.Now, w.Turn)))
		g.until(Time, "its turn comes")
		g.NextAt = w.Turn
	case win.NotBefore.IsZero() && win.NotAfter.IsZero():
		g.open("at any time: no window is set")
		if n, ok := w.scheduled(); ok {
			g.open(n.says(w.Now))
			g.Evidence = "a person may deploy it at any time"
		}
	case win.NotAfter.IsZero():
		g.open(fmt.Sprintf("open from %s", clock(w.Now, win.NotBefore)))
	default:
		g.open(fmt.Sprintf("open until %s", clock(w.Now, win.NotAfter)))
	}
	return g
}

// scheduled is the schedule that would deploy to this machine first.
func (w World) scheduled() (ScheduleFact, bool) {
	if len(w.Schedules) == 0 {
		return ScheduleFact{}, false
	}
	return w.Schedules[0], true
}

func (f ScheduleFact) says(now time.Time) string {
	zone := ""
	if f.ZoneUnknown {
		zone = ", in the organisation's time zone: the machine's own is not known"
	}
	if f.MovedBy != "" {
		zone += ", moved by the change freeze " + f.MovedBy
	}
	switch {
	case f.CatchUp && f.MovedBy != "":
		return fmt.Sprintf("the schedule %s makes up from %s until %s for a window that the change freeze %s took", f.Name, clock(now, f.Start), clock(now, f.End), f.MovedBy)
	case f.CatchUp:
		return fmt.Sprintf("the machine was away for all of the window of the schedule %s, which makes up for it until %s%s", f.Name, clock(now, f.End), zone)
	case f.Start.After(now):
		return fmt.Sprintf("the schedule %s opens %s%s", f.Name, clock(now, f.Start), zone)
	}
	return fmt.Sprintf("the schedule %s is open until %s%s", f.Name, clock(now, f.End), zone)
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
