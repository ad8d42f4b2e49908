package fleet

import (
	"context"
	"sync"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/fettle-project/fettle/internal/patch"
)

// Source is the storage that an index follows. Changes is as store.Store's: it calls take once for every machine that may have changed since a
// mark, with its newest snapshot unless that is the one that have knows, and gives the mark to go on from. It may call both from several
// goroutines at once, and a snapshot's verdicts are gone when take returns.
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
	judged  uint64
	running map[patch.HostOS]*roaring.Bitmap // admitted machines by the OS that they run
	ways    map[wayKey][]int32
	sheets  map[sheetKey]*sheet
	words   map[string]string // one copy of what many machines say alike

	bases bases
}

type sheetKey struct {
	os       patch.HostOS
	revision patch.RevisionID
	columns  int
}

// New makes an index that reads everything at the first question; see Look.
func New(source Source, lists Lists) *Index {
	return &Index{source: source, lists: lists, numbers: map[patch.MachineID]uint32{}, running: map[patch.HostOS]*roaring.Bitmap{},
		sheets: map[sheetKey]*sheet{}, ways: map[wayKey][]int32{}, words: map[string]string{}, bases: bases{of: map[sheetKey][]*base{}}}
}

// changesAtOnce are taken over together: questions wait so long.
const changesAtOnce = 2048

// follow takes over what has changed. What was acknowledged before the call is in the index after it.
func (x *Index) follow(ctx context.Context) error {
	x.following.Lock()
	defer x.following.Unlock()
	var mu sync.Mutex
	var waiting []standing
	next, err := x.source.Changes(ctx, x.mark, x.seqOf, func(v patch.Standing) error {
		s := x.pack(v)
		mu.Lock()
		defer mu.Unlock()
		if waiting = append(waiting, s); len(waiting) == changesAtOnce {
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

// standing is a machine as it is now, its verdicts packed.
type standing struct {
	patch.Standing
	cells, amiss cells
	counts       patch.Counts
}

// pack packs what is gone when the source goes on.
func (x *Index) pack(v patch.Standing) standing {
	s := standing{Standing: v}
	if v.Snapshot == nil {
		return s
	}
	var b *base
	if seat := (Seat{Machine: v.Machine, Receipt: &v.Snapshot.Receipt}); seat.counted() {
		b = x.bases.near(keyOf(seat.Receipt), v.Snapshot.Verdicts)
	}
	s.cells = packCells(b, v.Snapshot.Verdicts)
	s.amiss, s.counts = s.cells.amiss(), v.Snapshot.Verdicts.Counts()
	return s
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

// take takes over what has changed: each machine once.
func (x *Index) take(changes []standing) {
	if len(changes) == 0 {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	var m moving
	for _, c := range changes {
		x.put(c, &m)
	}
	x.settle(m)
}

// moving is what is done for many machines at once: entering sheets, and forgetting those that are empty then.
type moving struct {
	entering map[*sheet][]*Seat
	left     []*sheet
}

// put gives a machine its new seat and counts it where it belongs, or notes that it has to be.
func (x *Index) put(c standing, m *moving) {
	var old *Seat
	n, known := x.numbers[c.Machine.ID]
	if known {
		old = x.seats.at(n)
	} else {
		n = uint32(len(x.numbers))
		x.numbers[c.Machine.ID] = n
	}
	s := &Seat{Machine: x.share(c.Machine), Number: n, Moved: c.Moved}
	if known {
		s.Machine = keep(old.Machine, s.Machine)
	}
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
		s.Receipt, s.cells, s.amiss, s.counts = &r, c.cells, c.amiss, c.counts
	case old != nil:
		s.Receipt, s.cells, s.amiss, s.counts = old.Receipt, old.cells, old.amiss, old.counts
	}
	if s.counted() {
		s.sheet = x.sheetOf(s.Receipt)
	}
	if s.Judged = x.judged + 1; known && s.Told == old.Told && s.sameDetect(old) {
		s.Judged = old.Judged
	}
	x.judged = max(x.judged, s.Judged)
	x.seats.put(n, s)
	x.run(old, s)
	m.count(old, s)
}

// settle has machines enter their sheets.
func (x *Index) settle(m moving) {
	for s, seats := range m.entering {
		s.enterAll(seats)
	}
	for _, s := range m.left {
		if k := s.key(); s.machines.IsEmpty() && x.sheets[k] == s {
			delete(x.sheets, k)
			x.bases.forget(k)
		}
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

func keyOf(r *patch.Receipt) sheetKey { return sheetKey{r.OS, r.Revision, r.Expected} }

func (x *Index) sheetOf(r *patch.Receipt) *sheet {
	k := keyOf(r)
	s := x.sheets[k]
	if s == nil {
		s = newSheet(k)
		x.sheets[k] = s
	}
	return s
}

// count moves a machine from where its old seat counted it to where the new one does.
func (m *moving) count(old, s *Seat) {
	var was *sheet
	if old != nil {
		was = old.sheet
	}
	if was == s.sheet && was != nil {
		if !old.cells.same(s.cells) {
			differ(old.cells, s.cells, func(column int, from, to patch.Verdict) { was.set(s.Number, column, from, to) })
		}
		return
	}
	if was != nil {
		was.leave(s.Number, old.cells)
		m.left = append(m.left, was)
	}
	if s.sheet != nil {
		if m.entering == nil {
			m.entering = map[*sheet][]*Seat{}
		}
		m.entering[s.sheet] = append(m.entering[s.sheet], s)
	}
}

// share keeps one copy of what many machines say alike.
func (x *Index) share(m patch.Machine) patch.Machine {
	m.OS, m.AgentVersion, m.EnrolledBy, m.State, m.Zone = share(x, m.OS), share(x, m.AgentVersion), share(x, m.EnrolledBy), share(x, m.State), share(x, m.Zone)
	return m
}

// keep has a machine's new row say with the old one's strings what both say.
func keep(old, m patch.Machine) patch.Machine {
	m.ID, m.Name, m.Address, m.BootID = kept(old.ID, m.ID), kept(old.Name, m.Name), kept(old.Address, m.Address), kept(old.BootID, m.BootID)
	m.Inventory, m.Facts = kept(old.Inventory, m.Inventory), kept(old.Facts, m.Facts)
	return m
}

func kept[T ~string](old, s T) T {
	if old == s {
		return old
	}
	return s
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
