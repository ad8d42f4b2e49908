package store

import (
	"context"

	"github.com/fettle-project/fettle/internal/patch"
)

const transitionColumns = `machine, seq, os, patch, was, became, at, cause, note`

func insertTransitions(ctx context.Context, x session, id patch.MachineID, ts []patch.Transition) error {
	rows := make([][]any, len(ts))
	for i, t := range ts {
		if t.Machine != id {
			return patch.Errorf(patch.Internal, "a transition of the machine %s comes with a snapshot of %s", t.Machine, id)
		}
		rows[i] = []any{t.Machine, t.Seq, t.OS, t.Patch, t.From, t.To, t.At, t.Cause, t.Note}
	}
	return x.insertRows(ctx, `INSERT INTO transitions (`+transitionColumns+`)`, rows, ``)
}

func scanTransition(r scanner) (patch.Transition, error) {
	var t patch.Transition
	err := r.Scan(&t.Machine, &t.Seq, &t.OS, &t.Patch, &t.From, &t.To, stamp{&t.At}, &t.Cause, &t.Note)
	return t, err
}

// ListTransitions gives transitions, newest first.
func (s *Store) ListTransitions(ctx context.Context, f patch.TransitionFilter) ([]patch.Transition, error) {
	w := where{engine: s.engine}
	if f.Machine != "" {
		w.add(`machine = ?`, f.Machine)
	}
	if f.OS != "" {
		w.add(`os = ?`, f.OS)
	}
	if f.Patch != "" {
		w.add(`patch = ?`, f.Patch)
	}
	if !f.Since.IsZero() {
		w.add(`at >= ?`, f.Since)
	}
	all, err := list(ctx, s.read(), scanTransition, `SELECT `+transitionColumns+` FROM transitions`+w.String()+
		` ORDER BY at DESC, seq DESC, machine, patch`+page(f.Limit, 0), w.args...)
	return all, fault(err, "cannot read transitions")
}
