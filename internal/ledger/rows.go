package ledger

import (
	"context"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/world"
)

// Rows gives a machine's ledger: a row for every patch of its OS, what needs doing first. A machine that never detected has them too, all unknown.
func (l *Ledger) Rows(ctx context.Context, id patch.MachineID, f RowFilter) ([]Row, Summary, error) {
	v, err := l.World.View(ctx)
	if err != nil {
		return nil, Summary{}, err
	}
	s, err := v.Sight(ctx, id)
	if err != nil {
		return nil, Summary{}, err
	}
	closed, err := l.closed(ctx, s, f)
	if err != nil {
		return nil, Summary{}, err
	}
	rows, sum, err := rowsOf(ctx, v, s, f)
	if err != nil {
		return nil, Summary{}, err
	}
	sum.Closed = len(closed)
	if f.Closed {
		sum.Matching += len(closed)
		rows = append(rows, page(closed, room(f, len(rows)), max(0, f.Offset-(sum.Matching-len(closed))))...)
	}
	fresh := s.Freshness()
	sum.Stale = fresh.State != gate.Open
	sum.Sentence = ofMachine(s, sum, fresh)
	return rows, sum, nil
}

// room is how many closed rows still fit on a page; 0 means all.
func room(f RowFilter, have int) int {
	if f.Limit == 0 {
		return 0
	}
	return max(f.Limit-have, 0)
}

// selected counts all entries, applies the filter and makes the rows of the page.
func selected(ctx context.Context, all []entry, f RowFilter) ([]Row, Summary, error) {
	var sum Summary
	hits := make([]*entry, 0, len(all))
	for i := range all {
		e := &all[i]
		if err := e.ask(ctx); err != nil {
			return nil, sum, err
		}
		sum.add(e)
		if !f.matches(e) {
			continue
		}
		ok, err := f.matchesGates(ctx, e)
		if err != nil {
			return nil, sum, err
		}
		if ok {
			hits = append(hits, e)
		}
	}
	sum.Matching = len(hits)
	page := mostNeeded(hits, f.Limit, f.Offset)
	rows := make([]Row, len(page))
	room := new(gate.World) // a large value: one for all of them
	for i, e := range page {
		var err error
		if rows[i], err = e.row(ctx, room); err != nil {
			return nil, sum, err
		}
	}
	return rows, sum, nil
}

// closed lists the rows that left the machine's list, newest first: by their last transition.
func (l *Ledger) closed(ctx context.Context, s *world.Sight, f RowFilter) ([]Row, error) {
	ts, err := s.Moves(ctx)
	if err != nil {
		return nil, err
	}
	seen := map[patch.ID]bool{}
	out := []Row{}
	for _, t := range ts {
		_, _, listed := s.Shelf.Find(t.Patch)
		if seen[t.Patch] || listed {
			continue
		}
		seen[t.Patch] = true
		if t.To != patch.Unknown {
			continue
		}
		r, err := l.closedRow(ctx, s, t)
		if err != nil {
			return nil, err
		}
		e := entry{sight: s, patch: &r.Patch, verdict: patch.Unknown, policy: &r.Policy, deed: &deed{execution: r.Execution, effect: r.Effect}}
		if f.matches(&e) && !f.Deployable && f.Gate == "" && f.Code == "" {
			out = append(out, r)
		}
	}
	return out, nil
}

func (l *Ledger) closedRow(ctx context.Context, s *world.Sight, t patch.Transition) (Row, error) {
	r := Row{Machine: s.Machine.ID, MachineName: s.Machine.Name, OS: t.OS, Patch: patch.Patch{ID: t.Patch}, Verdict: patch.Unknown, Standing: "closed",
		Policy: patch.Policy{Stand: patch.Undecided}, Gate: gate.List, Code: gate.CodeLeftList, Text: t.Note, Closed: &Closing{At: t.At, Note: t.Note, Was: t.Cause}}
	if t.Cause == patch.OSChange {
		r.Code = gate.CodeUpgraded
	}
	row, err := l.World.Store.FindPatchOn(ctx, t.OS, t.Patch)
	if err == nil {
		r.Patch = row.Patch
	} else if patch.KindOf(err) != patch.NotFound {
		return r, err
	}
	attempts, err := s.Attempts(ctx, t.Patch)
	d := deedOf(attempts)
	r.Execution, r.Cause, r.Effect = d.execution, d.cause, d.effect
	return r, err
}

// ofMachine is a machine's ledger in one sentence.
func ofMachine(s *world.Sight, sum Summary, fresh gate.Gate) phrase.Phrase {
	name := s.Machine.Name
	switch {
	case s.OS == "":
		return phrase.Of("{1} has not said which OS it runs.", name)
	case s.Shelf == nil:
		return phrase.Of("No catalog is published for {1}, so nothing is known about {2}.", string(s.OS), name)
	case s.Receipt == nil:
		return phrase.Count(sum.Total, "{n} patch of {1}, all unknown: {2}.", "{n} patches of {1}, all unknown: {2}.", string(s.OS), fresh.Text)
	}
	parts := []phrase.Phrase{phrase.Of("{1} needed", sum.Needed)}
	if sum.NeededSecurity > 0 {
		parts[0] = phrase.Of("{1} needed ({2} security)", sum.Needed, sum.NeededSecurity)
	}
	parts = append(parts, named(number{sum.Undecided, phrase.Of("{1} of them undecided", sum.Undecided)}, readyToDeploy(sum))...)
	parts = append(parts, phrase.Of("{1} patched", sum.Verdicts[patch.Patched]), phrase.Of("{1} not applicable", sum.Verdicts[patch.NotApplicable]))
	parts = append(parts, named(notJudged(sum)...)...)
	text := phrase.Count(sum.Total, "{n} patch of {1}: {2}.", "{n} patches of {1}: {2}.", string(s.OS), phrase.Join(parts, ", "))
	if fresh.State != gate.Open {
		text = phrase.Of("{1} This does not speak of now: {2}.", text, fresh.Text)
	}
	return text
}

func readyToDeploy(s Summary) number {
	return number{s.Deployable, phrase.Of("{1} ready to deploy", s.Deployable)}
}

func notJudged(s Summary) []number {
	faulty, unknown := s.Verdicts[patch.Faulty], s.Verdicts[patch.Unknown]
	return []number{{faulty, phrase.Of("{1} not judged", faulty)}, {unknown, phrase.Of("{1} unknown", unknown)}}
}

// number is a count with what it is of, in words.
type number struct {
	n    int
	says phrase.Phrase
}

// named writes the counts that are not zero.
func named(numbers ...number) []phrase.Phrase {
	var parts []phrase.Phrase
	for _, x := range numbers {
		if x.n > 0 {
			parts = append(parts, x.says)
		}
	}
	return parts
}
