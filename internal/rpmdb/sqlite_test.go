package rpmdb

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	_ "modernc.org/sqlite"
	"pgregory.net/rapid"
)

// Whatever was written, changed and deleted, merged from the log or not: the rows are those that SQLite itself reads.
func TestAgreesWithSQLite(t *testing.T) {
	base := t.TempDir()
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		dir := filepath.Join(base, fmt.Sprint(n))
		if err := os.Mkdir(dir, 0o755); err != nil {
			rt.Fatal(err)
		}
		path := filepath.Join(dir, "rpmdb.sqlite")
		db, err := sql.Open("sqlite", path)
		if err != nil {
			rt.Fatal(err)
		}
		defer db.Close()
		db.SetMaxOpenConns(1)
		do := func(q string, args ...any) {
			if _, err := db.Exec(q, args...); err != nil {
				rt.Fatal(q, err)
			}
		}
		do(fmt.Sprintf("PRAGMA page_size=%d", rapid.SampledFrom([]int{512, 1024, 4096, 65536}).Draw(rt, "page")))
		do("PRAGMA journal_mode=WAL")
		do("PRAGMA synchronous=OFF")
		do("PRAGMA wal_autocheckpoint=0")
		do("CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT,blob BLOB NOT NULL)")
		do("CREATE TABLE 'Name' (key 'TEXT' NOT NULL, hnum INTEGER NOT NULL)")
		for range rapid.IntRange(0, 60).Draw(rt, "steps") {
			switch rapid.IntRange(0, 9).Draw(rt, "step") {
			case 0:
				do("DELETE FROM Packages WHERE hnum % ? = 1", rapid.IntRange(2, 5).Draw(rt, "every"))
			case 1:
				do("PRAGMA wal_checkpoint(" + rapid.SampledFrom([]string{"PASSIVE", "TRUNCATE", "RESTART"}).Draw(rt, "how") + ")")
			case 2:
				do("UPDATE Packages SET blob = zeroblob(?) WHERE hnum % 3 = 0", rapid.IntRange(0, 9000).Draw(rt, "size"))
			default:
				b := bytes.Repeat([]byte{byte(n), 1, 2}, rapid.IntRange(0, 5000).Draw(rt, "third"))
				do("INSERT INTO Packages (hnum, blob) VALUES (?, ?)", sql.NullInt64{}, b)
				do("INSERT INTO Name VALUES (?, 1)", fmt.Sprintf("%0*d", rapid.IntRange(1, 900).Draw(rt, "key"), n))
			}
		}
		got := rowsOf(rt, dir)
		rows, err := db.Query("SELECT blob FROM Packages ORDER BY hnum")
		if err != nil {
			rt.Fatal(err)
		}
		defer rows.Close()
		i := 0
		for ; rows.Next(); i++ {
			var b []byte
			if err := rows.Scan(&b); err != nil {
				rt.Fatal(err)
			}
			if i >= len(got) || !bytes.Equal(b, got[i]) {
				rt.Fatalf("row %d of %d differs", i, len(got))
			}
		}
		if i != len(got) || rows.Err() != nil {
			rt.Fatal(i, len(got), rows.Err())
		}
	})
}

// A transaction that is larger than SQLite's cache is in the log before it is committed.
func TestUncommittedRowsAreNone(t *testing.T) {
	dir := t.TempDir()
	db, err := sql.Open("sqlite", filepath.Join(dir, "rpmdb.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	do := func(q string) {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(q, err)
		}
	}
	do("PRAGMA journal_mode=WAL")
	do("PRAGMA cache_size=4")
	do("CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)")
	for range 60 {
		do("INSERT INTO Packages (blob) VALUES (zeroblob(3000))")
	}
	before := rowsOf(t, dir)
	log := filepath.Join(dir, "rpmdb.sqlite-wal")
	st, err := os.Stat(log)
	if err != nil {
		t.Fatal(err)
	}
	do("BEGIN")
	do("UPDATE Packages SET blob = randomblob(3000)")
	if after, err := os.Stat(log); err != nil || after.Size() <= st.Size() {
		t.Fatal("nothing uncommitted is in the log", err)
	}
	if got := rowsOf(t, dir); len(got) != 60 || !slices.EqualFunc(before, got, bytes.Equal) {
		t.Errorf("%d rows differ from the %d before", len(got), len(before))
	}
}

func rowsOf(t interface{ Fatal(...any) }, dir string) (out [][]byte) {
	f, err := os.Open(filepath.Join(dir, "rpmdb.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	src, err := newSource(f)
	if err == nil {
		err = readSQLite(src, func(name string) (File, error) { return openFile(filepath.Join(dir, name)) }, func(b []byte) error {
			out = append(out, bytes.Clone(b))
			return nil
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func openFile(path string) (File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return f, nil
}
