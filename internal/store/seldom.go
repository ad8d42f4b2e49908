package store

import (
	"slices"
	"strings"
	"sync/atomic"

	"github.com/fettle-project/fettle/internal/patch"
)

// seldomTables are those that people and feeds change now and then, and that nearly every question of a person begins with.
func seldomTables() [7]string {
	return [...]string{"decisions", "proposals", "feed", "attempt_resets", "rings", "blackouts", "schedules"}
}

// changesSeldom reports whether a statement that is no query may change one of them.
func changesSeldom(query string) bool {
	for _, name := range seldomTables() {
		if strings.Contains(query, name) {
			return true
		}
	}
	return false
}

// seldom is what was read last of one of these tables. What a transaction changes is read anew from the moment that it has ended, before anybody is
// told. Nothing is kept where others write to the database too.
type seldom[T any] struct{ kept atomic.Pointer[seldomRead[T]] }

type seldomRead[T any] struct {
	all  []T
	ends uint64 // of transactions that changed one of the tables, before it was read
}

// seldomKept is what is kept of each.
type seldomKept struct {
	decisions seldom[patch.Decision] // that count
	proposals seldom[patch.Proposal] // that are open
	feeds     seldom[patch.FeedStatus]
	resets    seldom[patch.Reset]
	rings     seldom[patch.Ring]
	blackouts seldom[patch.Blackout]
	schedules seldom[patch.Schedule]
}

// maxSeldom bounds the rows that are kept of a table: a few megabytes.
const maxSeldom = 10_000

// read gives what is kept, or reads it. The slice is the caller's own; what its values refer to is not.
func (r *seldom[T]) read(s *Store, read func() ([]T, error)) ([]T, error) {
	if s.known == nil {
		return read()
	}
	ends := s.known.seldom.Load()
	if k := r.kept.Load(); k != nil && k.ends == ends {
		return slices.Clone(k.all), nil
	}
	all, err := read()
	if err == nil && len(all) <= maxSeldom {
		r.kept.Store(&seldomRead[T]{slices.Clone(all), ends})
	}
	return all, err
}
