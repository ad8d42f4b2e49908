package store

import (
	"context"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/fettle-project/fettle/internal/patch"
)

// openPostgres makes one pool. Whatever the role's or the database's settings say, commits wait for the disk, and a transaction
// that hangs does not hold rows for ever.
func (s *Store) openPostgres(ctx context.Context, address string) error {
	cfg, err := pgx.ParseConfig(address)
	if err != nil {
		return &patch.Error{Kind: patch.Invalid, What: "cannot read the database address", Err: err}
	}
	cfg.RuntimeParams["synchronous_commit"] = "on"
	cfg.RuntimeParams["default_transaction_isolation"] = "read committed"
	cfg.RuntimeParams["idle_in_transaction_session_timeout"] = "60000"
	cfg.RuntimeParams["application_name"] = "fettle"
	s.engine = engine{name: "postgres", maxArgs: 16000, lockRows: " FOR UPDATE", lockTallies: `LOCK TABLE tallies IN SHARE ROW EXCLUSIVE MODE`,
		jsonItems: "(SELECT value FROM json_array_elements_text(%s::text::json))",
		// Transactions end in any order; those below the oldest one that is still under way have all ended.
		changed: "pg_current_xact_id()::text::bigint", marks: ", changed = pg_current_xact_id()::text::bigint", horizon: "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"}
	s.writer = stdlib.OpenDB(*cfg)
	s.reader = s.writer
	s.crowd = newCrowd(s)
	conns := max(8, 4*runtime.NumCPU())
	s.writer.SetMaxOpenConns(conns)
	s.writer.SetMaxIdleConns(conns)
	s.writer.SetConnMaxIdleTime(5 * time.Minute)
	return fault(s.writer.PingContext(ctx), "cannot reach the database")
}

// forgetForeignMarks lowers marks that another server left, before the database was restored on this one: they would look new for ever.
func (s *Store) forgetForeignMarks(ctx context.Context) error {
	return fault(s.write(ctx, func(x session) error {
		if _, err := x.exec(ctx, `UPDATE machines SET changed = 0 WHERE changed > `+s.engine.changed); err != nil {
			return err
		}
		_, err := x.exec(ctx, `UPDATE newest SET changed = 0 WHERE changed > `+s.engine.changed)
		return err
	}), "cannot prepare the database")
}
