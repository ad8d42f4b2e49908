package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// statements is what a pool and a transaction have in common.
type statements interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// session runs statements whose arguments are domain values: see bind.
type session struct {
	statements
	engine  engine
	touched *touched // what a transaction changes; nil where nothing is kept of it
}

// read runs outside of any transaction: each statement sees the newest commit.
func (s *Store) read() session { return session{statements: s.reader, engine: s.engine} }

const maxTries = 6

// write runs f in one transaction and commits it. f may run more than once: PostgreSQL ends one of two transactions that wait
// for each other, and that one starts again.
func (s *Store) write(ctx context.Context, f func(session) error) error {
	return again(ctx, func() error { return s.writeOnce(ctx, f) })
}

// again calls f until the database does not ask for it to be called again.
func again(ctx context.Context, f func() error) error {
	var err error
	for try := range maxTries {
		if err = f(); err == nil || !isRetryable(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(time.Duration(1<<try) * 5 * time.Millisecond):
		}
	}
	return err
}

func (s *Store) writeOnce(ctx context.Context, f func(session) error) error {
	if s.group != nil {
		return s.group.write(ctx, f)
	}
	tx, err := s.writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // after Commit it does nothing
	if err := f(session{statements: tx, engine: s.engine}); err != nil {
		return err
	}
	defer s.commits.Add(1)
	return tx.Commit()
}

func stopped() error {
	return &patch.Error{Kind: patch.Unavailable, What: "the database takes no writes", Why: "an earlier write to the disk failed",
		Do: "Check the disk and restart the appliance."}
}

func (s *Store) noteFailure(err error) error {
	if isDiskFailure(err) {
		s.fail(err)
	}
	return err
}

// exec runs one statement and gives the number of rows it changed.
func (x session) exec(ctx context.Context, query string, args ...any) (int64, error) {
	bound, err := bind(args)
	if err != nil {
		return 0, err
	}
	res, err := x.ExecContext(ctx, query, bound...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// row runs a query for at most one row and scans it; sql.ErrNoRows where there is none.
func (x session) row(ctx context.Context, query string, args []any, into ...any) error {
	bound, err := bind(args)
	if err != nil {
		return err
	}
	if ctx, err = x.short(ctx); err != nil {
		return err
	}
	return x.QueryRowContext(ctx, query, bound...).Scan(into...)
}

// short is the context of a query for at most one row. SQLite has that row sooner than two goroutines are begun that watch whether the query
// shall be cut short.
func (x session) short(ctx context.Context) (context.Context, error) {
	if x.engine.name != "sqlite" {
		return ctx, nil
	}
	return context.WithoutCancel(ctx), ctx.Err()
}

// scanner is a *sql.Row or *sql.Rows.
type scanner interface{ Scan(into ...any) error }

// list runs a query and scans each of its rows.
func list[T any](ctx context.Context, x session, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	bound, err := bind(args)
	if err != nil {
		return nil, err
	}
	rows, err := x.QueryContext(ctx, query, bound...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, rows.Err()
}

// find runs a query for at most one row.
func find[T any](ctx context.Context, x session, scan func(scanner) (T, error), query string, args ...any) (T, error) {
	bound, err := bind(args)
	if err == nil {
		ctx, err = x.short(ctx)
	}
	if err != nil {
		var none T
		return none, err
	}
	return scan(x.QueryRowContext(ctx, query, bound...))
}

// insertRows stores many rows with few statements: "INSERT INTO t (a, b)" + VALUES + tail.
func (x session) insertRows(ctx context.Context, head string, rows [][]any, tail string) error {
	if len(rows) == 0 {
		return nil
	}
	width := len(rows[0])
	size := min(len(rows), max(1, x.engine.maxArgs/width))
	full := head + " VALUES " + placeholders(size, width) + " " + tail
	args := make([]any, 0, size*width)
	for len(rows) >= size {
		args = args[:0]
		for _, r := range rows[:size] {
			args = append(args, r...)
		}
		rows = rows[size:]
		bound, err := bind(args)
		if err != nil {
			return err
		}
		if _, err := x.ExecContext(ctx, full, bound...); err != nil {
			return err
		}
	}
	return x.insertRows(ctx, head, rows, tail)
}

func placeholders(rows, width int) string {
	b := make([]byte, 0, rows*width*5)
	for r := range rows {
		if r > 0 {
			b = append(b, ", "...)
		}
		for c := range width {
			sep := ", $%d"
			if c == 0 {
				sep = "($%d"
			}
			b = fmt.Appendf(b, sep, r*width+c+1)
		}
		b = append(b, ')')
	}
	return string(b)
}
