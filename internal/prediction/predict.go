package prediction

import (
	"encoding/binary"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Row is what the engine says about one machine's stored facts. It was not detected.
type Row struct {
	Machine patch.MachineID `json:"machine"`
	Name    string          `json:"name"`
	Verdict patch.Verdict   `json:"predicted"`
	FactsAt time.Time       `json:"facts_at"` // when the facts were collected: the prediction is as old as they are
	Text    phrase.Phrase   `json:"text"`     // why
	at      *seat
}

// Question is one patch and the machines that it is asked about.
type Question struct {
	OS         patch.HostOS
	Signatures *detect.Signatures
	Number     int // of the definition
	// Covers tells whether a detect made with that revision has judged the patch: such a machine's verdict is detected, not predicted.
	Covers func(patch.RevisionID) bool
}

// Answer is a prediction.
type Answer struct {
	Counts   patch.Counts // of Rows
	Rows     []Row        // one for each machine of the OS that has not detected against the patch, by name
	Detected int          // machines of the OS that have
	Whole    bool         // false while the index is still being filled: machines are missing
	Indexed  int          // machines in the index, of all OSes
	Expected int          // machines that belong there

	one *detect.Signatures
	x   *Index
}

// Predict asks the engine about every machine's stored facts. Machines of which all that the definition looks at is alike are asked once.
func (x *Index) Predict(q Question) (*Answer, error) {
	one, err := q.Signatures.Only(q.Number)
	if err != nil {
		return nil, err
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	a := &Answer{Whole: x.whole, Indexed: len(x.seats), Expected: max(x.expected, len(x.seats)), one: one, x: x}
	seats := x.waiting(q, a)
	r := newReading(x, one, one.Question())
	a.Rows = make([]Row, len(seats))
	workers := runtime.GOMAXPROCS(0)
	var g sync.WaitGroup
	for w := range workers {
		from, to := w*len(seats)/workers, (w+1)*len(seats)/workers
		g.Go(func() { r.judge(seats[from:to], a.Rows[from:to]) })
	}
	g.Wait()
	for i := range a.Rows {
		a.Counts[a.Rows[i].Verdict]++
	}
	slices.SortFunc(a.Rows, func(a, b Row) int {
		if n := strings.Compare(a.Name, b.Name); n != 0 {
			return n
		}
		return strings.Compare(string(a.Machine), string(b.Machine))
	})
	return a, nil
}

// waiting lists the machines to predict for, and counts the others.
func (x *Index) waiting(q Question, a *Answer) []*seat {
	covers := map[patch.RevisionID]bool{}
	var seats []*seat
	for _, s := range x.seats {
		if s.set.os != q.OS {
			continue
		}
		covered, known := covers[s.Revision]
		if !known {
			covered = s.Revision != "" && q.Covers(s.Revision)
			covers[s.Revision] = covered
		}
		if covered {
			a.Detected++
			continue
		}
		seats = append(seats, s)
	}
	return seats
}

// reading is one question over the index.
type reading struct {
	x       *Index
	one     *detect.Signatures
	all     bool // packages
	objects bool
	asked   []uint64 // bits: the packages that the definition looks at
}

func newReading(x *Index, one *detect.Signatures, q detect.Question) *reading {
	r := &reading{x: x, one: one, all: q.AllPackages, objects: q.Objects, asked: make([]uint64, len(x.packages.keys)/64+1)}
	for _, name := range q.Packages {
		for _, n := range x.named[name] {
			r.asked[n/64] |= 1 << (n % 64)
		}
	}
	for _, name := range q.Provided {
		for _, n := range x.provided[name] {
			r.asked[n/64] |= 1 << (n % 64)
		}
	}
	return r
}

// judge fills a row for each seat. It asks the engine once for each combination of what the definition looks at.
func (r *reading) judge(seats []*seat, rows []Row) {
	known, shared := map[string]patch.Verdict{}, map[*set]patch.Verdict{}
	var key []byte
	var hits []uint32
	for i, s := range seats {
		v, done := shared[s.set]
		if !done {
			hits = r.hits(s.set, hits[:0])
			key = r.key(key[:0], s.set, hits)
			v, done = known[string(key)]
			switch {
			case s.set.fault != "":
				v = patch.Faulty
			case !done:
				v = verdictOf(r.one, r.x.part(s.set, hits, r.objects))
				known[string(key)] = v
			}
			if s.set.users > 1 {
				shared[s.set] = v
			}
		}
		rows[i] = Row{Machine: s.Machine, Name: s.Name, Verdict: v, FactsAt: s.At, at: s}
	}
}

// key appends what tells one part of facts from another.
func (r *reading) key(key []byte, s *set, hits []uint32) []byte {
	key = binary.LittleEndian.AppendUint32(key, s.frame)
	for _, n := range hits {
		key = binary.LittleEndian.AppendUint32(key, n)
	}
	if r.objects {
		key = binary.LittleEndian.AppendUint32(key, ^uint32(0))
		for _, n := range s.objects {
			key = binary.LittleEndian.AppendUint32(key, n)
		}
	}
	return key
}

// Parts gives, of the facts under each of some hashes, what a question looks at, and a key: equal keys mean equal parts. Facts that are not
// in the index, and those that no engine judges, are left out.
func (x *Index) Parts(q detect.Question, facts []patch.Hash, each func(i int, key string, part func() *patch.Facts)) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	r := newReading(x, nil, q)
	shared := map[*set]read{}
	var key []byte
	var hits []uint32
	for i, h := range facts {
		s := x.sets[h]
		if s == nil || s.fault != "" {
			continue
		}
		known, done := shared[s]
		if !done {
			hits = r.hits(s, hits[:0])
			key = r.key(key[:0], s, hits)
			if known = (read{string(key), hits}); s.users > 1 { // more of the machines may have told the same
				known.hits = slices.Clone(hits)
				shared[s] = known
			}
		}
		each(i, known.key, func() *patch.Facts { return x.part(s, known.hits, r.objects) })
	}
}

// read is what a question asks of facts: which of their packages it is about, and what tells these from those of other facts.
type read struct {
	key  string
	hits []uint32
}

// hits gives the packages of a set that are asked for.
func (r *reading) hits(s *set, into []uint32) []uint32 {
	if r.all {
		return append(into, s.packages...)
	}
	for _, n := range s.packages {
		if r.asked[n/64]&(1<<(n%64)) != 0 {
			into = append(into, n)
		}
	}
	return into
}

// part puts together what the definition looks at.
func (x *Index) part(s *set, packages []uint32, objects bool) *patch.Facts {
	f := x.frames.values[s.frame]
	f.Packages = make([]patch.Package, len(packages))
	for i, n := range packages {
		f.Packages[i] = x.packages.keys[n]
	}
	if objects {
		f.Objects = make([]patch.Collected, len(s.objects))
		for i, n := range s.objects {
			f.Objects[i] = x.objects.values[n]
		}
	}
	return &f
}

// Facts gives the facts under a hash, put together from what the index holds of them; ok is false for those that it does not hold. It shares no
// slice of packages with others, and everything else: the caller must not change that.
func (x *Index) Facts(hash patch.Hash) (f *patch.Facts, ok bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	s := x.sets[hash]
	if s == nil {
		return nil, false
	}
	return x.part(s, s.packages, true), true
}

func verdictOf(one *detect.Signatures, f *patch.Facts) patch.Verdict {
	r, err := one.Evaluate(f)
	if err != nil {
		return patch.Faulty
	}
	return r.Verdicts.At(0)
}

// Explain fills in why, for rows of the answer that a person will read.
func (a *Answer) Explain(rows []Row) {
	a.x.mu.RLock()
	defer a.x.mu.RUnlock()
	r := newReading(a.x, a.one, a.one.Question())
	for i := range rows {
		s := rows[i].at
		if a.x.sets[s.set.hash] != s.set {
			rows[i].Text = "newer facts have come meanwhile"
			continue
		}
		if rows[i].Text = phrase.Verbatim(s.set.fault); s.set.fault == "" {
			f := a.one.Find(a.x.part(s.set, r.hits(s.set, nil), r.objects), 0)
			rows[i].Text = f.Reason.Text
		}
	}
}
