package rpmdb

import (
	"database/sql"
	"encoding/binary"
	"hash/adler32"
	"os"
	"path/filepath"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	_ "modernc.org/sqlite"
)

// blobsOf gives the headers in a database that rpm wrote.
func blobsOf(t testing.TB, path string) (blobs [][]byte) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT blob FROM Packages ORDER BY hnum")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var b []byte
		if err := rows.Scan(&b); err != nil {
			t.Fatal(err)
		}
		blobs = append(blobs, b)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return blobs
}

// ndbOf lays the headers of an SQLite database out as ndb does, with free slots and blocks among them.
func ndbOf(t testing.TB, path string) string {
	t.Helper()
	le := binary.LittleEndian
	head := make([]byte, 4096)
	copy(head, "RpmP")
	le.PutUint32(head[8:], 7)  // generation
	le.PutUint32(head[12:], 1) // pages of slots
	for at := 32; at < len(head); at += 16 {
		copy(head[at:], "Slot")
	}
	body, slot := make([]byte, 64), 48
	for i, blob := range blobsOf(t, path) {
		index := uint32(i + 5)
		b := append(le.AppendUint32(le.AppendUint32(le.AppendUint32([]byte("BlbS"), index), 1700000000), uint32(len(blob))), blob...)
		for (len(b)+12)%16 != 0 {
			b = append(b, 0)
		}
		b = append(le.AppendUint32(le.AppendUint32(b, adler32.Checksum(b)), uint32(len(blob))), "BlbE"...)
		le.PutUint32(head[slot+4:], index)
		le.PutUint32(head[slot+8:], uint32(4096+len(body))/16)
		le.PutUint32(head[slot+12:], uint32(len(b)/16))
		body = append(body, b...)
		if slot += 16; i%7 == 3 {
			slot, body = slot+16, append(body, make([]byte, 160)...)
		}
	}
	out := filepath.Join(t.TempDir(), "Packages.db")
	if err := os.WriteFile(out, append(head, body...), 0o644); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestNDB(t *testing.T) {
	dir := t.TempDir()
	db := filepath.Join(dir, "db")
	if out, err := install(db, build(t, dir, 1, 40)).CombinedOutput(); err != nil {
		t.Fatal(err, string(out))
	}
	want := ask(t, db, "sqlite")
	got, err := Read(in(filepath.Dir(ndbOf(t, filepath.Join(db, "rpmdb.sqlite")))))
	if diff := gocmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
}
