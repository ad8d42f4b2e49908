package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"sync"

	"github.com/fettle-project/fettle/internal/patch"
)

// bases are vectors that many machines of a host OS and revision are near to. A machine's own is stored as what differs from the nearest:
// some tens of bytes, and quicker than any compression. A base never changes and is never removed, and it is durable before it is used.
type bases struct {
	mu     sync.RWMutex
	byID   map[int64]patch.Vector
	byList map[baseKey][]base // those of a revision, once they were read
	making sync.Mutex         // one new base at a time
}

type baseKey struct {
	os       patch.HostOS
	revision patch.RevisionID
}

type base struct {
	id     int64
	vector patch.Vector
}

const (
	maxBases  = 6   // of one revision
	near      = 64  // differences that are few enough whatever the list
	nearShare = 200 // and one in so many patches
	maxKnown  = 512 // bases kept in memory: 4 MB for a list of 30,000
)

// nearest gives the base with the fewest differences, and their number.
func nearest(all []base, v patch.Vector) (found base, differences int) {
	differences = math.MaxInt
	for _, b := range all {
		if b.vector.Len() != v.Len() {
			continue
		}
		if n := b.vector.Distance(v, differences-1); n < differences {
			found, differences = b, n
		}
	}
	return found, differences
}

// baseFor gives a base that a vector is near to, a new one if need be; ok is false where it is near to none of those that there may be.
func (s *Store) baseFor(ctx context.Context, r patch.Receipt, v patch.Vector) (b base, ok bool, err error) {
	k := baseKey{r.OS, r.Revision}
	all, err := s.basesOf(ctx, k)
	if err != nil {
		return b, false, err
	}
	b, n := nearest(all, v)
	if n <= near+v.Len()/nearShare {
		return b, true, nil
	}
	if len(all) >= maxBases {
		return b, n <= v.Len()/16, nil
	}
	b, err = s.makeBase(ctx, k, v)
	return b, err == nil, nil // without one the verdicts are stored whole, or the store is ill and says so then
}

func (s *Store) basesOf(ctx context.Context, k baseKey) ([]base, error) {
	s.bases.mu.RLock()
	all, known := s.bases.byList[k]
	s.bases.mu.RUnlock()
	if known {
		return all, nil
	}
	all, err := s.readBases(ctx, `WHERE os = $1 AND revision = $2 ORDER BY id`, k.os, k.revision)
	if err == nil {
		s.bases.keep(k, all)
	}
	return all, err
}

func (s *Store) readBases(ctx context.Context, where string, args ...any) ([]base, error) {
	type row struct {
		id   int64
		body []byte
	}
	rows, err := list(ctx, s.read(), func(r scanner) (v row, err error) { return v, r.Scan(&v.id, &v.body) }, `SELECT id, verdicts FROM bases `+where, args...)
	if err != nil {
		return nil, err
	}
	all := make([]base, len(rows))
	for i, r := range rows {
		v, err := s.vectors.decodeIn(r.body, nil)
		if err != nil {
			return nil, err
		}
		all[i] = base{r.id, v}
	}
	return all, nil
}

// keep remembers a revision's bases. They only become more, so fewer than are known were read before the others were made.
func (b *bases) keep(k baseKey, all []base) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.byList == nil || len(b.byID) > maxKnown {
		b.byList, b.byID = map[baseKey][]base{}, map[int64]patch.Vector{}
	}
	if known, ok := b.byList[k]; !ok || len(all) > len(known) {
		b.byList[k] = all
	}
	for _, x := range all {
		b.byID[x.id] = x.vector
	}
}

