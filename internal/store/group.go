package store

import (
	"context"
	"database/sql"
	"runtime/debug"
	"sync"

	"github.com/fettle-project/fettle/internal/patch"
)

// groupSize is how many writers share one transaction at most.
const groupSize = 256

// group lets writers that wait for SQLite's one connection share a transaction and its sync to disk. Where one fails, each keeps a savepoint of its own, so
// that one that fails undoes itself alone; all are acknowledged when the transaction is durable. Nobody waits for others to come: a
// writer that is alone commits alone.
//
// One goroutine does the work for all of them: its stack has the size that SQLite needs, and each request's own would have to grow to it.
type group struct {
	mu      sync.Mutex
	waiting []*writing
	closed  bool
	some    chan struct{} // holds one: somebody waits, or nobody will any more
	ended   chan struct{} // closed when the goroutine is gone
}

// writing is one writer that waits.
type writing struct {
	ctx  context.Context
	f    func(session) error
	done chan outcome
}

type outcome struct {
	err   error
	panic any // of f; it belongs to the writer's own goroutine
}

// newGroup begins to work for writers of s until close.
func newGroup(s *Store) *group {
	g := &group{some: make(chan struct{}, 1), ended: make(chan struct{})}
	go func() {
		defer close(g.ended)
		for range g.some {
			for batch := g.next(); len(batch) > 0; batch = g.next() {
				for i, o := range s.writeTogether(batch) {
					batch[i].done <- o
				}
			}
		}
	}()
	return g
}

// next takes those that wait, as many as share a transaction.
func (g *group) next() []*writing {
	g.mu.Lock()
	defer g.mu.Unlock()
	n := min(len(g.waiting), groupSize)
	batch := g.waiting[:n:n]
	if g.waiting = g.waiting[n:]; len(g.waiting) == 0 {
		g.waiting = nil
	}
	return batch
}

// close ends the group when everybody that waits has had a turn; who comes later is refused.
func (g *group) close() {
	g.mu.Lock()
	if !g.closed {
		g.closed = true
		close(g.some)
	}
	g.mu.Unlock()
	<-g.ended
}

// write runs f together with what others wait to write. Once it runs it is not cut short by its context.
func (g *group) write(ctx context.Context, f func(session) error) error {
	w := &writing{ctx: ctx, f: f, done: make(chan outcome, 1)}
	if !g.enter(w) {
		return &patch.Error{Kind: patch.Unavailable, What: "the database is closed"}
	}
	o := <-w.done
	if o.panic != nil {
		panic(o.panic)
	}
	return o.err
}

func (g *group) enter(w *writing) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	g.waiting = append(g.waiting, w)
	select {
	case g.some <- struct{}{}:
	default: // it is awake
	}
	return true
}

// writeTogether runs a batch in one transaction. Where the transaction as a whole cannot be kept, each writer gets one of its own.
func (s *Store) writeTogether(batch []*writing) []outcome {
	if len(batch) == 1 {
		return []outcome{s.writeAlone(batch[0])}
	}
	outcomes, err := s.tryTogether(batch)
	if err == nil {
		return outcomes
	}
	if s.noteFailure(err); s.hasFailed() {
		for i := range outcomes {
			outcomes[i] = outcome{err: err}
		}
		return outcomes
	}
	for i, w := range batch {
		if outcomes[i].panic == nil {
			outcomes[i] = s.writeAlone(w)
		}
	}
	return outcomes
}

func (s *Store) writeAlone(w *writing) outcome {
	if err := w.ctx.Err(); err != nil {
		return outcome{err: err}
	}
	var o outcome
	o.err = s.transact(func(x session) error {
		o = w.run(x)
		return o.err
	})
	return o
}

// tryTogether gives what became of each writer, or why none of it was kept. Nearly always all of them can be kept; where one cannot, they run once
// more, each undone alone if it fails.
func (s *Store) tryTogether(batch []*writing) ([]outcome, error) {
	spoilt := false
	outcomes, err := s.tryEach(batch, func(w *writing, x session) (outcome, error) {
		o := w.run(x)
		spoilt = o.err != nil
		return o, o.err
	})
	if spoilt {
		outcomes, err = s.tryEach(batch, (*writing).savepoint)
	}
	return outcomes, err
}

// tryEach has each writer whose caller is still there write, in one transaction; an error of write ends it, and nothing is kept.
func (s *Store) tryEach(batch []*writing, write func(*writing, session) (outcome, error)) ([]outcome, error) {
	outcomes := make([]outcome, len(batch))
	err := s.transact(func(x session) error {
		for i, w := range batch {
			if outcomes[i].err = w.ctx.Err(); outcomes[i].err != nil {
				continue
			}
			var err error
			if outcomes[i], err = write(w, x); err != nil {
				return err
			}
		}
		return nil
	})
	return outcomes, err
}

// savepoint runs one writer so that its failure undoes what it did and nothing else. The error says that this could not be done.
func (w *writing) savepoint(x session) (outcome, error) {
	ctx := context.Background()
	if _, err := x.ExecContext(ctx, "SAVEPOINT writer"); err != nil {
		return outcome{}, err
	}
	o := w.run(x)
	if o.err != nil || o.panic != nil {
		if _, err := x.ExecContext(ctx, "ROLLBACK TO writer"); err != nil {
			return o, err
		}
	}
	_, err := x.ExecContext(ctx, "RELEASE writer")
	return o, err
}

// run calls f; its panic is kept for the goroutine that it belongs to.
func (w *writing) run(x session) (o outcome) {
	defer func() {
		if p := recover(); p != nil {
			o = outcome{err: patch.Errorf(patch.Internal, "a write panicked: %v\n%s", p, debug.Stack()), panic: p}
		}
	}()
	return outcome{err: w.f(x)}
}

// transact runs f in one transaction of its own and commits it. It counts its end, so that Changes knows when there is nothing to look for, as the last
// thing: whoever sees the count finds all that is kept of the transaction.
func (s *Store) transact(f func(session) error) error {
	if s.hasFailed() {
		return stopped()
	}
	tx, err := s.writer.BeginTx(context.Background(), nil)
	if err != nil {
		return s.noteFailure(err)
	}
	t, kept := &touched{known: s.known}, false
	defer func() {
		s.known.end(t, kept)
		s.commits.Add(1)
	}()
	defer tx.Rollback() // after Commit it does nothing
	if err := f(session{statements: whole{tx, t}, engine: s.engine, touched: t}); err != nil {
		return s.noteFailure(err)
	}
	err = tx.Commit()
	kept = err == nil
	return s.noteFailure(err)
}

// whole is a transaction whose statements are not interrupted: SQLite would undo the whole transaction, and others' writes with it.
type whole struct {
	tx      *sql.Tx
	touched *touched
}

func (t whole) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	t.touched.note(query, args)
	return t.tx.ExecContext(context.WithoutCancel(ctx), query, args...)
}

func (t whole) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	t.touched.note(query, args)
	return t.tx.QueryContext(context.WithoutCancel(ctx), query, args...)
}

func (t whole) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	t.touched.note(query, args)
	return t.tx.QueryRowContext(context.WithoutCancel(ctx), query, args...)
}
