package ledger

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/world"
)

// MachineExplanation answers "why is nothing happening here?": what keeps the machine as a whole, and where each patch that it needs stands.
type MachineExplanation struct {
	At       time.Time     `json:"at"`
	Machine  MachineRow    `json:"machine"`
	Labels   []string      `json:"labels"`
	Sentence phrase.Phrase `json:"sentence"`
	Gates    []gate.Gate   `json:"gates"` // about the machine itself: snapshot, machine, preflight
	// Groups are the patches that it needs or that could not be judged, by what stands in their way; biggest first.
	Groups []PatchGroup `json:"groups"`
	// ApprovedNotNeeded are patches that are approved for it and do not apply to it, by reason; biggest first.
	ApprovedNotNeeded []PatchGroup  `json:"approved_not_needed"`
	Next              phrase.Phrase `json:"next"` // what happens next, always given
	NextAt            time.Time     `json:"next_at,omitzero"`
	Actor             gate.Actor    `json:"actor,omitempty"`
}

// PatchGroup is the patches of one machine that stand at the same gate for the same reason.
type PatchGroup struct {
	Standing phrase.Phrase `json:"standing"`
	Gate     gate.Name     `json:"gate,omitempty"` // empty: deployable
	Code     string        `json:"code"`
	Text     phrase.Phrase `json:"text"` // of the first of them
	Count    int           `json:"count"`
	Security int           `json:"security"` // of those, security patches
	Patches  []patch.ID    `json:"patches"`  // up to 50
	Next     phrase.Phrase `json:"next,omitempty"`
	NextAt   time.Time     `json:"next_at,omitzero"`
	Actor    gate.Actor    `json:"actor,omitempty"`
}

// ExplainMachine says why a machine is as it is, and what happens next.
func (l *Ledger) ExplainMachine(ctx context.Context, id patch.MachineID) (MachineExplanation, error) {
	v, err := l.World.View(ctx)
	if err != nil {
		return MachineExplanation{}, err
	}
	s, err := v.Sight(ctx, id)
	if err != nil {
		return MachineExplanation{}, err
	}
	row, err := alone(ctx, v, s)
	if err != nil {
		return MachineExplanation{}, err
	}
	ex := MachineExplanation{At: v.Now, Machine: row, Groups: []PatchGroup{}, ApprovedNotNeeded: []PatchGroup{}}
	if ex.Labels, err = l.Labels.LabelsOf(ctx, id); err != nil {
		return ex, err
	}
	var schedules []gate.ScheduleFact
	if ex.Gates, schedules, err = s.Readiness(ctx); err != nil {
		return ex, err
	}
	if err := ex.group(ctx, v, s); err != nil {
		return ex, err
	}
	ex.conclude(schedules)
	return ex, nil
}

// group sorts the patches that somebody might ask about.
func (ex *MachineExplanation) group(ctx context.Context, v *world.View, s *world.Sight) error {
	all, err := entries(ctx, v, s)
	if err != nil {
		return err
	}
	for i := range all {
		e := &all[i]
		open := e.verdict == patch.NotPatched || e.verdict == patch.Faulty
		idle := e.verdict == patch.NotApplicable && e.stand() == patch.Approved
		if !open && !idle {
			continue
		}
		a, err := s.Walk(ctx, world.Ask{Patch: e.patch.ID, Deep: !open || e.verdict == patch.Faulty})
		if err != nil {
			return err
		}
		if open {
			ex.Groups = add(ex.Groups, *e.patch, a)
		} else {
			ex.ApprovedNotNeeded = add(ex.ApprovedNotNeeded, *e.patch, a)
		}
	}
	biggest := func(a, b PatchGroup) int { return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Code, b.Code)) }
	slices.SortStableFunc(ex.Groups, biggest)
	slices.SortStableFunc(ex.ApprovedNotNeeded, biggest)
	return nil
}

