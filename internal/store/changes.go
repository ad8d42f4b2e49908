package store

import (
	"context"
	"math"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/fettle-project/fettle/internal/patch"
)

// Changes calls take once for every machine whose row or newest snapshot may have changed since a mark (the zero Mark: for every machine), in no
// order, and gives the mark to go on from. The snapshot is nil where the machine has none, or has the one with the number that have gives
// for it: a snapshot never changes. Its verdicts are gone when take returns. Whatever was acknowledged before the call, by any appliance on the
// same database, is among what has changed; a machine may come again unchanged. From the zero Mark have and take are called from several
// goroutines at once.
func (s *Store) Changes(ctx context.Context, since patch.Mark, have func(patch.MachineID) uint64, take func(patch.Standing) error) (patch.Mark, error) {
	next := patch.Mark{Commits: s.commits.Load() + 1} // read before the rows are: what is committed meanwhile is looked for again
	if s.engine.name == "sqlite" && next.Commits == since.Commits {
		return since, nil // nobody but this process writes to the file
	}
	var detected []int64
	if s.known != nil {
		detected, next.Trail = s.known.trail.since(since.Trail)
	}
	var some bool
	if err := s.read().row(ctx, `SELECT `+s.engine.horizon+`, EXISTS (SELECT 1 FROM machines WHERE changed >= $1) OR EXISTS (SELECT 1 FROM newest WHERE changed >= $1)`, []any{since.Horizon}, &next.Horizon, &some); err != nil {
		return since, fault(err, "cannot look for changes")
	}
	var err error
	switch {
	case since == patch.Mark{}:
		err = s.everyMachine(ctx, have, take)
	case len(detected) > 0:
		var numbers string
		if numbers, err = toJSON(detected); err == nil {
			err = s.standings(ctx, have, take, `number IN (`+changedSince+` UNION ALL SELECT value FROM json_each($2))`, since.Horizon, numbers)
		}
	case some:
		err = s.standings(ctx, have, take, `number IN (`+changedSince+`)`, since.Horizon)
	}
	if err != nil {
		return since, err
	}
	return next, nil
}

// changedSince selects the numbers of machines with a row that changed at or after a mark, by both indexes. With UNION SQLite would walk both tables in their order, to
// find out what is in both: with many machines for each question after a change.
const changedSince = `SELECT number FROM machines WHERE changed >= $1 UNION ALL SELECT machine FROM newest WHERE changed >= $1`

// manyMachines are worth reading by several at once.
const manyMachines = 500

// everyMachine reads all machines, on all processors where they are many.
func (s *Store) everyMachine(ctx context.Context, have func(patch.MachineID) uint64, take func(patch.Standing) error) error {
	var newest int64
	if err := s.read().row(ctx, `SELECT COALESCE(MAX(number), 0) FROM machines`, nil, &newest); err != nil {
		return fault(err, "cannot look for changes")
	}
	parts := int64(1)
	if newest > manyMachines {
		parts = int64(min(runtime.GOMAXPROCS(0), allReaders))
	}
	g, ctx := errgroup.WithContext(ctx)
	for i := range parts {
		from, to := newest*i/parts, newest*(i+1)/parts
		if i == parts-1 {
			to = math.MaxInt64
		}
		g.Go(func() error { return s.standings(ctx, have, take, `number > $1 AND number <= $2`, from, to) })
	}
	return g.Wait()
}

// allReaders read all machines at once: a processor each, and connections are left for others.
const allReaders = 3

// standings calls take for the machines that a condition selects.
func (s *Store) standings(ctx context.Context, have func(patch.MachineID) uint64, take func(patch.Standing) error, where string, args ...any) error {
	rows, err := s.reader.QueryContext(ctx, `SELECT `+machineColumns+`, newest.receipt, newest.verdicts,
		EXISTS (SELECT 1 FROM snapshots former WHERE former.machine = machines.id AND former.closed_at <> 0) FROM machines
		LEFT JOIN newest ON newest.machine = machines.number WHERE `+where, args...)
	if err != nil {
		return fault(err, "cannot read what has changed")
	}
	defer rows.Close()
	var scratch []byte
	for rows.Next() {
		var v patch.Standing
		var packed storedSnapshot
		if v.Machine, err = scanMachine(alongside{rows, []any{&packed.receipt, &packed.verdicts, &v.Moved}}); err != nil {
			return fault(err, "cannot read what has changed")
		}
		if packed.receipt != nil && v.Machine.SnapshotSeq != have(v.Machine.ID) {
			packed.machine, packed.seq = v.Machine.ID, v.Machine.SnapshotSeq
			snap, err := s.snapshotIn(ctx, packed, scratch)
			if err != nil {
				return err
			}
			v.Snapshot, scratch = &snap, snap.Verdicts.Bits()
		}
		if err := take(v); err != nil {
			return err
		}
	}
	return fault(rows.Err(), "cannot read what has changed")
}

// alongside scans further columns of a row after those that a scan function knows.
type alongside struct {
	row  scanner
	into []any
}

// Scan implements scanner.
func (a alongside) Scan(into ...any) error { return a.row.Scan(append(into, a.into...)...) }
