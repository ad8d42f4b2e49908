package store

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"iter"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// PutSnapshot stores a complete detect in one step: the machine's newest verdicts for its host OS, the receipt, the transitions.
// It gives Conflict unless Seq is above the machine's newest, and Invalid for an incomplete one. Snapshots of the machine's other
// host OSes are closed and stay.
func (s *Store) PutSnapshot(ctx context.Context, v patch.Snapshot, ts []patch.Transition) error {
	return s.putSnapshot(ctx, v, nil, ts, nil)
}

// PutSnapshotAfter is PutSnapshot that also stores, in the same transaction, what the snapshot proved about attempts. It gives Conflict
// as well where the machine's newest snapshot is not, or no longer, the one before (nil: it has none): transitions and effects were worked
// out against that one.
func (s *Store) PutSnapshotAfter(ctx context.Context, before *patch.Snapshot, v patch.Snapshot, ts []patch.Transition, es []patch.EffectUpdate) error {
	if before == nil {
		before = &patch.Snapshot{}
	}
	return s.putSnapshot(ctx, v, before, ts, es)
}

// putSnapshot writes what differs from the snapshot before, as far as that is known; nil where it is not.
func (s *Store) putSnapshot(ctx context.Context, v patch.Snapshot, before *patch.Snapshot, ts []patch.Transition, es []patch.EffectUpdate) error {
	if err := v.Check(); err != nil {
		return err
	}
	if v.Received.IsZero() {
		v.Received = s.now()
	}
	word, err := s.words.number(ctx, s, alike(v.Receipt))
	if err != nil {
		return err
	}
	receipt := packReceipt(v.Receipt, word)
	var verdicts []byte // nil where they are the same as before
	if before == nil || before.OS != v.OS || !bytes.Equal(before.Verdicts.Bits(), v.Verdicts.Bits()) {
		if verdicts, err = s.packVerdicts(ctx, v); err != nil {
			return fault(err, "cannot store a snapshot of the machine %s", v.Machine)
		}
	}
	err = s.write(ctx, func(x session) error {
		known := x.touched.find(v.Machine)
		number, err := advanceSnapshot(ctx, x, v.Receipt, before)
		if err != nil {
			return err
		}
		if err := s.confirm(ctx, x, number); err != nil {
			return err
		}
		if before == nil || before.OS != v.OS {
			if err := s.leaveOS(ctx, x, number, v.Receipt); err != nil {
				return err
			}
		}
		if err := putNewest(ctx, x, number, v.Seq, receipt, verdicts); err != nil {
			return err
		}
		if err := s.putTransitions(ctx, x, v.Receipt, ts); err != nil {
			return err
		}
		if err := putEffects(ctx, x, v.Machine, es); err != nil {
			return err
		}
		x.touched.becomes(v.Machine, known.detected(v, receipt, verdicts))
		return nil
	})
	return fault(err, "cannot store a snapshot of the machine %s", v.Machine)
}

// detected is what becomes of a machine by a newer detect: see advanceSnapshot and putNewest.
func (a acquaintance) detected(v patch.Snapshot, receipt, verdicts []byte) acquaintance {
	if a.machine == nil || verdicts == nil && a.newest == nil {
		return acquaintance{}
	}
	if verdicts == nil {
		verdicts = a.newest.verdicts
	}
	m := *a.machine
	m.SnapshotSeq, m.OS, m.DetectFailed, m.DetectFailedAt = v.Seq, patch.HostOS(cleanText(string(v.OS))), "", time.Time{}
	return acquaintance{&m, &storedSnapshot{machine: m.ID, seq: v.Seq, receipt: receipt, verdicts: verdicts}}
}

// putNewest replaces a machine's newest detect and keeps the receipt of the one before; the verdicts stay where they are nil.
func putNewest(ctx context.Context, x session, number int64, seq uint64, receipt, verdicts []byte) error {
	if _, err := x.exec(ctx, `INSERT INTO former (machine, seq, receipt) SELECT machine, seq, receipt FROM newest WHERE machine = $1`, number); err != nil {
		return err
	}
	if verdicts == nil {
		_, err := x.exec(ctx, `UPDATE newest SET seq = $2, receipt = $3 WHERE machine = $1`, number, seq, receipt)
		return err
	}
	_, err := x.exec(ctx, `INSERT INTO newest (machine, seq, receipt, verdicts) VALUES ($1, $2, $3, $4)
		ON CONFLICT (machine) DO UPDATE SET seq = excluded.seq, receipt = excluded.receipt, verdicts = excluded.verdicts`, number, seq, receipt, verdicts)
	return err
}

