package fleet

import (
	"context"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/patch"
)

// Source is the storage that an index follows. Changes is as store.Store's: it calls take for every machine that may have changed since a
// mark, with its newest snapshot unless that is the one that have knows, and gives the mark to go on from.
type Source interface {
	Changes(ctx context.Context, since patch.Mark, have func(patch.MachineID) uint64, take func(patch.Standing) error) (patch.Mark, error)
}

// Index is the fleet in memory. Its methods may be called from many goroutines.
type Index struct {
	source Source
	lists  Lists

	following sync.Mutex // held while changes are taken over
	mark      patch.Mark

	mu      sync.RWMutex
	numbers map[patch.MachineID]uint32 // only grows
	seats   table
	sorted  []uint32 // numbers by ID
	ids     []patch.MachineID
	named   *order // nil until it is asked for
	told    uint64
	running map[patch.HostOS]*roaring.Bitmap // admitted machines by the OS that they run
	ways    map[wayKey][]int32
	sheets  map[sheetKey]*sheet
	words   map[string]string // one copy of what many machines say alike
}

type sheetKey struct {
	os       patch.HostOS
	revision patch.RevisionID
	columns  int
}

// New makes an index that reads everything at the first question; see Look.
func New(source Source, lists Lists) *Index {
	return &Index{source: source, lists: lists, numbers: map[patch.MachineID]uint32{}, running: map[patch.HostOS]*roaring.Bitmap{},
		sheets: map[sheetKey]*sheet{}, ways: map[wayKey][]int32{}, words: map[string]string{}}
}

const changesAtOnce = 256

// follow takes over what has changed. What was acknowledged before the call is in the index after it.
func (x *Index) follow(ctx context.Context) error {
	x.following.Lock()
	defer x.following.Unlock()
	var waiting []patch.Standing
	next, err := x.source.Changes(ctx, x.mark, x.seqOf, func(v patch.Standing) error {
		if waiting = append(waiting, v); len(waiting) == changesAtOnce {
			x.take(waiting)
			waiting = waiting[:0]
		}
		return nil
	})
	x.take(waiting)
	if err == nil {
		x.mark = next
	}
	return err
}

// seqOf is the number of the newest snapshot that the index has of a machine.
func (x *Index) seqOf(id patch.MachineID) uint64 {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if n, ok := x.numbers[id]; ok {
		if r := x.seats.at(n).Receipt; r != nil {
			return r.Seq
		}
	}
	return 0
}

func (x *Index) take(changes []patch.Standing) {
	if len(changes) == 0 {
		return
	}
	packed, amiss := make([]cells, len(changes)), make([]cells, len(changes))
	for i, c := range changes {
		if c.Snapshot != nil {
			packed[i] = packCells(c.Snapshot.Verdicts)
			amiss[i] = packed[i].amiss()
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for i, c := range changes {
		x.put(c, packed[i], amiss[i])
	}
}

// put gives a machine its new seat and counts it where it belongs.
func (x *Index) put(c patch.Standing, packed, amiss cells) {
	var old *Seat
	n, known := x.numbers[c.Machine.ID]
	if known {
		old = x.seats.at(n)
	} else {
		n = uint32(len(x.numbers))
		x.numbers[c.Machine.ID] = n
	}
	s := &Seat{Machine: x.share(c.Machine), Number: n, Moved: c.Moved}
	if !known || old.Machine.Name != s.Machine.Name {
		x.named = nil
	}
	if s.Told = x.told + 1; known && says(old.Machine) == says(s.Machine) {
		s.Told = old.Told
	}
	x.told = max(x.told, s.Told)
	switch {
	case c.Snapshot != nil:
		r := x.shareReceipt(c.Snapshot.Receipt, s.Machine)
		s.Receipt, s.cells, s.amiss = &r, packed, amiss
	case old != nil:
		s.Receipt, s.cells, s.amiss = old.Receipt, old.cells, old.amiss
	}
	if s.counted() {
		s.sheet = x.sheetOf(s.Receipt)
	}
	x.seats.put(n, s)
	x.run(old, s)
	count(old, s)
	if old != nil && old.sheet != nil && old.sheet.machines.IsEmpty() {
		delete(x.sheets, sheetKey{old.sheet.os, old.sheet.revision, old.sheet.columns})
	}
}

// run notes which OS an admitted machine runs.
func (x *Index) run(old, s *Seat) {
	was, is := old.runs(), s.runs()
	if was == is {
		return
	}
	if was != "" {
		x.running[was].Remove(s.Number)
	}
	if is != "" {
		if x.running[is] == nil {
			x.running[is] = roaring.New()
		}
		x.running[is].Add(s.Number)
	}
}

func (x *Index) sheetOf(r *patch.Receipt) *sheet {
	k := sheetKey{r.OS, r.Revision, r.Expected}
	s := x.sheets[k]
	if s == nil {
		s = newSheet(r)
		x.sheets[k] = s
	}
	return s
}

// count moves a machine from where its old seat counted it to where the new one does.
func count(old, s *Seat) {
	var was *sheet
	if old != nil {
		was = old.sheet
	}
	switch {
	case was == s.sheet && was != nil:
		if len(old.cells) == 0 || len(s.cells) == 0 || &old.cells[0] != &s.cells[0] {
			differ(old.cells, s.cells, func(column int, from, to patch.Verdict) { was.set(s.Number, column, from, to) })
		}
	default:
		if was != nil {
			was.leave(s.Number, old.cells)
		}
		if s.sheet != nil {
			s.sheet.enter(s.Number, s.cells)
		}
	}
}

// share keeps one copy of what many machines say alike.
func (x *Index) share(m patch.Machine) patch.Machine {
	m.OS, m.AgentVersion, m.EnrolledBy, m.State = share(x, m.OS), share(x, m.AgentVersion), share(x, m.EnrolledBy), share(x, m.State)
	return m
}

func (x *Index) shareReceipt(r patch.Receipt, m patch.Machine) patch.Receipt {
	r.Machine, r.OS, r.Revision, r.Agent = m.ID, share(x, r.OS), share(x, r.Revision), share(x, r.Agent)
	if r.Facts == m.Facts {
		r.Facts = m.Facts
	}
	if r.Boot == m.BootID {
		r.Boot = m.BootID
	}
	return r
}

func share[T ~string](x *Index, s T) T {
	if w, ok := x.words[string(s)]; ok {
		return T(w)
	}
	if len(x.words) < 10_000 { // what is said by machines is not bounded; an honest fleet says less
		x.words[string(s)] = string(s)
	}
	return s
}
