package store

import (
	"context"

	"github.com/fettle-project/fettle/internal/patch"
)

const decisionColumns = `id, patch, label, verb, until, by_name, at, why`

func scanDecision(r scanner) (patch.Decision, error) {
	var d patch.Decision
	err := r.Scan(&d.ID, &d.Patch, &d.Label, &d.Verb, stamp{&d.Until}, &d.By, stamp{&d.At}, &d.Why)
	return d, err
}

// PutDecisions stores what a person decided, all or nothing. From then on each counts for its patch and label instead of the one before.
func (s *Store) PutDecisions(ctx context.Context, c patch.Caller, ds []patch.Decision) error {
	if len(ds) == 0 {
		return nil
	}
	object := string(ds[0].Patch)
	if len(ds) > 1 {
		object = ds[0].Label
	}
	err := s.write(ctx, func(x session) error {
		// The entry comes first: it makes other deciders wait, and its number puts decisions in one order.
		seq, err := s.record(ctx, x, c, deed{"decide." + string(ds[0].Verb), object, map[string]any{"decisions": ds}})
		if err != nil {
			return err
		}
		rows := make([][]any, len(ds))
		for i, d := range ds {
			if _, err := x.exec(ctx, `UPDATE decisions SET counts = FALSE WHERE patch = $1 AND label = $2 AND counts`, d.Patch, d.Label); err != nil {
				return err
			}
			rows[i] = []any{d.ID, d.Patch, d.Label, d.Verb, d.Until, d.By, d.At, d.Why, seq, true}
		}
		return x.insertRows(ctx, `INSERT INTO decisions (`+decisionColumns+`, seq, counts)`, rows, ``)
	})
	return fault(err, "cannot store the decisions")
}

// ListDecisions gives the decisions that count now: the newest of each patch and label, newest first. Clear is left out unless the filter asks
// for it.
func (s *Store) ListDecisions(ctx context.Context, f patch.DecisionFilter) ([]patch.Decision, error) {
	w := where{engine: s.engine}
	w.addFixed(`counts`)
	if !f.Cleared {
		w.addFixed(`verb <> 'clear'`)
	}
	if f.Patch != "" {
		w.add(`patch = ?`, f.Patch)
	}
	if f.Label != "" {
		w.add(`label = ?`, f.Label)
	}
	if f.OS != "" {
		w.add(`patch IN (SELECT id FROM patches WHERE os = ?)`, f.OS)
	}
	all, err := list(ctx, s.read(), scanDecision, `SELECT `+decisionColumns+` FROM decisions`+w.String()+` ORDER BY seq DESC, id`, w.args...)
	return all, fault(err, "cannot list decisions")
}

// DecisionHistory gives every decision ever made about a patch, newest first.
func (s *Store) DecisionHistory(ctx context.Context, id patch.ID) ([]patch.Decision, error) {
	all, err := list(ctx, s.read(), scanDecision, `SELECT `+decisionColumns+` FROM decisions WHERE patch = $1 ORDER BY seq DESC, id`, id)
	return all, fault(err, "cannot read the decisions about %s", id)
}
