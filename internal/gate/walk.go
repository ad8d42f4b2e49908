package gate

import "github.com/fettle-project/fettle/internal/phrase"

// gates lists every gate's judge in the order of the walk.
func gates() []func(*World) Gate {
	return []func(*World) Gate{
		feed, catalog, list, snapshot, prerequisites, installedTest, superseded, policy, label, hold, ring, freeze, window, machine, payload, preflight, attempts,
		installed, reboot, verified, undone,
	}
}

// backGates are those of a rollback. It is itself the decision, so none asks for an approval, and no ring or hold of the patch keeps it on.
func backGates() []func(*World) Gate {
	return []func(*World) Gate{list, snapshot, prerequisites, stillThere, previous, freeze, window, machine, backPayload, preflight, attempts,
		installed, reboot, verified, undone}
}

// judges are the gates that a world asks for.
func (w *World) judges() []func(*World) Gate {
	switch {
	case w.Restart != "":
		return restartGates()
	case w.Back != nil:
		return backGates()
	}
	return gates()
}

// Walk judges every gate of a world, in order. The patch is deployable exactly when every gate up to Attempts is open. After the first
// closed one, gates that would be open are unreached, and gates that would be closed stay closed, so that all that stands in the
// way shows at once. Where the world asks for a rollback, Deployable means that the patch can be taken back.
func Walk(w World) Answer {
	judges := w.judges()
	a := Answer{Gates: make([]Gate, len(judges))}
	for i, judge := range judges {
		g := &a.Gates[i]
		*g = judge(&w)
		switch {
		case !g.Name.Decides():
		case a.Closed != nil && g.State == Open:
			g.State = Unreached
		case a.Closed == nil && g.State != Open:
			a.Closed = g.shut()
			g.State = Closed
		}
	}
	a.Deployable = a.Closed == nil
	a.conclude(&w)
	return a
}

// Outline is what lists show of an answer: as Walk gives it, without the gates behind the first closed one.
type Outline struct {
	Deployable bool
	Closed     *Gate
	Standing   phrase.Phrase
}

// Sketch gives the outline of what Walk answers, and judges no gate that it does not need. The world is only read.
func Sketch(w *World) Outline {
	var closed *Gate
	for _, judge := range w.judges() {
		g := judge(w)
		if !g.Name.Decides() {
			break // so do all that follow
		}
		if g.State != Open {
			closed = g.shut()
			break
		}
	}
	return Outline{Deployable: closed == nil, Closed: closed, Standing: standing(w, closed)}
}

// Outline is what Sketch gives.
func (a *Answer) Outline() Outline { return Outline{a.Deployable, a.Closed, a.Standing} }

// shut is a gate that is the first one not open: unknown is never good, so one that cannot be judged is closed.
func (g Gate) shut() *Gate {
	g.State = Closed
	return &g
}

// Closing judges the first closed gate of an answer once more, for another machine of which it is known that the same one closes: for its own words.
func (a Answer) Closing(w World) Gate {
	judges := w.judges()
	for i := range a.Gates {
		if a.Closed != nil && a.Gates[i].Name == a.Closed.Name {
			g := judges[i](&w)
			g.State = Closed
			return g
		}
	}
	return Gate{}
}

func (g *Gate) opens(text phrase.Phrase) { g.State, g.Code, g.Text = Open, codeOpen, text }

func (g *Gate) closes(code string, text phrase.Phrase) { g.State, g.Code, g.Text = Closed, code, text }

func (g *Gate) unreach(text phrase.Phrase) { g.State, g.Code, g.Text = Unreached, "unreached", text }

// ends says what ends a closed gate and whose move it is.
func (g *Gate) ends(who Actor, next phrase.Phrase) { g.Actor, g.Next = who, next }
