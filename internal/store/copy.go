package store

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
)

// Tally is how many rows of each kind a database has that people ask for.
type Tally struct {
	Of string
	N  int64
}

// Copy writes a consistent copy of the SQLite database at address into a new file, while other processes may write to the original, and counts
// what the copy holds. It changes nothing and migrates nothing. An address of PostgreSQL is Invalid.
func Copy(ctx context.Context, address, to string) ([]Tally, error) {
	path, ok := FileOf(address)
	if !ok {
		return nil, patch.Errorf(patch.Invalid, "cannot copy a database that is not a file")
	}
	if _, err := os.Stat(path); err != nil {
		return nil, &patch.Error{Kind: patch.Unavailable, What: "cannot copy the database", Err: err}
	}
	from, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	if _, err := from.ExecContext(ctx, `VACUUM INTO $1`, to); err != nil {
		return nil, fault(err, "cannot copy the database %s", path)
	}
	if err := os.Chmod(to, 0o600); err != nil {
		return nil, &patch.Error{Kind: patch.Unavailable, What: "cannot keep the copy of the database private", Err: err}
	}
	copied, err := openFile(to)
	if err != nil {
		return nil, err
	}
	defer copied.Close()
	return tally(ctx, copied)
}

func openFile(path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}).String()+"?_pragma=busy_timeout(15000)")
	return db, fault(err, "cannot open the database %s", path)
}

func tally(ctx context.Context, db *sql.DB) ([]Tally, error) {
	var all []Tally
	for _, table := range []string{"machines", "patches", "labels", "decisions", "deployments", "users", "audit"} {
		t := Tally{Of: table}
		if err := db.QueryRowContext(ctx, `SELECT COUNT(*) FROM `+table).Scan(&t.N); err != nil {
			return nil, fault(err, "cannot count the %s of the copied database", table)
		}
		all = append(all, t)
	}
	return all, nil
}

// FileOf gives the file of a SQLite database's address; false for one that has none.
func FileOf(address string) (string, bool) {
	path, ok := strings.CutPrefix(address, "sqlite:")
	if !ok || strings.HasPrefix(address, MemoryScheme) {
		return "", false
	}
	return strings.TrimPrefix(path, "//"), true
}
