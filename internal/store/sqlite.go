package store

import (
	"context"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Every connection waits for another process's lock, checks references, and syncs at every commit.
const sqlitePragmas = "_pragma=busy_timeout(15000)&_pragma=foreign_keys(1)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)" +
	"&_pragma=journal_size_limit(67108864)&_pragma=wal_autocheckpoint(" + checkpointPages + ")&_pragma=cache_size(-32000)&_pragma=temp_store(MEMORY)"

// checkpointPages is how long the log grows, in pages of 4 kB, before it is written into the file: a page that many detects write is written there
// once. The log's index is searched in parts of some 4,000.
const checkpointPages = "4000"

// MemoryScheme begins the address of a database in memory: "sqlite:memory:NAME". It is there as long as anybody is connected to it, and
// nothing outlasts the process: simulations use it.
const MemoryScheme = "sqlite:memory:"

const memoryPragmas = "&_pragma=busy_timeout(15000)&_pragma=foreign_keys(1)&_pragma=journal_mode(MEMORY)&_pragma=synchronous(OFF)&_pragma=temp_store(MEMORY)"

// MemoryFile is how SQLite names a database in memory that several connections of a process share.
func MemoryFile(name string) string { return "file:/" + url.PathEscape(name) + "?vfs=memdb" }

// nextMark numbers transactions that change machines: there is one writer, so they end in the order in which they begin.
const nextMark = "(SELECT MAX(COALESCE((SELECT MAX(changed) FROM machines), 0), COALESCE((SELECT MAX(changed) FROM newest), 0)) + 1)"

// openSQLite makes two pools over one file. One writer that takes the lock when a transaction begins never meets SQLITE_BUSY
// from its own process; readers see the last commit and never wait.
func (s *Store) openSQLite(ctx context.Context, address string) error {
	path := strings.TrimPrefix(strings.TrimPrefix(address, "sqlite:"), "//")
	if path == "" {
		return patch.Errorf(patch.Invalid, "cannot open the database: %s names no file", address)
	}
	file := (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}).String() + "?" + sqlitePragmas
	if name, ok := strings.CutPrefix(address, MemoryScheme); ok {
		file, path = MemoryFile(name)+memoryPragmas, name
	} else if err := createPrivate(path); err != nil {
		return &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot open the database file {1}", path), Err: err,
			Do: "Check that its directory exists and that this user may write there."}
	}
	// SQLite matches a $n placeholder by walking all arguments, so wide statements cost their square.
	// A transaction has the whole database to itself, so rows need no locks.
	s.engine = engine{name: "sqlite", maxArgs: 128, jsonItems: "(SELECT value FROM json_each(%s))", lockRows: "",
		changed: nextMark, horizon: nextMark}
	var err error
	if s.writer, err = openPreparing(file + "&_txlock=immediate"); err != nil {
		return fault(err, "cannot open the database %s", path)
	}
	if s.reader, err = openPreparing(file + "&_pragma=query_only(1)"); err != nil {
		return fault(err, "cannot open the database %s", path)
	}
	s.group, s.known = newGroup(s), &acquaintances{}
	s.writer.SetMaxOpenConns(1)
	s.writer.SetMaxIdleConns(1)
	readers := max(4, runtime.NumCPU())
	s.reader.SetMaxOpenConns(readers)
	s.reader.SetMaxIdleConns(readers)
	if strings.HasPrefix(address, MemoryScheme) {
		err = s.connectReaders(ctx, readers)
	}
	return fault(errors.Join(err, s.writer.PingContext(ctx)), "cannot open the database %s", path)
}

// connectReaders makes all connections for readers that there will be: one that is made later waits for a writer's lock in real time, while that
// writer may wait for a reader in simulated time, which then stands still.
func (s *Store) connectReaders(ctx context.Context, n int) error {
	for range n {
		c, err := s.reader.Conn(ctx)
		if err != nil {
			return err
		}
		defer c.Close()
	}
	return nil
}

// createPrivate makes the file for its owner alone and makes its name durable. SQLite gives its side files the same mode.
func createPrivate(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
