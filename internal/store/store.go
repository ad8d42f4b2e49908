package store

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// Options are what Open needs beyond the address. The zero value is good.
type Options struct {
	Now func() time.Time // the appliance's clock; time.Now where nil
	Log *slog.Logger     // discards where nil
}

// Store is the appliance's memory. It is safe for concurrent use; its owner calls Close.
type Store struct {
	engine      engine
	writer      *sql.DB // one connection on SQLite
	reader      *sql.DB // the same pool as writer on PostgreSQL
	now         func() time.Time
	log         *slog.Logger
	vectors     *vectorCodec
	moves       *moves
	commits     atomic.Int64 // of this process
	words       words
	labels      labels
	rulings     recent[[]patch.Ruling]
	seldom      seldomKept
	bases       bases
	group       *group         // of writers; nil where the database lets them write at once
	known       *acquaintances // nil where nothing is kept
	crowd       *crowd         // nil where the database is no other process
	unconfirmed atomic.Bool    // whether a restore left machines behind that have not detected since

	failing sync.Once
	failed  chan struct{}
}

// engine is what differs between the two databases beyond a statement's text.
type engine struct {
	name        string
	maxArgs     int    // arguments of one multi-row statement
	jsonItems   string // reads a JSON array of strings as rows of one column "value"; %s is the placeholder
	lockRows    string // ends a SELECT whose rows must stay as they are until the transaction ends
	lockTallies string // keeps other transactions from forgetting a count of attempts until this one ends; nothing where there is one at a time
	changed     string // the mark that this transaction leaves on what it changes: see Changes
	marks       string // what a detect that takes another one's place sets of it; nothing where the store keeps a trail
	horizon     string // the mark below which nothing will change any more
}

// Open connects to "sqlite:///path/to/file" or "postgres://…" and brings the schema up to date.
// It gives Invalid for an address of neither kind and Unavailable where the database cannot be reached.
func Open(ctx context.Context, url string, o Options) (*Store, error) {
	s := &Store{now: o.Now, log: o.Log, failed: make(chan struct{})}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if err := s.begin(ctx, url); err != nil {
		_ = s.Close() // err says what is wrong
		return nil, err
	}
	return s, nil
}

func (s *Store) begin(ctx context.Context, url string) (err error) {
	if s.vectors, err = newVectorCodec(); err != nil {
		return err
	}
	s.moves = &moves{codec: s.vectors}
	if err := s.connect(ctx, url); err != nil {
		return err
	}
	if err := s.migrate(ctx); err != nil {
		return err
	}
	if err := s.lookForUnconfirmed(ctx); err != nil {
		return err
	}
	if err := s.adopt(ctx); err != nil || s.engine.name == "sqlite" {
		return err
	}
	return s.forgetForeignMarks(ctx)
}

func (s *Store) connect(ctx context.Context, url string) error {
	switch {
	case strings.HasPrefix(url, "sqlite:"):
		return s.openSQLite(ctx, url)
	case strings.HasPrefix(url, "postgres://"), strings.HasPrefix(url, "postgresql://"):
		return s.openPostgres(ctx, url)
	}
	return &patch.Error{Kind: patch.Invalid, What: "cannot open the database", Why: "its address is neither sqlite:///path nor postgres://…",
		Do: "Give one of the two, for example sqlite:///var/lib/fettle/fettle.db."}
}

// Close ends all connections. Writes that wait are made, other calls that are under way fail.
func (s *Store) Close() error {
	if s.group != nil {
		s.group.close()
	}
	if s.vectors != nil {
		s.vectors.close()
	}
	var err error
	if s.writer != nil {
		err = s.writer.Close()
	}
	if s.reader != nil && s.reader != s.writer {
		err = errors.Join(err, s.reader.Close())
	}
	return err
}

// Failed is closed when the disk has failed a write. Nothing is acknowledged from then on; the program should exit.
func (s *Store) Failed() <-chan struct{} { return s.failed }

func (s *Store) fail(err error) {
	s.failing.Do(func() {
		s.log.Error("the database could not be written safely and takes no more writes", "error", err)
		close(s.failed)
	})
}

func (s *Store) hasFailed() bool {
	select {
	case <-s.failed:
		return true
	default:
		return false
	}
}
