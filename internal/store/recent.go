package store

import "sync/atomic"

// recent is what was read last of tables that seldom change and that every check-in asks for. Nobody but this process writes to an SQLite
// file, and there is one writer at a time: what was read after the last commit that changed them is what is stored. PostgreSQL is always asked.
type recent[T any] struct {
	kept  atomic.Pointer[readAt[T]]
	since atomic.Int64 // what was read at fewer commits than this is old
}

type readAt[T any] struct {
	v       T
	commits int64 // before it was read
}

// changing is called in a transaction that changes a row.
func (r *recent[T]) changing(s *Store) { r.since.Store(s.commits.Load() + 1) }

// read gives what is kept, which the caller must not change, or reads it.
func (r *recent[T]) read(s *Store, read func() (T, error)) (T, error) {
	if k := r.kept.Load(); k != nil && k.commits >= r.since.Load() {
		return k.v, nil
	}
	k := &readAt[T]{commits: s.commits.Load()}
	var err error
	if k.v, err = read(); err == nil && s.engine.name == "sqlite" {
		r.kept.Store(k)
	}
	return k.v, err
}
