package store

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fettle-project/fettle/internal/patch"
)

// postgres is started by the first test that wants it and stopped when all are done.
var (
	postgres = sync.OnceValues(func() (*cluster, error) {
		wanted.Store(true)
		return startCluster()
	})
	wanted atomic.Bool
)

func TestMain(m *testing.M) {
	if url := os.Getenv("FETTLE_TEST_WRITER"); url != "" {
		os.Exit(writeUntilKilled(url))
	}
	code := m.Run()
	if wanted.Load() {
		if c, err := postgres(); err == nil {
			c.stop()
		} else {
			fmt.Fprintf(os.Stderr, "NOT TESTED ON POSTGRESQL: %v\n", err)
		}
	}
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// clock is the tests' time: it moves a millisecond each time that somebody looks.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(time.Millisecond)
	return c.now
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func sqliteURL(t testing.TB) string { return "sqlite://" + filepath.Join(t.TempDir(), "fettle.db") }

func postgresURL(t testing.TB) string {
	t.Helper()
	c, err := postgres()
	if err != nil {
		t.Skipf("NOT TESTED ON POSTGRESQL: %v", err)
	}
	return c.fresh(t)
}

func open(t testing.TB, url string) *Store {
	t.Helper()
	s, err := Open(context.Background(), url, Options{Now: newClock().Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// onBoth runs one behaviour on SQLite and on PostgreSQL.
func onBoth(t *testing.T, f func(t *testing.T, s *Store)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { f(t, open(t, sqliteURL(t))) })
	t.Run("postgres", func(t *testing.T) { f(t, open(t, postgresURL(t))) })
}

var (
	ctx   = context.Background()
	alice = patch.Caller{Name: "alice", Role: patch.Admin, From: "192.0.2.1", Via: "cli"}
	then  = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func got[T any](t testing.TB) func(v T, err error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func wantKind(t testing.TB, err error, kind patch.Kind) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one of kind %s", kind)
	}
	if k := patch.KindOf(err); k != kind {
		t.Fatalf("error %v is %s, want %s", err, k, kind)
	}
}