// leaveOS keeps the last detect of the host OS that a machine had until now, and takes the present one's from there if it had it before.
func (s *Store) leaveOS(ctx context.Context, x session, number int64, r patch.Receipt) error {
	old, err := list(ctx, x, scanSnapshot, newestSnapshots+` WHERE newest.machine = $1`, number)
	if err != nil || len(old) == 0 {
		return err
	}
	was, err := s.unpackReceipt(ctx, r.Machine, old[0].seq, old[0].receipt)
	if err != nil || was.OS == r.OS {
		return err
	}
	body, err := toJSON(was)
	if err != nil {
		return err
	}
	if _, err := x.exec(ctx, `INSERT INTO snapshots (machine, os, seq, receipt, verdicts, closed_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (machine, os)
		DO UPDATE SET seq = excluded.seq, receipt = excluded.receipt, verdicts = excluded.verdicts, closed_at = excluded.closed_at`,
		r.Machine, was.OS, was.Seq, body, old[0].verdicts, s.now()); err != nil {
		return err
	}
	_, err = x.exec(ctx, `DELETE FROM snapshots WHERE machine = $1 AND os = $2`, r.Machine, r.OS)
	return err
}

// advanceSnapshot moves the machine's newest Seq forwards, and is what makes snapshots monotone: a second one waits for this row. It gives
// the machine's number.
func advanceSnapshot(ctx context.Context, x session, r patch.Receipt, before *patch.Snapshot) (number int64, err error) {
	query, args := `UPDATE machines SET snapshot_seq = $2, os = $3, detect_failed = '', detect_failed_at = 0, changed = `+x.engine.changed+`
		WHERE id = $1 AND state = 'admitted' AND snapshot_seq < $2`, []any{r.Machine, r.Seq, r.OS}
	if before != nil {
		query, args = query+` AND snapshot_seq = $4`, append(args, before.Seq)
	}
	err = x.row(ctx, query+` RETURNING number`, args, &number)
	if !errors.Is(err, sql.ErrNoRows) {
		return number, err
	}
	m, err := lockMachine(ctx, x, r.Machine)
	if err != nil {
		return 0, err
	}
	return 0, &patch.Error{Kind: patch.Conflict, What: "the snapshot is not newer than the one that the appliance has",
		Why: "its number does not exceed the stored one of the machine " + m.Name}
}

type storedSnapshot struct {
	machine  patch.MachineID
	seq      uint64
	receipt  []byte
	verdicts []byte
}

const newestSnapshots = `SELECT machines.id, newest.seq, newest.receipt, newest.verdicts FROM newest JOIN machines ON machines.number = newest.machine`

func scanSnapshot(r scanner) (storedSnapshot, error) {
	var v storedSnapshot
	err := r.Scan(&v.machine, &v.seq, &v.receipt, &v.verdicts)
	return v, err
}

func (s *Store) snapshotOf(ctx context.Context, v storedSnapshot) (patch.Snapshot, error) {
	return s.snapshotIn(ctx, v, nil)
}

// snapshotIn is snapshotOf with the verdicts in scratch, if that is large enough.
func (s *Store) snapshotIn(ctx context.Context, v storedSnapshot, scratch []byte) (patch.Snapshot, error) {
	r, err := s.unpackReceipt(ctx, v.machine, v.seq, v.receipt)
	if err != nil {
		return patch.Snapshot{}, err
	}
	bits, err := s.unpackVerdicts(v.verdicts, scratch)
	return patch.Snapshot{Receipt: r, Verdicts: bits}, err
}

// NewestSnapshot gives NotFound for a machine that never completed a detect.
func (s *Store) NewestSnapshot(ctx context.Context, id patch.MachineID) (patch.Snapshot, error) {
	return s.newestSnapshotIn(ctx, id, nil)
}

// newestSnapshotIn is NewestSnapshot with the verdicts in scratch, if that is large enough.
func (s *Store) newestSnapshotIn(ctx context.Context, id patch.MachineID, scratch []byte) (patch.Snapshot, error) {
	v, err := s.newest(ctx, id)
	if err != nil {
		return patch.Snapshot{}, err
	}
	return s.snapshotIn(ctx, v, scratch)
}

// NewestReceipt is NewestSnapshot without the verdicts.
func (s *Store) NewestReceipt(ctx context.Context, id patch.MachineID) (patch.Receipt, error) {
	v, err := s.newest(ctx, id)
	if err != nil {
		return patch.Receipt{}, err
	}
	return s.unpackReceipt(ctx, v.machine, v.seq, v.receipt)
}

