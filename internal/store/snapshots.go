package store

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"iter"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
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

// arrival is a detect on its way into the database.
type arrival struct {
	patch.Receipt
	before   *patch.Snapshot // that it was told against; nil where nobody says
	packed   []byte          // the receipt
	verdicts []byte          // nil where they are those of the one before
	moves    []byte          // what it changed; nil where that is nothing
	closings [][]any         // rows of what left the machine's list
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
	d := arrival{Receipt: v.Receipt, before: before, packed: packReceipt(v.Receipt, word)}
	if before == nil || before.OS != v.OS || !bytes.Equal(before.Verdicts.Bits(), v.Verdicts.Bits()) {
		d.verdicts, err = s.packVerdicts(ctx, v)
	}
	if err == nil {
		d.moves, d.closings, err = s.packTransitions(ctx, v.Receipt, ts)
	}
	if err != nil {
		return fault(err, "cannot store a snapshot of the machine %s", v.Machine)
	}
	if s.crowd != nil && d.isPlain() && len(es) == 0 && !s.unconfirmed.Load() {
		refused, err := s.crowd.arrivals.ask(ctx, d)
		return fault(cmp.Or(err, refused), "cannot store a snapshot of the machine %s", v.Machine)
	}
	err = s.write(ctx, func(x session) error {
		known := x.touched.find(v.Machine)
		x.touched.becomes(v.Machine, acquaintance{}) // until all is written
		number, err := s.succeed(ctx, x, d, known)
		if err != nil {
			return err
		}
		if err := heard(ctx, x, v.Receipt, known.machine); err != nil {
			return err
		}
		if err := x.insertRows(ctx, `INSERT INTO transitions (`+transitionColumns+`)`, d.closings, ``); err != nil {
			return err
		}
		if err := putEffects(ctx, x, v.Machine, es); err != nil {
			return err
		}
		x.touched.becomes(v.Machine, known.detected(number, d))
		x.touched.leaves(number)
		return nil
	})
	return fault(err, "cannot store a snapshot of the machine %s", v.Machine)
}

// detected is what becomes of a machine by a newer detect: see succeed and heard.
func (a acquaintance) detected(number int64, d arrival) acquaintance {
	if a.machine == nil || d.verdicts == nil && a.newest == nil {
		return acquaintance{}
	}
	m, n := *a.machine, storedSnapshot{machine: a.machine.ID, number: number, seq: d.Seq, receipt: d.packed, verdicts: d.verdicts, says: asKept(d.Receipt)}
	m.SnapshotSeq, m.OS, m.DetectFailed, m.DetectFailedAt = d.Seq, patch.HostOS(cleanText(string(d.OS))), "", time.Time{}
	if n.verdicts == nil {
		n.verdicts = a.newest.verdicts
	}
	return acquaintance{&m, &n}
}

// succeed makes a detect its machine's newest and keeps the receipt of the one before. It gives the machine's number.
func (s *Store) succeed(ctx context.Context, x session, d arrival, known acquaintance) (number int64, err error) {
	if d.before != nil && d.before.Seq > 0 && d.before.OS == d.OS && !s.unconfirmed.Load() {
		return replaceNewest(ctx, x, d, d.before.Seq, known)
	}
	m, err := lockMachine(ctx, x, d.Machine) // there may be no row yet that a second one would wait for
	if err != nil {
		return 0, err
	}
	var newest uint64
	if err := x.row(ctx, `SELECT number, `+newestSeq+` FROM machines WHERE id = $1`, []any{d.Machine}, &number, count{&newest}); err != nil {
		return 0, err
	}
	if d.before != nil && d.before.Seq != newest || newest >= d.Seq {
		return 0, notNewer(m)
	}
	if err := s.confirm(ctx, x, number); err != nil {
		return 0, err
	}
	if err := s.leaveOS(ctx, x, number, d.Receipt); err != nil {
		return 0, err
	}
	if d.verdicts != nil {
		n, err := x.exec(ctx, `INSERT INTO newest (machine, seq, receipt, verdicts, changed) SELECT number, $2, $3, $4, `+x.engine.changed+` FROM machines
			WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM newest WHERE newest.machine = machines.number)`, d.Machine, d.Seq, d.packed, d.verdicts)
		if err != nil {
			return 0, err
		}
		if n > 0 {
			return number, putMoves(ctx, x, d)
		}
	}
	return replaceNewest(ctx, x, d, newest, acquaintance{})
}

// replaceNewest puts a detect in the place of the one numbered before, and is what makes snapshots monotone: of two at once one finds another number
// there than it expects. The machine's own row is wide, so it is only looked at, and not even that where it is known.
func replaceNewest(ctx context.Context, x session, d arrival, before uint64, known acquaintance) (number int64, err error) {
	if number, err = retire(ctx, x, d, before, known); err != nil {
		return 0, err
	}
	query, args := `UPDATE newest SET seq = $2, receipt = $3`+x.engine.marks, []any{number, d.Seq, d.packed, before}
	if d.verdicts != nil {
		query, args = query+`, verdicts = $5`, append(args, d.verdicts)
	}
	n, err := x.exec(ctx, query+` WHERE machine = $1 AND seq = $4`, args...)
	if err != nil || n == 0 {
		return 0, refusedSnapshot(ctx, x, d.Receipt, err)
	}
	return number, nil
}