// makeBase makes a vector a base of its revision and returns when that is durable.
func (s *Store) makeBase(ctx context.Context, k baseKey, v patch.Vector) (base, error) {
	s.bases.making.Lock()
	defer s.bases.making.Unlock()
	all, err := s.basesOf(ctx, k)
	if err != nil {
		return base{}, err
	}
	if b, n := nearest(all, v); n <= near+v.Len()/nearShare || len(all) >= maxBases {
		return b, nil // somebody else made one meanwhile
	}
	kept, err := patch.VectorFrom(v.Len(), bytes.Clone(v.Bits())) // the caller's own may be written to
	if err != nil {
		return base{}, err
	}
	b := base{vector: kept}
	err = s.write(ctx, func(x session) error {
		return x.row(ctx, `INSERT INTO bases (id, os, revision, verdicts) SELECT COALESCE(MAX(id), 0) + 1, $1, $2, $3 FROM bases RETURNING id`,
			[]any{k.os, k.revision, s.vectors.encode(v)}, &b.id)
	})
	if err != nil {
		return b, err
	}
	s.bases.keep(k, append(all[:len(all):len(all)], b))
	return b, nil
}

// packVerdicts gives what is stored of a snapshot's verdicts.
func (s *Store) packVerdicts(ctx context.Context, v patch.Snapshot) ([]byte, error) {
	b, ok, err := s.baseFor(ctx, v.Receipt, v.Verdicts)
	if err != nil || !ok || b.vector.Len() != v.Verdicts.Len() {
		return s.vectors.encode(v.Verdicts), err
	}
	out := binary.AppendUvarint([]byte{vectorSteps}, uint64(v.Verdicts.Len()))
	out = binary.AppendUvarint(out, uint64(b.id))
	last := 0
	for i := range b.vector.Differences(v.Verdicts) {
		out = binary.AppendUvarint(out, uint64(i-last)<<2|uint64(b.vector.At(i)^v.Verdicts.At(i)))
		last = i
	}
	if len(out) > 16+v.Verdicts.Len()/16 {
		return s.vectors.encode(v.Verdicts), nil
	}
	return out, nil
}

// unpackVerdicts reads what packVerdicts gave, into scratch if that is large enough.
func (s *Store) unpackVerdicts(body, scratch []byte) (patch.Vector, error) {
	if len(body) == 0 || body[0] != vectorSteps {
		return s.vectors.decodeIn(body, scratch)
	}
	broken := func() error { return patch.Errorf(patch.Internal, "stored verdicts cannot be read") }
	in := movesReader{b: body[1:]}
	n, id := in.number(), in.number()
	if in.bad {
		return patch.Vector{}, broken()
	}
	b, err := s.baseAt(int64(id))
	if err != nil {
		return patch.Vector{}, err
	}
	v, err := patch.VectorFrom(b.Len(), append(scratch[:0], b.Bits()...))
	if err != nil {
		return v, err
	}
	at := uint64(0)
	for len(in.b) > 0 && !in.bad {
		step := in.number()
		if at += step >> 2; at >= n || uint64(b.Len()) != n {
			return patch.Vector{}, broken()
		}
		v.Set(int(at), v.At(int(at))^patch.Verdict(step&3))
	}
	if in.bad || uint64(b.Len()) != n {
		return patch.Vector{}, broken()
	}
	return v, nil
}

// baseAt gives a base by its number.
func (s *Store) baseAt(id int64) (patch.Vector, error) {
	s.bases.mu.RLock()
	v, ok := s.bases.byID[id]
	s.bases.mu.RUnlock()
	if ok {
		return v, nil
	}
	all, err := s.readBases(context.Background(), `WHERE id = $1`, id)
	if err != nil {
		return v, fault(err, "cannot read stored verdicts")
	}
	if len(all) != 1 {
		return v, patch.Errorf(patch.Internal, "stored verdicts are told against a vector that is not there")
	}
	s.bases.mu.Lock()
	defer s.bases.mu.Unlock()
	if s.bases.byID == nil || len(s.bases.byID) > maxKnown {
		s.bases.byList, s.bases.byID = map[baseKey][]base{}, map[int64]patch.Vector{}
	}
	s.bases.byID[id] = all[0].vector
	return all[0].vector, nil
}
