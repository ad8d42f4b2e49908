package simfleet_test

import (
	"context"
	"database/sql"
	"errors"

	"modernc.org/sqlite"

	"github.com/fettle-project/fettle/internal/store"
)

// database is an appliance's database in memory: it outlasts the appliance's lives, as a disk does. What becomes of it when a machine fails is
// proven where it is on a real disk.
type database struct {
	pool *sql.DB
	held *sql.Conn
}

// newDatabase makes one that begins as a copy of a file.
func newDatabase(name, from string) (*database, error) {
	pool, err := sql.Open("sqlite", store.MemoryFile(name))
	if err != nil {
		return nil, err
	}
	held, err := pool.Conn(context.Background())
	if err != nil {
		return nil, errors.Join(err, pool.Close())
	}
	d := &database{pool, held}
	return d, d.fill(from)
}

// fill makes it a copy of a file. Nobody else may be connected to it.
func (d *database) fill(from string) error {
	return d.held.Raw(func(c any) error {
		b, err := c.(interface {
			NewRestore(string) (*sqlite.Backup, error)
		}).NewRestore("file:" + from)
		if err != nil {
			return err
		}
		_, err = b.Step(-1)
		return errors.Join(err, b.Finish())
	})
}

func (d *database) close() error { return errors.Join(d.held.Close(), d.pool.Close()) }
