package store

import (
	"context"
	"math"

	"github.com/fettle-project/fettle/internal/patch"
)

// crowd is what machines ask PostgreSQL for with each detect, many at once. Nothing of it is remembered: other appliances may write to the database too.
type crowd struct {
	machines shared[patch.MachineID, *patch.Machine]  // nil: there is none
	newest   shared[patch.MachineID, *storedSnapshot] // nil: it never completed a detect
	facts    shared[patch.Hash, bool]                 // whether they are stored
	arrivals shared[arrival, error]
}

func newCrowd(s *Store) *crowd {
	c := &crowd{}
	c.machines.answer = func(ctx context.Context, ids []patch.MachineID) ([]*patch.Machine, error) {
		return each(ctx, s, ids, scanMachine, func(m *patch.Machine) patch.MachineID { return m.ID }, `SELECT `+machineColumns+` FROM machines WHERE id = ANY($1)`)
	}
	c.newest.answer = func(ctx context.Context, ids []patch.MachineID) ([]*storedSnapshot, error) {
		return each(ctx, s, ids, scanSnapshot, func(v *storedSnapshot) patch.MachineID { return v.machine }, newestSnapshots+` WHERE machines.id = ANY($1)`)
	}
	c.facts.answer = func(ctx context.Context, hashes []patch.Hash) ([]bool, error) {
		rows, err := each(ctx, s, hashes, func(r scanner) (h patch.Hash, err error) { return h, r.Scan((*string)(&h)) }, func(h *patch.Hash) patch.Hash { return *h },
			`SELECT hash FROM facts WHERE hash = ANY($1)`)
		there := make([]bool, len(rows))
		for i, r := range rows {
			there[i] = r != nil
		}
		return there, err
	}
	c.arrivals.answer = s.arriveTogether
	return c
}

// each finds a row for each key, in their order; nil where there is none.
func each[K ~string, T any](ctx context.Context, s *Store, keys []K, scan func(scanner) (T, error), keyOf func(*T) K, query string) ([]*T, error) {
	texts := make([]string, len(keys))
	for i, k := range keys {
		texts[i] = string(k)
	}
	rows, err := list(ctx, s.read(), scan, query, texts)
	if err != nil {
		return nil, err
	}
	byKey := make(map[K]*T, len(rows))
	for i := range rows {
		byKey[keyOf(&rows[i])] = &rows[i]
	}
	found := make([]*T, len(keys))
	for i, k := range keys {
		found[i] = byKey[k]
	}
	return found, nil
}

// isPlain reports whether a detect follows one of the same host OS and changes nothing beside it: nearly all do.
func (d *arrival) isPlain() bool {
	return d.before != nil && d.before.Seq > 0 && d.before.OS == d.OS && len(d.closings) == 0 && d.Seq <= math.MaxInt64
}

// arrivePlain is what succeed and heard do for a detect, in one statement with others: of two at once of a machine one finds another number there than it
// expects. What comes of a former detect is read from the database, the row that is written over.
const arrivePlain = `WITH come AS (SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::bytea[], $6::bytea[], $7::bigint[], $8::bytea[])
		WITH ORDINALITY AS come (id, before, seq, os, receipt, verdicts, ended, moves, nth)),
	replaced AS (UPDATE newest SET seq = come.seq, receipt = come.receipt, verdicts = COALESCE(come.verdicts, newest.verdicts), changed = pg_current_xact_id()::text::bigint
		FROM come JOIN machines ON machines.id = come.id AND machines.state = 'admitted' JOIN newest old ON old.machine = machines.number
		WHERE newest.machine = machines.number AND newest.seq = come.before AND old.seq = come.before AND come.before < come.seq
		RETURNING newest.machine, come.before, come.seq, come.os, old.receipt, come.ended, come.moves, come.nth),
	kept AS (INSERT INTO former (machine, seq, receipt, next_seq, next_os, moved_at, moves) SELECT machine, before, receipt, CASE WHEN moves IS NULL THEN 0 ELSE seq END,
		CASE WHEN moves IS NULL THEN '' ELSE os END, CASE WHEN moves IS NULL THEN 0 ELSE ended END, moves FROM replaced),
	heard AS (UPDATE machines SET os = replaced.os, detect_failed = '', detect_failed_at = 0, changed = pg_current_xact_id()::text::bigint FROM replaced
		WHERE machines.number = replaced.machine AND (machines.os <> replaced.os OR machines.detect_failed <> '' OR machines.detect_failed_at <> 0))
	SELECT nth FROM replaced`

// arriveTogether makes detects their machines' newest, or gives for each why it is not. Where the statement fails as a whole each has one of its own, unless
// the database is away.
func (s *Store) arriveTogether(ctx context.Context, ds []arrival) ([]error, error) {
	refused, err := s.arrive(ctx, ds)
	if err == nil || len(ds) == 1 || isAway(err) {
		return refused, err
	}
	refused = make([]error, len(ds))
	for i := range ds {
		alone, err := s.arrive(ctx, ds[i:i+1])
		if refused[i] = err; err == nil {
			refused[i] = alone[0]
		}
	}
	return refused, nil
}

func (s *Store) arrive(ctx context.Context, ds []arrival) (refused []error, err error) {
	n := len(ds)
	ids, oses := make([]string, n), make([]string, n)
	before, seqs, ended := make([]int64, n), make([]int64, n), make([]int64, n)
	receipts, verdicts, moves := make([][]byte, n), make([][]byte, n), make([][]byte, n)
	for i := range ds {
		d := &ds[i]
		ids[i], before[i], seqs[i], oses[i], ended[i] = string(d.Machine), int64(d.before.Seq), int64(d.Seq), string(d.OS), toMicros(d.Ended)
		receipts[i], verdicts[i], moves[i] = d.packed, d.verdicts, d.moves
	}
	x := session{statements: s.writer, engine: s.engine}
	kept := make([]bool, n)
	err = again(ctx, func() error {
		nth, err := list(ctx, x, func(r scanner) (i int, err error) { return i, r.Scan(&i) }, arrivePlain, ids, before, seqs, oses, receipts, verdicts, ended, moves)
		for _, i := range nth {
			kept[i-1] = true
		}
		return err
	})
	s.commits.Add(1)
	refused = make([]error, n)
	for i := range ds {
		if err == nil && !kept[i] {
			refused[i] = refusedSnapshot(ctx, x, ds[i].Receipt, nil)
		}
	}
	return refused, err
}
