package fleet

import (
	"cmp"
	"context"
	"iter"
	"runtime"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/patch"
)

// table holds seats by number, in chunks that a Look shares until one of them changes.
type table struct {
	chunks []*chunk
	own    []bool // nobody else looks at the chunk
	n      uint32
}

type chunk struct {
	seats   [chunkSize]*Seat
	digests [chunkSize]digest
	newest  [2]uint64 // the highest of its seats, by Clock
}

const chunkSize = 256

// Stride is how many seats are kept together: going through seats is best done in steps that are multiples of it.
const Stride = chunkSize

func (t *table) at(n uint32) *Seat { return t.chunks[n/chunkSize].seats[n%chunkSize] }

func (t *table) put(n uint32, s *Seat) {
	c := n / chunkSize
	if int(c) == len(t.chunks) {
		t.chunks, t.own = append(t.chunks, new(chunk)), append(t.own, true)
	}
	if !t.own[c] {
		fresh := *t.chunks[c]
		t.chunks[c], t.own[c] = &fresh, true
	}
	t.chunks[c].seats[n%chunkSize], t.chunks[c].digests[n%chunkSize] = s, s.digest()
	for clock := range t.chunks[c].newest {
		t.chunks[c].newest[clock] = max(t.chunks[c].newest[clock], s.At(Clock(clock)))
	}
	t.n = max(t.n, n+1)
}

// Look is all machines at one moment. It never changes and may be used from many goroutines.
type Look struct {
	x      *Index
	chunks []*chunk
	n      uint32
	sorted []uint32
	ids    []patch.MachineID // in the same order
	// Told is the newest Told of all seats.
	Told uint64
	// Judged is likewise the newest Judged.
	Judged uint64
}

// Now gives the newest time of all seats by a clock.
func (l *Look) Now(c Clock) uint64 {
	if c == Judging {
		return l.Judged
	}
	return l.Told
}

// Look gives the machines as of now: what any appliance on the same database acknowledged before the call is in it.
func (x *Index) Look(ctx context.Context) (*Look, error) {
	if err := x.follow(ctx); err != nil {
		return nil, err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	clear(x.seats.own)
	x.sortByID()
	return &Look{x: x, chunks: append([]*chunk(nil), x.seats.chunks...), n: x.seats.n, sorted: x.sorted, ids: x.ids, Told: x.told, Judged: x.judged}, nil
}

// Seat gives one machine as of now; nil for one that is not there. It is cheaper than a Look.
func (x *Index) Seat(ctx context.Context, id patch.MachineID) (*Seat, error) {
	if err := x.follow(ctx); err != nil {
		return nil, err
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	if n, ok := x.numbers[id]; ok {
		return x.seats.at(n), nil
	}
	return nil, nil
}

// sortByID puts the numbers of all machines in the order of their IDs. Numbers are never given anew, so that there are only ever more: those that
// have come are put between the others.
func (x *Index) sortByID() {
	known := len(x.sorted)
	if known == int(x.seats.n) {
		return
	}
	fresh := make([]uint32, int(x.seats.n)-known)
	for i := range fresh {
		fresh[i] = uint32(known + i)
	}
	slices.SortFunc(fresh, func(a, b uint32) int { return cmp.Compare(x.seats.at(a).Machine.ID, x.seats.at(b).Machine.ID) })
	sorted, ids, from := make([]uint32, 0, x.seats.n), make([]patch.MachineID, 0, x.seats.n), 0
	for _, n := range fresh {
		id := x.seats.at(n).Machine.ID
		after, _ := slices.BinarySearch(x.ids[from:], id)
		sorted, ids = append(sorted, x.sorted[from:from+after]...), append(ids, x.ids[from:from+after]...)
		sorted, ids, from = append(sorted, n), append(ids, id), from+after
	}
	x.sorted, x.ids = append(sorted, x.sorted[from:]...), append(ids, x.ids[from:]...)
}

// ByID gives the numbers of all machines in the order of their IDs; the caller must not change them.
func (l *Look) ByID() []uint32 { return l.sorted }

// IDs gives the machines of a set of numbers, sorted; numbers that a later look has given are left out.
func (l *Look) IDs(set *roaring.Bitmap) []patch.MachineID {
	in := make([]uint64, max(int(set.DenseSize()), l.Len()/64+1))
	set.WriteDenseTo(in)
	out := make([]patch.MachineID, 0, set.GetCardinality())
	var room [portion + 1]uint32
	for from := 0; from < len(l.sorted); from += portion {
		to := min(from+portion, len(l.sorted))
		for _, place := range marked(l.sorted[from:to], in, room[:]) {
			out = append(out, l.ids[from+int(place)])
		}
	}
	return out
}

// portion is how many numbers are looked through at once: their places stay near the processor.
const portion = 1024

// marked gives the places of those numbers whose bits are set, in out, which has room for one more than all. It has no branch, which nobody could
// foretell, and writes no pointers.
func marked(numbers []uint32, marks []uint64, out []uint32) []uint32 {
	found := uint64(0)
	for i, n := range numbers {
		out[found] = uint32(i)
		found += marks[n/64] >> (n % 64) & 1
	}
	return out[:found]
}

// Since yields the seats whose time by a clock is above a mark, by number: those of numbers below to, from one on that is a multiple of Stride.
func (l *Look) Since(clock Clock, mark uint64, from, to int) iter.Seq[*Seat] {
	return func(yield func(*Seat) bool) {
		for to = min(to, l.Len()); from < to; from += chunkSize {
			chunk := l.chunks[from/chunkSize]
			if chunk.newest[clock] <= mark {
				continue
			}
			for _, s := range chunk.seats[:min(chunkSize, to-from)] {
				if s.At(clock) > mark && !yield(s) {
					return
				}
			}
		}
	}
}

// Len is the number of machines, whatever their state; numbers of seats are below it.
func (l *Look) Len() int { return int(l.n) }

// At gives the seat with a number below Len.
func (l *Look) At(n uint32) *Seat { return l.chunks[n/chunkSize].seats[n%chunkSize] }

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

// All yields every seat, by number. Whoever goes through a large fleet lets others have the processor now and then: the scheduler by itself would
// let them wait for ten milliseconds.
func (l *Look) All() iter.Seq[*Seat] {
	return func(yield func(*Seat) bool) {
		for n := range l.n {
			if n%chunkSize == chunkSize-1 {
				runtime.Gosched()
			}
			if !yield(l.At(n)) {
				return
			}
		}
	}
}

// ByName gives seats of a set of numbers in the order of the machines' names: so many at most, without the first few. 0 is no limit.
func (l *Look) ByName(set *roaring.Bitmap, offset, limit int) []*Seat {
	o := l.x.byName()
	places := make([]uint64, len(o.names)/64+1)
	set.Iterate(func(n uint32) bool {
		if n < l.n {
			places[o.rank[n]/64] |= 1 << (o.rank[n] % 64)
		}
		return true
	})
	out := []*Seat{}
	each(places, func(i int) {
		if offset--; offset < 0 && (limit == 0 || len(out) < limit) {
			out = append(out, l.At(o.numbers[i]))
		}
	})
	return out
}
