package main

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"time"

	_ "modernc.org/sqlite" // the same engine as the appliance's
)

// rowTable is what a patch system does at first: a row for each machine and patch that applies to it, replaced at every detect.
type rowTable struct {
	db       *sql.DB
	machines int
	each     float64 // bytes of one machine
}

const (
	rowPatches = 30_000
	rowModal   = 4000 // patches that some machine has; each machine has rowsEach of them
)

const rowSchema = `PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -200000;
	CREATE TABLE machines (id INTEGER PRIMARY KEY, name TEXT NOT NULL, os TEXT NOT NULL, model TEXT NOT NULL, cores INTEGER NOT NULL, memory_mb INTEGER NOT NULL, quarter INTEGER NOT NULL);
	CREATE TABLE rows (machine INTEGER NOT NULL, patch INTEGER NOT NULL, verdict INTEGER NOT NULL, seen_at INTEGER NOT NULL, PRIMARY KEY (machine, patch)) WITHOUT ROWID;`

func makeRows(ctx context.Context, path string, machines int) (*rowTable, error) {
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	t := &rowTable{db: db, machines: machines}
	if _, err := db.ExecContext(ctx, rowSchema); err != nil {
		return nil, err
	}
	for from := 0; from < machines; from += 500 {
		if err := t.inOne(ctx, func(tx *sql.Tx) error { return fillRows(ctx, tx, from, min(from+500, machines)) }); err != nil {
			return nil, err
		}
	}
	var pages, size int64
	if _, err := db.ExecContext(ctx, `CREATE INDEX rows_patch ON rows (patch, verdict); PRAGMA wal_checkpoint(TRUNCATE); PRAGMA synchronous = FULL`); err != nil {
		return nil, err
	}
	if err := db.QueryRowContext(ctx, `SELECT page_count, page_size FROM pragma_page_count(), pragma_page_size()`).Scan(&pages, &size); err != nil {
		return nil, err
	}
	t.each = float64(pages*size) / float64(machines)
	return t, nil
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

func fillRows(ctx context.Context, tx *sql.Tx, from, to int) error {
	for m := from; m < to; m++ {
		if _, err := tx.ExecContext(ctx, `INSERT INTO machines VALUES (?, ?, ?, ?, ?, ?, ?)`, m, fmt.Sprintf("simulated-%06d", m+1), "debian-12-amd64", fmt.Sprintf("S%d", m%7), 2<<(m%4), 2048<<(m%5), m%4); err != nil {
			return err
		}
		if err := insertDetect(ctx, tx, m, 1); err != nil {
			return err
		}
	}
	return nil
}

// insertDetect writes all rows of one machine. Which patches it has is its own; what it lacks changes with every detect.
func insertDetect(ctx context.Context, tx *sql.Tx, m int, round uint64) error {
	s, err := tx.PrepareContext(ctx, `INSERT INTO rows VALUES (?, ?, ?, ?)`)
	if err != nil {
		return err
	}
	defer s.Close()
	own := rand.New(rand.NewPCG(7, uint64(m)))
	now := rand.New(rand.NewPCG(round, uint64(m)))
	for p, left := own.IntN(3), rowsEach; left > 0; p, left = p+1+own.IntN(2*rowModal/rowsEach-1), left-1 {
		verdict := 2
		if now.IntN(20) == 0 {
			verdict = 1
		}
		if _, err := s.ExecContext(ctx, m, p*rowPatches/(2*rowModal), verdict, round); err != nil {
			return err
		}
	}
	return nil
}

// replaceRate is how many detects a second are replaced, each durable.
func (t *rowTable) replaceRate(ctx context.Context, span time.Duration) (float64, error) {
	begun, n := time.Now(), 0
	for time.Since(begun) < span {
		m := n * 7919 % t.machines
		err := t.inOne(ctx, func(tx *sql.Tx) error {
			if _, err := tx.ExecContext(ctx, `DELETE FROM rows WHERE machine = ?`, m); err != nil {
				return err
			}
			return insertDetect(ctx, tx, m, uint64(2+n))
		})
		if err != nil {
			return 0, err
		}
		n++
	}
	return float64(n) / time.Since(begun).Seconds(), nil
}

// time runs a query and reads all of its rows, several times, and gives the median.
func (t *rowTable) time(ctx context.Context, query string, args ...any) (time.Duration, error) {
	return median(3, func() error {
		rows, err := t.db.QueryContext(ctx, query, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
		}
		return rows.Err()
	})
}

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
