package gate

import "github.com/fettle-project/fettle/internal/phrase"

// gates lists every gate's judge in the order of the walk.
func gates() []func(World) Gate {
	return []func(World) Gate{
		feed, catalog, list, snapshot, prerequisites, installedTest, superseded, policy, label, hold, ring, freeze, window, machine, payload, preflight, attempts,
		installed, reboot, verified, undone,
	}
}

// backGates are those of a rollback. It is itself the decision, so none asks for an approval, and no ring or hold of the patch keeps it on.
func backGates() []func(World) Gate {
	return []func(World) Gate{list, snapshot, prerequisites, stillThere, previous, freeze, window, machine, backPayload, preflight, attempts,
		installed, reboot, verified, undone}
}

// Walk judges every gate of a world, in order. The patch is deployable exactly when every gate up to Attempts is open. After the first
// closed one, gates that would be open are unreached, and gates that would be closed stay closed, so that all that stands in the
// way shows at once. Where the world asks for a rollback, Deployable means that the patch can be taken back.
func Walk(w World) Answer {
	judges := gates()
	if w.Back != nil {
		judges = backGates()
	}
	a := Answer{Gates: make([]Gate, 0, len(judges))}
	for _, judge := range judges {
		g := judge(w)
		if g.Name.Decides() {
			switch {
			case a.Closed != nil && g.State == Open:
				g.State = Unreached
			case a.Closed == nil && g.State != Open:
				// A gate that cannot be judged while nothing before it is closed is closed: unknown is never good.
				g.State = Closed
				a.Closed = &g
			}
		}
		a.Gates = append(a.Gates, g)
	}
	a.Deployable = a.Closed == nil
	a.conclude(w)
	return a
}

// Closing judges the first closed gate of an answer once more, for another machine of which it is known that the same one closes: for its own words.
func (a Answer) Closing(w World) Gate {
	judges := gates()
	if w.Back != nil {
		judges = backGates()
	}
	for i := range a.Gates {
		if a.Closed != nil && a.Gates[i].Name == a.Closed.Name {
			g := judges[i](w)
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
