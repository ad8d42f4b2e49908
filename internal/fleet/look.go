package fleet

import (
	"context"
	"iter"

	"github.com/fettle-project/fettle/internal/patch"
)

// table holds seats by number, in chunks that a Look shares until one of them changes.
type table struct {
	chunks []*[chunkSize]*Seat
	own    []bool // nobody else looks at the chunk
	n      uint32
}

const chunkSize = 256

func (t *table) at(n uint32) *Seat { return t.chunks[n/chunkSize][n%chunkSize] }

func (t *table) put(n uint32, s *Seat) {
	c := n / chunkSize
	if int(c) == len(t.chunks) {
		t.chunks, t.own = append(t.chunks, new([chunkSize]*Seat)), append(t.own, true)
	}
	if !t.own[c] {
		fresh := *t.chunks[c]
		t.chunks[c], t.own[c] = &fresh, true
	}
	t.chunks[c][n%chunkSize] = s
	t.n = max(t.n, n+1)
}

// Look is all machines at one moment. It never changes and may be used from many goroutines.
type Look struct {
	x      *Index
	chunks []*[chunkSize]*Seat
	n      uint32
}

// Look gives the machines as of now: what any appliance on the same database acknowledged before the call is in it.
func (x *Index) Look(ctx context.Context) (*Look, error) {
	if err := x.follow(ctx); err != nil {
		return nil, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	clear(x.seats.own)
	return &Look{x: x, chunks: append([]*[chunkSize]*Seat(nil), x.seats.chunks...), n: x.seats.n}, nil
}

// Len is the number of machines, whatever their state; numbers of seats are below it.
func (l *Look) Len() int { return int(l.n) }

// At gives the seat with a number below Len.
func (l *Look) At(n uint32) *Seat { return l.chunks[n/chunkSize][n%chunkSize] }

// Find gives a machine's seat; nil for one that is not there.
func (l *Look) Find(id patch.MachineID) *Seat {
	l.x.mu.RLock()
	n, ok := l.x.numbers[id]
	l.x.mu.RUnlock()
	if !ok || n >= l.n {
		return nil
	}
	return l.At(n)
}

// All yields every seat, by number.
func (l *Look) All() iter.Seq[*Seat] {
	return func(yield func(*Seat) bool) {
		for n := range l.n {
			if !yield(l.At(n)) {
				return
			}
		}
	}
}
