package ledger

import (
	"context"
	"fmt"
	"strings"

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
	var hits []*entry
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
	rows := []Row{}
	for _, e := range mostNeeded(hits, f.Limit, f.Offset) {
		r, _, err := e.row(ctx)
		if err != nil {
			return nil, sum, err
		}
		rows = append(rows, r)
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
		e := entry{sight: s, patch: &r.Patch, verdict: patch.Unknown, policy: r.Policy, execution: r.Execution, effect: r.Effect}
		if f.matches(&e) && !f.Deployable && f.Gate == "" && f.Code == "" {
			out = append(out, r)
		}
	}
	return out, nil
}

func (l *Ledger) closedRow(ctx context.Context, s *world.Sight, t patch.Transition) (Row, error) {
	r := Row{Machine: s.Machine.ID, MachineName: s.Machine.Name, OS: t.OS, Patch: patch.Patch{ID: t.Patch}, Verdict: patch.Unknown, Standing: "closed",
		Policy: patch.Policy{Stand: patch.Undecided}, Gate: gate.List, Code: gate.CodeLeftList, Text: phrase.Verbatim(t.Note), Closed: &Closing{At: t.At, Note: t.Note, Was: t.Cause}}
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
	e := entry{}
	e.axes(attempts)
	r.Execution, r.Cause, r.Effect = e.execution, e.cause, e.effect
	return r, err
}

// ofMachine is a machine's ledger in one sentence.
func ofMachine(s *world.Sight, sum Summary, fresh gate.Gate) string {
	name := s.Machine.Name
	switch {
	case s.OS == "":
		return fmt.Sprintf("%s has not said which OS it runs.", name)
	case s.Shelf == nil:
		return fmt.Sprintf("No catalog is published for %s, so nothing is known about %s.", s.OS, name)
	case s.Receipt == nil:
		return fmt.Sprintf("%s of %s, all unknown: %s.", gate.Count(sum.Total, "patch", "patches"), s.OS, fresh.Text)
	}
	parts := []string{gate.Number(sum.Needed) + " needed"}
	if sum.NeededSecurity > 0 {
		parts[0] += " (" + gate.Number(sum.NeededSecurity) + " security)"
	}
	parts = append(parts, named(number{sum.Undecided, "of them undecided"}, number{sum.Deployable, "ready to deploy"})...)
	parts = append(parts, gate.Number(sum.Verdicts[patch.Patched])+" patched", gate.Number(sum.Verdicts[patch.NotApplicable])+" not applicable")
	parts = append(parts, named(number{sum.Verdicts[patch.Faulty], "not judged"}, number{sum.Verdicts[patch.Unknown], "unknown"})...)
	text := fmt.Sprintf("%s of %s: %s.", gate.Count(sum.Total, "patch", "patches"), s.OS, strings.Join(parts, ", "))
	if fresh.State != gate.Open {
		text += " This does not speak of now: " + fresh.Text.String() + "."
	}
	return text
}

// number is a count with the words that follow it.
type number struct {
	n    int
	what string
}

// named writes the counts that are not zero.
func named(numbers ...number) []string {
	var parts []string
	for _, x := range numbers {
		if x.n > 0 {
			parts = append(parts, gate.Number(x.n)+" "+x.what)
		}
	}
	return parts
}
