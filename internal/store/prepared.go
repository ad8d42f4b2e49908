package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"
)

// preparing opens SQLite connections that keep the statements which they have compiled: compiling one takes longer than most run.
type preparing struct {
	driver driver.Driver
	dsn    string
}

// openPreparing is sql.Open for SQLite with compiled statements kept.
func openPreparing(dsn string) (*sql.DB, error) {
	plain, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	d := plain.Driver()
	return sql.OpenDB(preparing{d, dsn}), plain.Close()
}

// Driver implements driver.Connector.
func (p preparing) Driver() driver.Driver { return p.driver }

// Connect implements driver.Connector.
func (p preparing) Connect(context.Context) (driver.Conn, error) {
	c, err := p.driver.Open(p.dsn)
	if err != nil {
		return nil, err
	}
	whole, ok := c.(sqliteConn)
	if !ok {
		return nil, errors.Join(errors.New("the SQLite driver has another shape than expected"), c.Close())
	}
	begin := "BEGIN"
	if strings.Contains(p.dsn, "_txlock=immediate") {
		begin = "BEGIN IMMEDIATE"
	}
	if err := waitAsleep(whole, begin); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return &preparedConn{sqliteConn: whole, begin: begin, kept: map[string]*keptStatement{}}, nil
}

// waitAsleep has every wait for a lock be a sleep of the Go runtime: it holds no thread, and passes in simulated time. The driver sees to that at a
// connection's first call that somebody could cut short, and those of this package mostly cannot be.
func waitAsleep(c sqliteConn, query string) error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	s, err := c.PrepareContext(ctx, query)
	if err != nil {
		return err
	}
	return s.Close()
}

// sqliteConn is what the driver's connections can do.
type sqliteConn interface {
	driver.Conn
	driver.ConnPrepareContext
	driver.ConnBeginTx
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

type preparedConn struct {
	sqliteConn
	begin string // a transaction
	kept  map[string]*keptStatement
}

type keptStatement struct {
	driver.Stmt
	busy bool // rows of it are being read
}

const (
	maxKept  = 256
	longKept = 4 << 10
)

// statement gives a compiled statement that is not in use; nil where the query is not one to keep.
func (c *preparedConn) statement(ctx context.Context, query string) (*keptStatement, error) {
	if k := c.kept[query]; k != nil {
		if k.busy {
			return nil, nil
		}
		return k, nil
	}
	if len(query) > longKept || strings.Contains(query, ";") {
		return nil, nil
	}
	if len(c.kept) >= maxKept {
		if err := c.forget(); err != nil {
			return nil, err
		}
	}
	s, err := c.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	k := &keptStatement{Stmt: s}
	c.kept[query] = k
	return k, nil
}

// forget drops the statements that are not in use.
func (c *preparedConn) forget() error {
	var errs []error
	for q, k := range c.kept {
		if !k.busy {
			delete(c.kept, q)
			errs = append(errs, k.Close())
		}
	}
	return errors.Join(errs...)
}

// ExecContext implements driver.ExecerContext.
func (c *preparedConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	k, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if k == nil {
		return c.sqliteConn.ExecContext(ctx, query, args)
	}
	return k.Stmt.(driver.StmtExecContext).ExecContext(ctx, args)
}

// QueryContext implements driver.QueryerContext.
func (c *preparedConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	k, err := c.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	if k == nil {
		return c.sqliteConn.QueryContext(ctx, query, args)
	}
	rows, err := k.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	k.busy = true
	return keptRows{rows, k}, nil
}

// BeginTx implements driver.ConnBeginTx. What begins and ends a transaction that nobody can cut short is kept too.
func (c *preparedConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	if ctx.Done() != nil || o != (driver.TxOptions{}) {
		return c.sqliteConn.BeginTx(ctx, o)
	}
	if _, err := c.ExecContext(ctx, c.begin, nil); err != nil {
		return nil, err
	}
	return keptTx{c}, nil
}

type keptTx struct{ c *preparedConn }

// Commit implements driver.Tx. Nothing is left open where it fails.
func (t keptTx) Commit() error {
	_, err := t.c.ExecContext(context.Background(), "COMMIT", nil)
	if err != nil {
		_ = t.Rollback() // it may be over already; why it could not be kept is what counts
	}
	return err
}

// Rollback implements driver.Tx.
func (t keptTx) Rollback() error {
	_, err := t.c.ExecContext(context.Background(), "ROLLBACK", nil)
	return err
}

// Close implements driver.Conn.
func (c *preparedConn) Close() error {
	for _, k := range c.kept {
		k.busy = false
	}
	return errors.Join(c.forget(), c.sqliteConn.Close())
}

type keptRows struct {
	driver.Rows
	of *keptStatement
}

// Close implements driver.Rows.
func (r keptRows) Close() error {
	r.of.busy = false
	return r.Rows.Close()
}
