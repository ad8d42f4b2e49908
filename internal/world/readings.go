package world

import (
	"context"
	"sync"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/patch"
)

// readings are what the facts of machines say about one patch. Equal parts of facts are read once, and what was read stays true: facts are named by
// their hash, and neither a list nor its signatures ever change. So all questions share them.
type readings struct {
	one   *detect.Signatures
	asked detect.Question
	patch patch.Patch
	files []patch.PayloadFile
	asks  []asked             // of the files' packages
	meta  *patch.RevisionMeta // of the newest list, whose files they are

	mu    sync.Mutex
	parts map[string]*reading // of facts
	lacks map[lackPart]func() []lack
	seats []seatReading // by number
}

// seatReading is what the facts say that a seat has, or had.
type seatReading struct {
	facts patch.Hash
	says  *reading
	lacks func() []lack // nil where no package of the patch asks for anything
}

// lackPart is facts that are alike in what tells whether something is lacking.
type lackPart struct {
	facts string
	says  *reading
}

// reading is one part of facts with what follows from it for a patch.
type reading struct {
	fits    bool // to the signatures' OS
	finding patch.Finding
	needed  func() []patch.PlanPackage
}

// readKey names readings: the list and signatures that a detect used, and the newest list.
type readKey struct {
	os         patch.HostOS
	rev, files patch.RevisionID
	asks       patch.Hash // of the newest list's payload index: it may be made again for the same list
	id         patch.ID
}

// library holds the readings that questions were about lately.
type library struct {
	mu   sync.Mutex
	kept map[readKey]*readings
	room int // seats that still fit
}

// keptSeats bounds how many machines' readings are kept, over all patches: some 50 MiB.
const keptSeats = 2_000_000

func (l *library) find(k readKey) *readings {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.kept[k]
}

// keep takes readings of a fleet in, and gives those that somebody else has taken in meanwhile.
func (l *library) keep(k readKey, r *readings, machines int) *readings {
	l.mu.Lock()
	defer l.mu.Unlock()
	if known := l.kept[k]; known != nil {
		return known
	}
	if l.kept == nil || l.room < machines {
		l.kept, l.room = map[readKey]*readings{}, keptSeats
	}
	l.kept[k] = r
	l.room -= machines
	return r
}

// readings gives what facts say about a patch to machines that detected with a revision; nil where that cannot be asked of many at once.
func (v *View) readings(ctx context.Context, id patch.ID, os patch.HostOS, rev patch.RevisionID) (*readings, error) {
	k := readKey{os: os, rev: rev, id: id}
	meta := v.meta(os)
	if meta != nil {
		k.files, k.asks = meta.ID, meta.Payloads
	}
	if r, known := v.read[k]; known {
		return r, nil
	}
	r := v.r.library.find(k)
	if r == nil {
		var err error
		if r, err = v.openReadings(ctx, k); err != nil {
			return nil, err
		}
		if r != nil {
			r.meta = meta
			r = v.r.library.keep(k, r, v.look.Len())
		}
	}
	v.read[k] = r
	return r, nil
}

func (v *View) openReadings(ctx context.Context, k readKey) (*readings, error) {
	if v.r.Parts == nil || k.rev == "" {
		return nil, nil
	}
	shelf, err := v.Shelf(ctx, k.os, k.rev)
	if err != nil {
		return nil, err
	}
	p, i, listed := shelf.Find(k.id)
	if !listed {
		return nil, nil
	}
	r := &readings{patch: p, parts: map[string]*reading{}}
	if r.one, err = v.only(ctx, k.os, k.rev, i); r.one == nil {
		return nil, err
	}
	if r.files, err = v.Files(ctx, k.os, k.id); err != nil {
		return nil, err
	}
	if r.asks, err = v.asking(ctx, k.os, k.id); err != nil {
		return nil, err
	}
	r.asked = r.one.Question()
	for _, f := range r.files {
		r.asked.Packages = append(r.asked.Packages, f.Name)
	}
	return r, nil
}

// read reads the facts of some machines that are not read yet, as far as they are at hand.
func (r *readings) read(from Parts, seats []*fleet.Seat) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var fresh []*fleet.Seat
	var hashes []patch.Hash
	for _, s := range seats {
		if r.says(s) == nil {
			fresh, hashes = append(fresh, s), append(hashes, s.Receipt.Facts)
		}
	}
	if len(fresh) == 0 {
		return
	}
	if len(r.parts) > 2*len(r.seats) { // of facts that nobody has any more
		r.parts, r.lacks, r.seats = map[string]*reading{}, nil, nil
	}
	from.Parts(r.asked, hashes, func(n int, key string, part func() *patch.Facts) {
		says := r.parts[key]
		if says == nil {
			says = r.judge(part())
			r.parts[key] = says
		}
		number := int(fresh[n].Number)
		for len(r.seats) <= number {
			r.seats = append(r.seats, seatReading{})
		}
		r.seats[number] = seatReading{facts: hashes[n], says: says}
	})
	r.readLacks(from, fresh, hashes)
}

func (r *readings) judge(facts *patch.Facts) *reading {
	out := &reading{fits: facts.OS.Key == r.one.OS()}
	if !out.fits {
		return out
	}
	out.finding = r.one.Find(facts, 0)
	out.finding.ID, out.finding.Title = r.patch.ID, r.patch.Title
	out.needed = sync.OnceValue(func() []patch.PlanPackage {
		return Needed(facts, r.files, r.meta.Origins, allowedBy(facts, out.finding.Verdict, out.finding.Packages))
	})
	return out
}

// of is what the facts of a machine say; nil where they were not read.
func (r *readings) of(s *fleet.Seat) *reading {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.says(s)
}

func (r *readings) says(s *fleet.Seat) *reading {
	if n := int(s.Number); s.Receipt != nil && n < len(r.seats) && r.seats[n].facts == s.Receipt.Facts {
		return r.seats[n].says
	}
	return nil
}

// reading is what was read of the machine's facts about a patch; nil where nothing was.
func (s *Sight) reading(id patch.ID) *reading { return s.readingsOf(id).of(s.seat) }

func (s *Sight) readingsOf(id patch.ID) *readings {
	if s.Receipt == nil || s.Receipt.OS != s.OS {
		return nil
	}
	k := readKey{os: s.OS, rev: s.Receipt.Revision, id: id}
	if s.Meta != nil {
		k.files, k.asks = s.Meta.ID, s.Meta.Payloads
	}
	return s.v.read[k]
}
