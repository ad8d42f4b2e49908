package store

import (
	"context"

	"github.com/fettle-project/fettle/internal/patch"
)

func scanReset(r scanner) (patch.Reset, error) {
	var v patch.Reset
	err := r.Scan(&v.Machine, &v.Patch, &v.Label, &v.By, stamp{&v.At}, &v.Why)
	return v, err
}

// PutResets gives patches new attempts on machines, all in one entry of the audit log under object.
func (s *Store) PutResets(ctx context.Context, c patch.Caller, object, why string, rs []patch.Reset) error {
	machines := make([]patch.MachineID, len(rs))
	rows := make([][]any, len(rs))
	for i, r := range rs {
		machines[i] = r.Machine
		rows[i] = []any{r.Machine, r.Patch, r.Label, r.By, r.At, r.Why}
	}
	err := s.change(ctx, c, deed{"attempts.reset", object, map[string]any{"machines": machines, "why": why}}, func(x session) error {
		return x.insertRows(ctx, `INSERT INTO attempt_resets (machine, patch, label, by_name, at, why)`, rows,
			`ON CONFLICT (machine, patch) DO UPDATE SET label = excluded.label, by_name = excluded.by_name, at = excluded.at, why = excluded.why`)
	})
	return fault(err, "cannot reset the attempts of %s", object)
}

// ListResets gives the newest reset of every machine and patch that had one.
func (s *Store) ListResets(ctx context.Context) ([]patch.Reset, error) {
	all, err := s.seldom.resets.read(s, func() ([]patch.Reset, error) {
		return list(ctx, s.read(), scanReset, `SELECT machine, patch, label, by_name, at, why FROM attempt_resets ORDER BY machine, patch`)
	})
	return all, fault(err, "cannot list resets of attempts")
}
