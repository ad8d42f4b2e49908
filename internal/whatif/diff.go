package whatif

import (
	"cmp"
	"context"
	"slices"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/world"
)

// diff compares two views, machine by machine. A pair counts where an approval covers it on one side at least: what nobody approves is not
// deployed, whichever gate says so first.
type diff struct {
	before, after *world.View
	patches       []patch.ID // with a decision on one side at least
	anyVerdict    bool       // the change may change verdicts; otherwise only patches that are needed can change
	answer        Answer
	opens, fetches,
	closes, shifts, others counter
}

func (d *diff) machine(ctx context.Context, id patch.MachineID) error {
	was, err := d.before.Sight(ctx, id)
	if err != nil {
		return err
	}
	is, err := d.after.Sight(ctx, id)
	if err != nil {
		return err
	}
	for _, p := range d.patches {
		if !d.anyVerdict && was.Verdict(p) != patch.NotPatched {
			continue
		}
		from, err := was.World(ctx, world.Ask{Patch: p})
		if err != nil {
			return err
		}
		to, err := is.World(ctx, world.Ask{Patch: p})
		if err != nil {
			return err
		}
		_, before := from.Approval()
		if _, after := to.Approval(); before || after {
			d.compare(was, p, gate.Walk(from), gate.Walk(to))
		}
	}
	return nil
}

func (d *diff) compare(was *world.Sight, id patch.ID, from, to gate.Answer) {
	a, b := standing(from), standing(to)
	if a.same(b) {
		return
	}
	switch {
	case !a.Deployable && b.Deployable:
		d.opens.add(was.Machine.ID, id)
	case a.Deployable && !b.Deployable && !fetching(to):
		d.closes.add(was.Machine.ID, id)
	case !a.Deployable && fetching(to) && !fetching(from):
		d.fetches.add(was.Machine.ID, id)
	case a.Deployable && b.Deployable:
		d.shifts.add(was.Machine.ID, id)
	default:
		d.others.add(was.Machine.ID, id)
	}
	i := slices.IndexFunc(d.answer.Moves, func(m Move) bool { return m.Patch == id && m.Before.same(a) && m.After.same(b) })
	if i < 0 {
		p, _, _ := was.Shelf.Find(id)
		d.answer.Moves = append(d.answer.Moves, Move{Patch: id, Title: p.Title, Before: a, After: b})
		i = len(d.answer.Moves) - 1
	}
	d.answer.Moves[i].add(was.Machine.Name)
}

// counter counts pairs, and distinct machines and patches.
type counter struct {
	pairs    int
	machines map[patch.MachineID]bool
	patches  map[patch.ID]bool
}

func (c *counter) add(m patch.MachineID, p patch.ID) {
	if c.machines == nil {
		c.machines, c.patches = map[patch.MachineID]bool{}, map[patch.ID]bool{}
	}
	c.pairs++
	c.machines[m], c.patches[p] = true, true
}

func (c *counter) tally() Tally { return Tally{c.pairs, len(c.machines), len(c.patches)} }

func (d *diff) done(machines int) Answer {
	a := d.answer
	a.Machines = machines
	a.Opens, a.Fetches, a.Closes, a.Shifts, a.Others = d.opens.tally(), d.fetches.tally(), d.closes.tally(), d.shifts.tally(), d.others.tally()
	slices.SortStableFunc(a.Moves, func(x, y Move) int {
		return cmp.Or(cmp.Compare(x.rank(), y.rank()), cmp.Compare(y.Count, x.Count), cmp.Compare(x.Patch, y.Patch))
	})
	a.Sentence = sentence(a)
	return a
}

// rank puts what opens first, then what closes, then the rest.
func (m Move) rank() int {
	switch {
	case m.After.Deployable && !m.Before.Deployable:
		return 0
	case m.Before.Deployable && !m.After.Deployable:
		return 1
	}
	return 2
}

func sentence(a Answer) phrase.Phrase {
	var parts []phrase.Phrase
	if l := a.Label; l != nil {
		if l.Of == patch.OfPatches {
			parts = append(parts, phrase.Count(l.After, `"{1}" would have {n} patch instead of {2}: {3} in, {4} out`, `"{1}" would have {n} patches instead of {2}: {3} in, {4} out`,
				l.Name, l.Before, l.Enter.Count, l.Leave.Count))
		} else {
			parts = append(parts, phrase.Count(l.After, `"{1}" would have {n} machine instead of {2}: {3} in, {4} out`, `"{1}" would have {n} machines instead of {2}: {3} in, {4} out`,
				l.Name, l.Before, l.Enter.Count, l.Leave.Count))
		}
	}
	for _, x := range []struct {
		t    Tally
		says phrase.Phrase
	}{{a.Opens, "would become deployable"}, {a.Fetches, "would become deployable once their files are here"}, {a.Closes, "would stop being deployable"}, {a.Shifts, "would be installed by another schedule or at another time"},
		{a.Others, "would wait for something else"}} {
		if x.t.Pairs > 0 {
			parts = append(parts, phrase.Of("{1} {2} {3}", phrase.Count(x.t.Patches, "{n} patch", "{n} patches"), phrase.Count(x.t.Machines, "on {n} machine", "on {n} machines"), x.says))
		}
	}
	switch moved := a.Opens.Pairs + a.Fetches.Pairs + a.Closes.Pairs + a.Shifts.Pairs + a.Others.Pairs; {
	case moved > 0:
	case a.Machines == 0:
		parts = append(parts, "nothing would be deployed differently")
	default:
		parts = append(parts, phrase.Count(a.Machines, "nothing would be deployed differently on {n} machine", "nothing would be deployed differently on {n} machines"))
	}
	return phrase.Sentence(phrase.Join(parts, "; "))
}