func (s *Store) newest(ctx context.Context, id patch.MachineID) (storedSnapshot, error) {
	known, ends := s.known.find(id)
	if known.newest != nil {
		return *known.newest, nil
	}
	v, err := find(ctx, s.read(), scanSnapshot, newestSnapshots+` WHERE machines.id = $1`, id)
	if err != nil {
		return v, missing(err, "the machine %s never completed a detect", id)
	}
	s.known.keep(v.machine, acquaintance{newest: &v}, ends)
	return v, nil
}

// SnapshotsByOS gives the machine's newest snapshot of each host OS that it ever had, the present one first.
func (s *Store) SnapshotsByOS(ctx context.Context, id patch.MachineID) ([]patch.Snapshot, error) {
	present, err := s.NewestSnapshot(ctx, id)
	if err != nil {
		if patch.KindOf(err) == patch.NotFound {
			return nil, nil
		}
		return nil, err
	}
	all := []patch.Snapshot{present}
	type closed struct {
		receipt  patch.Receipt
		verdicts []byte
	}
	rows, err := list(ctx, s.read(), func(r scanner) (v closed, err error) { return v, r.Scan(document{&v.receipt}, &v.verdicts) },
		`SELECT receipt, verdicts FROM snapshots WHERE machine = $1 ORDER BY seq DESC`, id)
	if err != nil {
		return nil, fault(err, "cannot read the snapshots of the machine %s", id)
	}
	for _, v := range rows {
		bits, err := s.unpackVerdicts(v.verdicts, nil)
		if err != nil {
			return nil, err
		}
		all = append(all, patch.Snapshot{Receipt: v.receipt, Verdicts: bits})
	}
	return all, nil
}

const snapshotPage = 1000

// NewestSnapshots streams the present snapshot of every machine of an OS ("" for all OSes), by machine. It reads in pages and
// holds no connection while the caller works.
func (s *Store) NewestSnapshots(ctx context.Context, os patch.HostOS) iter.Seq2[patch.Snapshot, error] {
	return func(yield func(patch.Snapshot, error) bool) {
		for last := patch.MachineID(""); ; {
			rows, err := list(ctx, s.read(), scanSnapshot, newestSnapshots+` WHERE machines.id > $1 ORDER BY machines.id`+page(snapshotPage, 0), last)
			if err != nil {
				yield(patch.Snapshot{}, fault(err, "cannot read snapshots"))
				return
			}
			for _, v := range rows {
				last = v.machine
				snapshot, err := s.snapshotOf(ctx, v)
				if err == nil && os != "" && snapshot.OS != os {
					continue
				}
				if !yield(snapshot, err) || err != nil {
					return
				}
			}
			if len(rows) < snapshotPage {
				return
			}
		}
	}
}

const allReceipts = `SELECT seq, receipt FROM (SELECT machine, seq, receipt FROM newest UNION ALL SELECT machine, seq, receipt FROM former) every
	WHERE machine = (SELECT number FROM machines WHERE id = $1) ORDER BY seq`

func (s *Store) receipts(ctx context.Context, id patch.MachineID, order string) ([]patch.Receipt, error) {
	type row struct {
		seq  uint64
		body []byte
	}
	rows, err := list(ctx, s.read(), func(r scanner) (v row, err error) { return v, r.Scan(&v.seq, &v.body) }, allReceipts+order, id)
	if err != nil {
		return nil, fault(err, "cannot read the receipts of the machine %s", id)
	}
	all := make([]patch.Receipt, len(rows))
	for i, v := range rows {
		if all[i], err = s.unpackReceipt(ctx, id, v.seq, v.body); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// FirstReceipt is that of the first detect that a machine ever completed; NotFound where it never did.
func (s *Store) FirstReceipt(ctx context.Context, id patch.MachineID) (patch.Receipt, error) {
	all, err := s.receipts(ctx, id, page(1, 0))
	if err == nil && len(all) == 0 {
		err = patch.Errorf(patch.NotFound, "the machine %s never completed a detect", id)
	}
	if err != nil {
		return patch.Receipt{}, err
	}
	return all[0], nil
}

// ListReceipts gives a machine's receipts, newest first; limit 0 means all.
func (s *Store) ListReceipts(ctx context.Context, id patch.MachineID, limit int) ([]patch.Receipt, error) {
	return s.receipts(ctx, id, ` DESC`+page(limit, 0))
}
