package store

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"
)

// In simulated time a reader waits as long as a writer takes: if it waited in real time, the writer's time would stand still until the reader gave up.
func TestWaitsForLocksPassInSimulatedTime(t *testing.T) {
	name := MemoryScheme + filepath.Base(t.TempDir())
	synctest.Test(t, func(t *testing.T) {
		s, err := Open(context.Background(), name, Options{})
		must(t, err)
		defer s.Close()
		begin := time.Now()
		var waiting errgroup.Group
		waiting.Go(func() error {
			return s.write(ctx, func(x session) error {
				_, err := x.exec(ctx, "UPDATE numbers SET given = given")
				time.Sleep(5 * time.Second)
				return err
			})
		})
		synctest.Wait()
		for range 4 {
			waiting.Go(func() error { return s.ClearAlarm(ctx, "x", begin) })
		}
		must(t, waiting.Wait())
		if d := time.Since(begin); d < 5*time.Second {
			t.Errorf("the readers were let in %v after the writer began", d)
		}
	})
}

// A statement that is being read on a connection may run there once more, and more statements than are kept may be used.
func TestKeptStatements(t *testing.T) {
	db, err := openPreparing("file:" + t.TempDir() + "/x.db")
	must(t, err)
	defer db.Close()
	db.SetMaxOpenConns(1)
	_, err = db.ExecContext(ctx, "CREATE TABLE n (v BIGINT); INSERT INTO n VALUES (1), (2), (3)")
	must(t, err)
	const query = "SELECT v FROM n WHERE v >= $1 ORDER BY v"
	tx, err := db.BeginTx(ctx, nil)
	must(t, err)
	defer tx.Rollback()
	sum := 0
	each := func(from int, use func(v int)) {
		rows, err := tx.QueryContext(ctx, query, from)
		must(t, err)
		defer rows.Close()
		for rows.Next() {
			var v int
			must(t, rows.Scan(&v))
			use(v)
		}
		must(t, rows.Err())
	}
	each(1, func(v int) { each(v, func(w int) { sum += 10*v + w }) })
	if sum != 10*(3*1+2*2+3)+(1+2+3)+(2+3)+3 {
		t.Errorf("the two together give %d", sum)
	}
	each(1, func(v int) {
		for i := range 2 * maxKept / 3 {
			var w int
			must(t, tx.QueryRowContext(ctx, fmt.Sprintf("SELECT v + %d FROM n WHERE v = $1", v*1000+i), v).Scan(&w))
			if w != v*1001+i {
				t.Fatalf("%d, want %d", w, v*1001+i)
			}
		}
	})
	if _, err := tx.ExecContext(ctx, "ALTER TABLE n ADD COLUMN more TEXT NOT NULL DEFAULT ''"); err != nil {
		t.Fatal(err)
	}
	each(3, func(v int) { sum = v })
	if err := tx.QueryRowContext(ctx, query, 9).Scan(new(int)); sum != 3 || err != sql.ErrNoRows {
		t.Errorf("%d, %v", sum, err)
	}
}
