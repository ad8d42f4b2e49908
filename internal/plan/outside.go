package plan

import (
	"context"
	"slices"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/world"
)

// leftOut says why a patch is not in a plan, with the text of the gate that is closed on the machine. What a person has to decide comes before
// what passes by itself.
func leftOut(id patch.ID, c world.Cohort, text phrase.Phrase) patch.LeftOut {
	closed := *c.Answer.Closed
	closed.Text = text
	if g := c.Answer.Gate(gate.Attempts); g.Foretold && c.Answer.Eligible() {
		closed = g
	}
	l := patch.LeftOut{Patch: id, Gate: string(closed.Name) + "/" + closed.Code, Text: closed.Text, Outcome: outcomeOf(closed)}
	if closed.Foretold {
		l.Foretold, l.Needs, l.Next = true, c.World.Unmet.Patch, closed.Next
	}
	return l
}

// outside takes out of a machine's part what needs an approved patch that is not in it: an order brings nothing from outside its plan. What is
// taken out may be needed by others. Only needy patches need anything that is not on the machine.
func outside(ctx context.Context, v *world.View, s *world.Sight, r Request, needy []patch.ID, m *patch.MachinePlan) error {
	for again := true; again; {
		again = false
		ids := make([]patch.ID, len(m.Items))
		for i := range m.Items {
			ids[i] = m.Items[i].Patch
		}
		for i, id := range ids {
			if !slices.Contains(needy, id) {
				continue
			}
			u, err := s.Outside(ctx, id, r.start(v.Now), ids)
			if err != nil {
				return err
			}
			if u == nil {
				continue
			}
			next, _, _ := gate.EndsUnmet(*u, r.Label)
			m.Left = append(m.Left, patch.LeftOut{Patch: id, Gate: string(gate.Attempts) + "/" + gate.CodeDependency, Text: gate.SaysUnmet(v.Now, *u),
				Outcome: patch.NeedsDecision, Foretold: true, Needs: u.Patch, Next: next})
			m.Items, again = slices.Delete(m.Items, i, i+1), true
			break
		}
	}
	return nil
}
