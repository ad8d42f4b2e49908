package main

import (
	"context"
	"database/sql"
	"math/rand/v2"
	"slices"
	"time"

	_ "modernc.org/sqlite" // the same engine as the appliance's

	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/patch"
)

// rowTable is what a patch system does at first: a row for each machine and patch that applies to it, replaced at every detect. It holds what
// the appliance holds of the same machines.
type rowTable struct {
	db       *sql.DB
	machines int
	patches  int
	each     float64      // bytes of one machine
	verdicts [][][2]int64 // of some machines: patch and verdict
	replaced int          // detects, so far
}

// The table is made for the questions that it is asked. Its key serves those about one machine and the replacing of its rows; rows_verdict
// serves those about a patch, about all patches, and about what is missing, without a look at the rows themselves. Both count in its size and
// in how fast a machine's rows are replaced, as they must: without the second, "who lacks this patch" reads every row. What machines are and
// which labels they carry is in columns and an index of its own.
const rowSchema = `PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -400000;
	CREATE TABLE machines (id INTEGER PRIMARY KEY, key TEXT NOT NULL, name TEXT NOT NULL, os TEXT NOT NULL, model TEXT NOT NULL, cores INTEGER NOT NULL, memory_mb INTEGER NOT NULL);
	CREATE TABLE patches (id INTEGER PRIMARY KEY, name TEXT NOT NULL, security INTEGER NOT NULL, severity TEXT NOT NULL, released INTEGER NOT NULL);
	CREATE TABLE carriers (label TEXT NOT NULL, machine INTEGER NOT NULL, PRIMARY KEY (label, machine)) WITHOUT ROWID;
	CREATE TABLE rows (machine INTEGER NOT NULL, patch INTEGER NOT NULL, verdict INTEGER NOT NULL, seen_at INTEGER NOT NULL, PRIMARY KEY (machine, patch)) WITHOUT ROWID;`

// makeRows fills a table with the machines of the appliance, the first ones where there are more than it shall have.
func makeRows(ctx context.Context, path string, in *inside, most int) (*rowTable, error) {
	seats, err := in.seats(ctx)
	if err != nil {
		return nil, err
	}
	seats = seats[:min(len(seats), most)]
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	t := &rowTable{db: db, machines: len(seats), patches: len(in.patches)}
	if _, err := db.ExecContext(ctx, rowSchema); err != nil {
		return nil, err
	}
	if err := t.inOne(ctx, func(tx *sql.Tx) error { return fillPatches(ctx, tx, in.patches) }); err != nil {
		return nil, err
	}
	for from := 0; from < len(seats); from += 500 {
		if err := t.inOne(ctx, func(tx *sql.Tx) error { return t.fill(ctx, tx, in, seats, from, min(from+500, len(seats))) }); err != nil {
			return nil, err
		}
	}
	return t, t.finish(ctx)
}

func (t *rowTable) finish(ctx context.Context) error {
	if _, err := t.db.ExecContext(ctx, `CREATE INDEX rows_verdict ON rows (verdict, patch); ANALYZE; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA synchronous = FULL`); err != nil {
		return err
	}
	var size int64
	err := t.db.QueryRowContext(ctx, `SELECT SUM(pgsize) FROM dbstat WHERE name IN ('rows', 'rows_verdict')`).Scan(&size)
	t.each = float64(size) / float64(t.machines)
	return err
}

func (t *rowTable) close() { _ = t.db.Close() }

func (t *rowTable) inOne(ctx context.Context, f func(*sql.Tx) error) error {
	tx, err := t.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // after Commit it does nothing
	if err := f(tx); err != nil {
		return err
	}
	return tx.Commit()
}

func fillPatches(ctx context.Context, tx *sql.Tx, patches []patch.Patch) error {
	for i, p := range patches {
		if _, err := tx.ExecContext(ctx, `INSERT INTO patches VALUES (?, ?, ?, ?, ?)`, i, p.ID, p.Category == patch.Security, p.Severity, p.Released.Unix()); err != nil {
			return err
		}
	}
	return nil
}

