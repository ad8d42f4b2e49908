package store

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
)

const transitionColumns = `machine, seq, os, patch, was, became, at, cause, note`

// packTransitions gives how what a snapshot changed is stored: what left the list as rows of their own, all else together.
func (s *Store) packTransitions(ctx context.Context, r patch.Receipt, ts []patch.Transition) (moves []byte, closings [][]any, err error) {
	var together []patch.Transition
	for _, t := range ts {
		if t.Machine != r.Machine {
			return nil, nil, patch.Errorf(patch.Internal, "a transition of the machine %s comes with a snapshot of %s", t.Machine, r.Machine)
		}
		if t.To != patch.Unknown && t.OS == r.OS && t.Seq == r.Seq && t.At.Equal(r.Ended) {
			if together == nil {
				together = make([]patch.Transition, 0, len(ts))
			}
			together = append(together, t)
		} else {
			closings = append(closings, []any{t.Machine, t.Seq, t.OS, t.Patch, t.From, t.To, t.At, t.Cause, t.Note})
		}
	}
	if len(together) > 0 {
		moves, err = s.moves.pack(ctx, s.read(), r.OS, together)
	}
	return moves, closings, err
}

// putMoves stores what a detect changed of which no former one is kept: else it is in the former one's row.
func putMoves(ctx context.Context, x session, d arrival) error {
	if d.moves == nil {
		return nil
	}
	_, err := x.exec(ctx, `INSERT INTO moves (machine, seq, os, at, body) VALUES ($1, $2, $3, $4, $5)`, d.Machine, d.Seq, d.OS, d.Ended, d.moves)
	return err
}

// everyMove are the transitions that are kept together.
const everyMove = `SELECT machine, seq, os, at, body FROM (SELECT machine, seq, os, at, body FROM moves UNION ALL
	SELECT machines.id, former.next_seq, former.next_os, former.moved_at, former.moves FROM former JOIN machines ON machines.number = former.machine
	WHERE former.moves IS NOT NULL) every`

func scanTransition(r scanner) (patch.Transition, error) {
	var t patch.Transition
	err := r.Scan(&t.Machine, &t.Seq, &t.OS, &t.Patch, &t.From, &t.To, stamp{&t.At}, &t.Cause, &t.Note)
	return t, err
}

// ListTransitions gives transitions, newest first. A filter that names no machine reads those of all.
func (s *Store) ListTransitions(ctx context.Context, f patch.TransitionFilter) ([]patch.Transition, error) {
	if f.Machine != "" && s.engine.name == "sqlite" {
		ctx = context.WithoutCancel(ctx) // as find does: there are few
	}
	alone, err := s.transitionsAlone(ctx, f)
	if err != nil {
		return nil, fault(err, "cannot read transitions")
	}
	together, err := s.transitionsTogether(ctx, f)
	if err != nil {
		return nil, fault(err, "cannot read transitions")
	}
	all := append(alone, together...)
	slices.SortFunc(all, newestFirst)
	if f.Limit > 0 && f.Limit < len(all) {
		all = all[:f.Limit]
	}
	return all, nil
}

func newestFirst(a, b patch.Transition) int {
	return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.Seq, a.Seq), strings.Compare(string(a.Machine), string(b.Machine)), strings.Compare(string(a.Patch), string(b.Patch)))
}

func (s *Store) transitionsAlone(ctx context.Context, f patch.TransitionFilter) ([]patch.Transition, error) {
	w := transitionsOf(s.engine, f)
	if f.Patch != "" {
		w.add(`patch = ?`, f.Patch)
	}
	return list(ctx, s.read(), scanTransition, `SELECT `+transitionColumns+` FROM transitions`+w.String()+` ORDER BY at DESC, seq DESC, machine, patch`+page(f.Limit, 0), w.args...)
}

func transitionsOf(e engine, f patch.TransitionFilter) where {
	w := where{engine: e}
	if f.Machine != "" {
		w.add(`machine = ?`, f.Machine)
	}
	if f.OS != "" {
		w.add(`os = ?`, f.OS)
	}
	if !f.Since.IsZero() {
		w.add(`at >= ?`, f.Since)
	}
	return w
}

func (s *Store) transitionsTogether(ctx context.Context, f patch.TransitionFilter) ([]patch.Transition, error) {
	w := transitionsOf(s.engine, f)
	limit := f.Limit
	if f.Patch != "" {
		limit = 0 // most rows are not about it
	}
	rows, err := list(ctx, s.read(), scanMoved, everyMove+w.String()+` ORDER BY at DESC, seq DESC`+page(limit, 0), w.args...)
	if err != nil {
		return nil, err
	}
	var all []patch.Transition
	for _, v := range rows {
		ts, err := s.moves.unpack(ctx, s.read(), v)
		if err != nil {
			return nil, err
		}
		for _, t := range ts {
			if f.Patch == "" || t.Patch == f.Patch {
				all = append(all, t)
			}
		}
	}
	return all, nil
}

// ListLeavings gives, for each machine from whose list a patch went away and did not come back since, the transition with which it went.
func (s *Store) ListLeavings(ctx context.Context, id patch.ID) ([]patch.Transition, error) {
	alone, err := s.transitionsAlone(ctx, patch.TransitionFilter{Patch: id})
	if err != nil {
		return nil, fault(err, "cannot read transitions of %s", id)
	}
	var out []patch.Transition
	seen := map[patch.MachineID]bool{}
	for _, t := range alone {
		if seen[t.Machine] {
			continue
		}
		seen[t.Machine] = true
		back, err := s.cameBack(ctx, t)
		if err != nil {
			return nil, fault(err, "cannot read transitions of %s", id)
		}
		if t.To == patch.Unknown && !back {
			out = append(out, t)
		}
	}
	return out, nil
}

// cameBack tells whether a later snapshot of the machine judged the patch again.
func (s *Store) cameBack(ctx context.Context, left patch.Transition) (bool, error) {
	rows, err := list(ctx, s.read(), scanMoved, everyMove+` WHERE machine = $1 AND seq > $2`, left.Machine, left.Seq)
	if err != nil {
		return false, err
	}
	for _, v := range rows {
		ts, err := s.moves.unpack(ctx, s.read(), v)
		if err != nil || slices.ContainsFunc(ts, func(t patch.Transition) bool { return t.Patch == left.Patch }) {
			return err == nil, err
		}
	}
	return false, nil
}