func add(groups []PatchGroup, p patch.Patch, a gate.Answer) []PatchGroup {
	g := PatchGroup{Standing: a.Standing, Code: "deployable", Text: a.Sentence, Next: a.Next, NextAt: a.NextAt, Actor: a.Actor}
	if a.Closed != nil {
		g.Gate, g.Code, g.Text = a.Closed.Name, a.Closed.Code, a.Closed.Text
	}
	i := slices.IndexFunc(groups, func(x PatchGroup) bool { return x.Gate == g.Gate && x.Code == g.Code })
	if i < 0 {
		groups = append(groups, g)
		i = len(groups) - 1
	}
	group := &groups[i]
	group.Count++
	if a.Deployable && group.Text != g.Text { // by approvals for several labels, or tried before
		group.Text = "Approved, and the next deployment takes them along."
	}
	if p.Category == patch.Security {
		group.Security++
	}
	if !g.NextAt.IsZero() && (group.NextAt.IsZero() || g.NextAt.Before(group.NextAt)) {
		group.NextAt = g.NextAt
	}
	if len(group.Patches) < maxNamed {
		group.Patches = append(group.Patches, p.ID)
	}
	return groups
}

// conclude says the whole in one line, and what happens next.
func (ex *MachineExplanation) conclude(schedules []gate.ScheduleFact) {
	for _, g := range ex.Gates {
		if g.State == gate.Closed {
			ex.Sentence = phrase.Sentence(g.Text)
			ex.Next, ex.NextAt, ex.Actor = g.Next, g.NextAt, g.Actor
			if n := ex.needed(); n > 0 {
				ex.Sentence = phrase.Count(n, "{1} When last judged it needed {n} patch.", "{1} When last judged it needed {n} patches.", ex.Sentence)
			}
			return
		}
	}
	if ex.needed() == 0 {
		ex.Sentence = phrase.Of("Nothing is needed: {1}.", ex.Gates[0].Text)
		if ex.Next = "nothing until the catalog or the machine changes"; ex.Machine.RebootOwed {
			ex.Sentence = phrase.Of("Nothing is needed: {1}; a reboot is owed.", ex.Gates[0].Text)
			ex.Next, ex.Actor = gate.Restarts(ex.Machine.Machine)
		}
		return
	}
	var parts []phrase.Phrase
	for _, g := range ex.Groups {
		parts = append(parts, phrase.Of("{1} {2}", g.Count, stands(g.Code)))
	}
	ex.Sentence = phrase.Count(ex.needed(), "It needs {n} patch: {1}.", "It needs {n} patches: {1}.", phrase.Join(parts, ", "))
	ex.follow(schedules)
}

// follow finds the next event: what is ready is installed, what is on its way arrives, what waits waits for its actor.
func (ex *MachineExplanation) follow(schedules []gate.ScheduleFact) {
	rank := map[gate.Actor]int{gate.Agent: 1, gate.Appliance: 1, gate.Time: 2, gate.Person: 3, gate.Owner: 4, gate.Nobody: 5}
	best := slices.MinFunc(ex.Groups, func(a, b PatchGroup) int {
		ready := func(g PatchGroup) int {
			if g.Gate == "" {
				return 0
			}
			return rank[g.Actor]
		}
		return cmp.Compare(ready(a), ready(b))
	})
	ex.Next, ex.NextAt, ex.Actor = best.Next, best.NextAt, best.Actor
	if best.Gate == "" && len(schedules) == 0 {
		ex.Next, ex.Actor = phrase.Of("nothing until somebody deploys, or a schedule covers it: {1}", "fettle deploy plan, fettle schedules put"), gate.Person
	}
}

func (ex *MachineExplanation) needed() int {
	return ex.Machine.Needed + ex.Machine.Verdicts[patch.Faulty]
}

// stands says where patches of one code stand, in words that follow their number.
func stands(code string) phrase.Phrase {
	switch code {
	case "deployable":
		return "approved and ready"
	case gate.CodeUndecided:
		return "undecided"
	case gate.CodeDeclined:
		return "declined"
	case gate.CodeNotInLabel:
		return "approved for other labels only"
	case gate.CodeSuperseded:
		return "replaced by newer ones that come instead"
	case gate.CodeSuspect:
		return "held: installed and found missing too often"
	case gate.CodeOutOf:
		return "out of attempts"
	case gate.CodeDependency:
		return "waiting for an unapproved dependency"
	}
	return codeWords(code)
}
