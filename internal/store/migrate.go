package store

import (
	"context"
	"embed"
	"io/fs"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the schema to the newest version. Each step is one transaction, so a kill leaves a version and never half of one.
func (s *Store) migrate(ctx context.Context) error {
	p, err := s.migrator()
	if err != nil {
		return fault(err, "cannot prepare the database schema")
	}
	_, err = p.Up(ctx)
	return fault(err, "cannot bring the database schema up to date")
}

func (s *Store) migrator() (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	if s.engine.name == "sqlite" {
		return goose.NewProvider(goose.DialectSQLite3, s.writer, files)
	}
	// Several appliances may start at once on one PostgreSQL: one migrates, the others wait.
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectPostgres, s.writer, files, goose.WithSessionLocker(locker))
}
