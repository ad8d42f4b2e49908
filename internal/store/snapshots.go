package store

import (
	"bytes"
	"context"
	"iter"

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
	receipt, err := toJSON(v.Receipt)
	if err != nil {
		return err
	}
	same := before != nil && before.OS == v.OS && bytes.Equal(before.Verdicts.Bits(), v.Verdicts.Bits())
	var verdicts []byte
	if !same {
		if verdicts, err = s.packVerdicts(ctx, v); err != nil {
			return fault(err, "cannot store a snapshot of the machine %s", v.Machine)
		}
	}
	err = s.write(ctx, func(x session) error {
		if err := advanceSnapshot(ctx, x, v.Receipt, before); err != nil {
			return err
		}
		if err := putNewest(ctx, x, v.Receipt, receipt, verdicts); err != nil {
			return err
		}
		if before == nil || before.OS != v.OS {
			if _, err := x.exec(ctx, `UPDATE snapshots SET closed_at = $3 WHERE machine = $1 AND os <> $2 AND closed_at = 0`,
				v.Machine, v.OS, s.now()); err != nil {
				return err
			}
		}
		if _, err := x.exec(ctx, `INSERT INTO receipts (machine, seq, receipt) VALUES ($1, $2, $3)`, v.Machine, v.Seq, receipt); err != nil {
			return err
		}
		if err := s.putTransitions(ctx, x, v.Receipt, ts); err != nil {
			return err
		}
		return putEffects(ctx, x, v.Machine, es)
	})
	return fault(err, "cannot store a snapshot of the machine %s", v.Machine)
}

// putNewest replaces what is newest of the machine's host OS; its verdicts stay where they are nil.
func putNewest(ctx context.Context, x session, r patch.Receipt, receipt string, verdicts []byte) error {
	if verdicts == nil {
		_, err := x.exec(ctx, `UPDATE snapshots SET seq = $3, receipt = $4 WHERE machine = $1 AND os = $2`, r.Machine, r.OS, r.Seq, receipt)
		return err
	}
	_, err := x.exec(ctx, `INSERT INTO snapshots (machine, os, seq, receipt, verdicts, closed_at) VALUES ($1, $2, $3, $4, $5, 0)
		ON CONFLICT (machine, os) DO UPDATE SET seq = excluded.seq, receipt = excluded.receipt, verdicts = excluded.verdicts, closed_at = 0`,
		r.Machine, r.OS, r.Seq, receipt, verdicts)
	return err
}

// advanceSnapshot moves the machine's newest Seq forwards, and is what makes snapshots monotone: a second one waits for this row.
func advanceSnapshot(ctx context.Context, x session, r patch.Receipt, before *patch.Snapshot) error {
	query, args := `UPDATE machines SET snapshot_seq = $2, os = $3, detect_failed = '', detect_failed_at = 0, changed = `+x.engine.changed+`
		WHERE id = $1 AND state = 'admitted' AND snapshot_seq < $2`, []any{r.Machine, r.Seq, r.OS}
	if before != nil {
		query, args = query+` AND snapshot_seq = $4`, append(args, before.Seq)
	}
	n, err := x.exec(ctx, query, args...)
	if err != nil || n > 0 {
		return err
	}
	m, err := lockMachine(ctx, x, r.Machine)
	if err != nil {
		return err
	}
	return &patch.Error{Kind: patch.Conflict, What: "the snapshot is not newer than the one that the appliance has",
		Why: "its number does not exceed the stored one of the machine " + m.Name}
}

type storedSnapshot struct {
	receipt  patch.Receipt
	verdicts []byte
}

func scanSnapshot(r scanner) (storedSnapshot, error) {
	var v storedSnapshot
	err := r.Scan(document{&v.receipt}, &v.verdicts)
	return v, err
}

func (s *Store) snapshotOf(v storedSnapshot) (patch.Snapshot, error) {
	bits, err := s.unpackVerdicts(v.verdicts)
	return patch.Snapshot{Receipt: v.receipt, Verdicts: bits}, err
}

// NewestSnapshot gives NotFound for a machine that never completed a detect.
func (s *Store) NewestSnapshot(ctx context.Context, id patch.MachineID) (patch.Snapshot, error) {
	v, err := find(ctx, s.read(), scanSnapshot, `SELECT receipt, verdicts FROM snapshots WHERE machine = $1 AND closed_at = 0`, id)
	if err != nil {
		return patch.Snapshot{}, missing(err, "the machine %s never completed a detect", id)
	}
	return s.snapshotOf(v)
}

// SnapshotsByOS gives the machine's newest snapshot of each host OS that it ever had, the present one first.
func (s *Store) SnapshotsByOS(ctx context.Context, id patch.MachineID) ([]patch.Snapshot, error) {
	rows, err := list(ctx, s.read(), scanSnapshot, `SELECT receipt, verdicts FROM snapshots WHERE machine = $1 ORDER BY seq DESC`, id)
	if err != nil {
		return nil, fault(err, "cannot read the snapshots of the machine %s", id)
	}
	all := make([]patch.Snapshot, len(rows))
	for i, v := range rows {
		if all[i], err = s.snapshotOf(v); err != nil {
			return nil, err
		}
	}
	return all, nil
}

const snapshotPage = 1000

// NewestSnapshots streams the present snapshot of every machine of an OS ("" for all OSes), by machine. It reads in pages and
// holds no connection while the caller works.
func (s *Store) NewestSnapshots(ctx context.Context, os patch.HostOS) iter.Seq2[patch.Snapshot, error] {
	return func(yield func(patch.Snapshot, error) bool) {
		for last := patch.MachineID(""); ; {
			w := where{engine: s.engine}
			w.addFixed(`closed_at = 0`)
			w.add(`machine > ?`, last)
			if os != "" {
				w.add(`os = ?`, os)
			}
			rows, err := list(ctx, s.read(), scanSnapshot, `SELECT receipt, verdicts FROM snapshots`+w.String()+` ORDER BY machine`+page(snapshotPage, 0), w.args...)
			if err != nil {
				yield(patch.Snapshot{}, fault(err, "cannot read snapshots"))
				return
			}
			for _, v := range rows {
				snapshot, err := s.snapshotOf(v)
				if !yield(snapshot, err) || err != nil {
					return
				}
				last = v.receipt.Machine
			}
			if len(rows) < snapshotPage {
				return
			}
		}
	}
}

// FirstReceipt is that of the first detect that a machine ever completed; NotFound where it never did.
func (s *Store) FirstReceipt(ctx context.Context, id patch.MachineID) (patch.Receipt, error) {
	r, err := find(ctx, s.read(), scanDocument[patch.Receipt], `SELECT receipt FROM receipts WHERE machine = $1 ORDER BY seq LIMIT 1`, id)
	return r, missing(err, "the machine %s never completed a detect", id)
}

// ListReceipts gives a machine's receipts, newest first; limit 0 means all.
func (s *Store) ListReceipts(ctx context.Context, id patch.MachineID, limit int) ([]patch.Receipt, error) {
	all, err := list(ctx, s.read(), scanDocument[patch.Receipt], `SELECT receipt FROM receipts WHERE machine = $1 ORDER BY seq DESC`+page(limit, 0), id)
	return all, fault(err, "cannot read the receipts of the machine %s", id)
}
