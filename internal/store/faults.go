package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// fault says what could not be done and of which kind that is. An error that a method made itself passes unchanged.
func fault(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	if e := (*patch.Error)(nil); errors.As(err, &e) {
		return err
	}
	out := &patch.Error{What: phrase.Format(format, args...), Err: err}
	out.Kind, out.Do = kindOf(err)
	return out
}

// missing is fault for look-ups: no row is NotFound, in the words of what was looked for.
func missing(err error, format string, args ...any) error {
	if errors.Is(err, sql.ErrNoRows) {
		return patch.Errorf(patch.NotFound, format, args...)
	}
	return fault(err, "cannot read the database")
}

// missingNamed is missing for what has a name of its own kind.
func missingNamed(err error, kind, name string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return patch.NothingCalled(kind, name)
	}
	return fault(err, "cannot read the database")
}

func kindOf(err error) (patch.Kind, phrase.Phrase) {
	var lite *sqlite.Error
	var pg *pgconn.PgError
	switch {
	case errors.As(err, &lite):
		return kindOfSQLite(lite.Code())
	case errors.As(err, &pg):
		return kindOfPostgres(pg.Code)
	case isAway(err):
		return patch.Unavailable, ""
	}
	return patch.Internal, ""
}

func isAway(err error) bool {
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, driver.ErrBadConn) ||
		errors.Is(err, sql.ErrConnDone) || errors.As(err, &connect) || errors.As(err, &network)
}

const adviceRoom phrase.Phrase = "Make room on the disk; the appliance goes on by itself."

func kindOfSQLite(code int) (patch.Kind, phrase.Phrase) {
	switch code {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return patch.Conflict, ""
	}
	switch code & 0xff {
	case sqlite3.SQLITE_CONSTRAINT:
		return patch.Invalid, ""
	case sqlite3.SQLITE_FULL:
		return patch.Unavailable, adviceRoom
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_INTERRUPT:
		return patch.Unavailable, ""
	}
	return patch.Internal, ""
}

func kindOfPostgres(code string) (patch.Kind, phrase.Phrase) {
	switch code {
	case "23505": // unique_violation
		return patch.Conflict, ""
	case "53100": // disk_full
		return patch.Unavailable, adviceRoom
	}
	switch code[:2] {
	case "23": // integrity
		return patch.Invalid, ""
	case "08", "40", "53", "55", "57", "58": // connection, rollback, resources, locks, shutdown, system
		return patch.Unavailable, ""
	}
	return patch.Internal, ""
}

// isRetryable reports PostgreSQL's "start again": a deadlock or a serialisation failure.
func isRetryable(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40P01" || pg.Code == "40001")
}

// isDiskFailure reports that SQLite met an I/O error or a damaged file: from here on a success would prove nothing.
func isDiskFailure(err error) bool {
	var lite *sqlite.Error
	if !errors.As(err, &lite) {
		return false
	}
	base := lite.Code() & 0xff
	return base == sqlite3.SQLITE_IOERR || base == sqlite3.SQLITE_CORRUPT || base == sqlite3.SQLITE_NOTADB
}