// retire keeps the receipt of a machine's newest detect, which is the one numbered before, and with it what the next one changed. It gives the
// machine's number.
func retire(ctx context.Context, x session, d arrival, before uint64, known acquaintance) (number int64, err error) {
	if n := known.newest; n != nil && n.seq == before && before < d.Seq && known.machine != nil && known.machine.State == patch.Admitted {
		if d.moves == nil {
			_, err = x.exec(ctx, `INSERT INTO former (machine, seq, receipt) VALUES ($1, $2, $3)`, n.number, before, n.receipt)
		} else {
			_, err = x.exec(ctx, `INSERT INTO former (machine, seq, receipt, next_seq, next_os, moved_at, moves) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
				n.number, before, n.receipt, d.Seq, d.OS, d.Ended, d.moves)
		}
		return n.number, err
	}
	columns, next, args := `machine, seq, receipt`, ``, []any{d.Machine, before, d.Seq}
	if d.moves != nil {
		columns, next, args = columns+`, next_seq, next_os, moved_at, moves`, `, $3, $4, $5, $6`, append(args, d.OS, d.Ended, d.moves)
	}
	err = x.row(ctx, `INSERT INTO former (`+columns+`) SELECT newest.machine, newest.seq, newest.receipt`+next+` FROM machines
		JOIN newest ON newest.machine = machines.number WHERE machines.id = $1 AND machines.state = 'admitted' AND newest.seq = $2 AND newest.seq < $3
		ON CONFLICT (machine, seq) DO NOTHING RETURNING machine`, args, &number)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, refusedSnapshot(ctx, x, d.Receipt, nil)
	}
	return number, err
}

// refusedSnapshot says why a detect did not become its machine's newest; err goes before.
func refusedSnapshot(ctx context.Context, x session, r patch.Receipt, err error) error {
	if err != nil {
		return err
	}
	m, err := lockMachine(ctx, x, r.Machine)
	if err != nil {
		return err
	}
	return notNewer(m)
}

func notNewer(m patch.Machine) error {
	return &patch.Error{Kind: patch.Conflict, What: "the snapshot is not newer than the one that the appliance has",
		Why: phrase.Of("its number does not exceed the stored one of the machine {1}", m.Name)}
}

// heard notes in a machine's row what a complete detect says of it, where that is new; m is the row, as far as it is known.
func heard(ctx context.Context, x session, r patch.Receipt, m *patch.Machine) error {
	if m != nil && m.OS == r.OS && m.DetectFailed == "" && m.DetectFailedAt.IsZero() {
		return nil
	}
	_, err := x.exec(ctx, `UPDATE machines SET os = $2, detect_failed = '', detect_failed_at = 0, changed = `+x.engine.changed+`
		WHERE id = $1 AND (os <> $2 OR detect_failed <> '' OR detect_failed_at <> 0)`, r.Machine, r.OS)
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

type storedSnapshot struct {
	machine  patch.MachineID
	number   int64 // of the machine
	seq      uint64
	receipt  []byte
	verdicts []byte
	says     *patch.Receipt // unpacked, where that was done before
}

const newestSnapshots = `SELECT machines.id, newest.machine, newest.seq, newest.receipt, newest.verdicts FROM newest JOIN machines ON machines.number = newest.machine`

func scanSnapshot(r scanner) (storedSnapshot, error) {
	var v storedSnapshot
	err := r.Scan(&v.machine, &v.number, &v.seq, &v.receipt, &v.verdicts)
	return v, err
}

func (s *Store) snapshotOf(ctx context.Context, v storedSnapshot) (patch.Snapshot, error) {
	return s.snapshotIn(ctx, v, nil)
}

// snapshotIn is snapshotOf with the verdicts in scratch, if that is large enough.
func (s *Store) snapshotIn(ctx context.Context, v storedSnapshot, scratch []byte) (patch.Snapshot, error) {
	r, err := s.receiptOf(ctx, v)
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
	return s.receiptOf(ctx, v)
}

func (s *Store) receiptOf(ctx context.Context, v storedSnapshot) (patch.Receipt, error) {
	if v.says != nil {
		return *v.says, nil
	}
	return s.unpackReceipt(ctx, v.machine, v.seq, v.receipt)
}

func (s *Store) newest(ctx context.Context, id patch.MachineID) (storedSnapshot, error) {
	known, ends := s.known.find(id)
	if known.newest != nil {
		return *known.newest, nil
	}
	v, err := s.readNewest(ctx, id)
	if err != nil {
		return v, missing(err, "the machine %s never completed a detect", id)
	}
	r, err := s.unpackReceipt(ctx, v.machine, v.seq, v.receipt)
	if err != nil {
		return v, err
	}
	v.says = &r
	s.known.keep(v.machine, acquaintance{newest: &v}, ends)
	return v, nil
}

func (s *Store) readNewest(ctx context.Context, id patch.MachineID) (storedSnapshot, error) {
	if s.crowd == nil {
		return find(ctx, s.read(), scanSnapshot, newestSnapshots+` WHERE machines.id = $1`, id)
	}
	v, err := s.crowd.newest.ask(ctx, id)
	if err != nil || v == nil {
		return storedSnapshot{}, cmp.Or(err, sql.ErrNoRows)
	}
	return *v, nil
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