func (t *rowTable) fill(ctx context.Context, tx *sql.Tx, in *inside, seats []*fleet.Seat, from, to int) error {
	for id := from; id < to; id++ {
		m := seats[id].Machine
		h, err := in.hardware(ctx, m)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO machines VALUES (?, ?, ?, ?, ?, ?, ?)`, id, m.ID, m.Name, m.OS, h.Model, h.Cores, h.MemoryMB); err != nil {
			return err
		}
		if id%4 == 0 {
			if _, err := tx.ExecContext(ctx, `INSERT INTO carriers VALUES ('quarter', ?)`, id); err != nil {
				return err
			}
		}
		var all [][2]int64
		for column, v := range seats[id].Verdicts() {
			all = append(all, [2]int64{int64(column), int64(v)})
		}
		if len(t.verdicts) < 1000 {
			t.verdicts = append(t.verdicts, all)
		}
		if err := insertRows(ctx, tx, id, all, 1); err != nil {
			return err
		}
	}
	return nil
}

func insertRows(ctx context.Context, tx *sql.Tx, machine int, all [][2]int64, seen int) error {
	s, err := tx.PrepareContext(ctx, `INSERT INTO rows VALUES (?, ?, ?, ?)`)
	if err != nil {
		return err
	}
	defer s.Close()
	for _, x := range all {
		if _, err := s.ExecContext(ctx, machine, x[0], x[1], seen); err != nil {
			return err
		}
	}
	return nil
}

// replaceRates are how many detects a second are replaced in each of some turns, in order. Whatever else is at work on the machine, and on the disk, makes
// one turn half as fast again as another: the one in the middle says what the table takes.
func (t *rowTable) replaceRates(ctx context.Context, turns int, span time.Duration) ([]float64, error) {
	rates := make([]float64, turns)
	for i := range rates {
		var err error
		if rates[i], err = t.replaceRate(ctx, span); err != nil {
			return nil, err
		}
	}
	slices.Sort(rates)
	return rates, nil
}

// replaceRate is how many detects a second are replaced, each durable. Some packages of the machine have changed each time.
func (t *rowTable) replaceRate(ctx context.Context, span time.Duration) (float64, error) {
	begun, before := time.Now(), t.replaced
	for time.Since(begun) < span {
		m := t.replaced * 7919 % len(t.verdicts)
		all := t.verdicts[m]
		for range 5 {
			x := &all[rand.IntN(len(all))]
			x[1] = 1 + x[1]%2 // patched or not
		}
		err := t.inOne(ctx, func(tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, `DELETE FROM rows WHERE machine = ?`, m); err != nil {
				return err
			}
			return insertRows(ctx, tx, m, all, 2+t.replaced)
		})
		if err != nil {
			return 0, err
		}
		t.replaced++
	}
	return float64(t.replaced-before) / time.Since(begun).Seconds(), nil
}

// read runs a query and scans each of its rows.
func read[T any](ctx context.Context, t *rowTable, scan func(*sql.Rows) (T, error), query string, args ...any) ([]T, error) {
	rows, err := t.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []T{}
	for rows.Next() {
		x, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, rows.Err()
}

func text(r *sql.Rows) (s string, err error) { return s, r.Scan(&s) }

// weighTables gives the bytes of each table of the appliance's database, its indexes included.
func weighTables(ctx context.Context, path string) (map[string]int64, error) {
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, `SELECT m.tbl_name, SUM(s.pgsize) FROM dbstat s JOIN sqlite_schema m ON m.name = s.name GROUP BY m.tbl_name`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]int64{}
	for rows.Next() {
		var name string
		var n int64
		if err := rows.Scan(&name, &n); err != nil {
			return nil, err
		}
		out[name] = n
	}
	return out, rows.Err()
}

// scaled is a time that a table of fewer machines than the fleet took, for all of them.
func (t *rowTable) scaled(d time.Duration, machines int) time.Duration {
	return time.Duration(float64(d) * float64(machines) / float64(t.machines))
}
