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
	s.engine = engine{name: "postgres", maxArgs: 16000, lockRows: " FOR UPDATE",
		jsonItems: "(SELECT value FROM json_array_elements_text(%s::text::json))"}
	s.writer = stdlib.OpenDB(*cfg)
	s.reader = s.writer
	conns := max(8, 4*runtime.NumCPU())
	s.writer.SetMaxOpenConns(conns)
	s.writer.SetMaxIdleConns(conns)
	s.writer.SetConnMaxIdleTime(5 * time.Minute)
	return fault(s.writer.PingContext(ctx), "cannot reach the database")
}
