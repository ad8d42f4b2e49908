package store

import (
	"context"

	"github.com/fettle-project/fettle/internal/patch"
)

// Changes calls take for every machine whose row or newest snapshot may have changed since a mark (the zero Mark: for every machine), in no
// order, and gives the mark to go on from. The snapshot is nil where the machine has none, or has the one with the number that have gives
// for it: a snapshot never changes. Whatever was acknowledged before the call, by any appliance on the same database, is among
// what has changed; a machine may come again unchanged.
func (s *Store) Changes(ctx context.Context, since patch.Mark, have func(patch.MachineID) uint64, take func(patch.Standing) error) (patch.Mark, error) {
	next := patch.Mark{Commits: s.commits.Load() + 1} // read before the rows are: what is committed meanwhile is looked for again
	if s.engine.name == "sqlite" && next.Commits == since.Commits {
		return since, nil // nobody but this process writes to the file
	}
	var some bool
	if err := s.read().row(ctx, `SELECT `+s.engine.horizon+`, EXISTS (SELECT 1 FROM machines WHERE changed >= $1)`, []any{since.Horizon}, &next.Horizon, &some); err != nil {
		return since, fault(err, "cannot look for changes")
	}
	if !some {
		return next, nil
	}
	rows, err := s.reader.QueryContext(ctx, `SELECT `+machineColumns+`, newest.receipt, newest.verdicts,
		EXISTS (SELECT 1 FROM snapshots former WHERE former.machine = machines.id AND former.closed_at <> 0) FROM machines
		LEFT JOIN newest ON newest.machine = machines.number WHERE changed >= $1`, since.Horizon)
	if err != nil {
		return since, fault(err, "cannot read what has changed")
	}
	defer rows.Close()
	for rows.Next() {
		var v patch.Standing
		var packed storedSnapshot
		if v.Machine, err = scanMachine(alongside{rows, []any{&packed.receipt, &packed.verdicts, &v.Moved}}); err != nil {
			return since, fault(err, "cannot read what has changed")
		}
		if packed.receipt != nil && v.Machine.SnapshotSeq != have(v.Machine.ID) {
			packed.machine, packed.seq = v.Machine.ID, v.Machine.SnapshotSeq
			snap, err := s.snapshotOf(ctx, packed)
			if err != nil {
				return since, err
			}
			v.Snapshot = &snap
		}
		if err := take(v); err != nil {
			return since, err
		}
	}
	return next, fault(rows.Err(), "cannot read what has changed")
}

// alongside scans further columns of a row after those that a scan function knows.
type alongside struct {
	row  scanner
	into []any
}

// Scan implements scanner.
func (a alongside) Scan(into ...any) error { return a.row.Scan(append(into, a.into...)...) }
