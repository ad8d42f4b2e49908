package store

import (
	"context"
	"encoding/binary"
	"slices"
	"sync"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// moves packs the transitions of one snapshot: patches by their ordinals, which never change, and each cause and note once.
//
// A body is: its form, the number of reasons, each a cause and a note; the number of transitions, each a patch (its ordinal + 1, or 0 and
// its ID), a byte of both verdicts, and a reason. Numbers are uvarints, texts come after their length. In the second form what follows is a zstd frame.
type moves struct {
	codec *vectorCodec

	mu   sync.Mutex
	oses map[patch.HostOS]*ordinals
}

type ordinals struct {
	ids   []patch.ID // by ordinal; empty where a patch of this ordinal was not read yet
	index map[patch.ID]int
}

const (
	movesPlain = 1
	movesZstd  = 2
	fewMoves   = 160 // bytes that are not worth compressing
)

type reason struct {
	cause patch.Cause
	note  phrase.Phrase
}

func (m *moves) pack(ctx context.Context, x session, os patch.HostOS, ts []patch.Transition) ([]byte, error) {
	numbers, err := m.numbers(ctx, x, os, ts)
	if err != nil {
		return nil, err
	}
	var reasons []reason
	items := make([]byte, 0, 5*len(ts))
	for i := range ts {
		t := &ts[i]
		r := reason{t.Cause, t.Note}
		at := slices.Index(reasons, r)
		if at < 0 {
			at, reasons = len(reasons), append(reasons, r)
		}
		items = binary.AppendUvarint(items, uint64(numbers[i]+1))
		if numbers[i] < 0 {
			items = appendText(items, cleanText(string(t.Patch)))
		}
		items = append(items, byte(t.From)<<4|byte(t.To)&15)
		items = binary.AppendUvarint(items, uint64(at))
	}
	body := binary.AppendUvarint([]byte{movesPlain}, uint64(len(reasons)))
	for _, r := range reasons {
		body = appendText(appendText(body, cleanText(string(r.cause))), cleanText(r.note.Keep()))
	}
	body = append(binary.AppendUvarint(body, uint64(len(ts))), items...)
	if len(body) > fewMoves {
		return m.codec.enc.EncodeAll(body[1:], []byte{movesZstd}), nil
	}
	return body, nil
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// numbers gives the ordinal of each transition's patch, -1 for one that the catalog never had.
func (m *moves) numbers(ctx context.Context, x session, os patch.HostOS, ts []patch.Transition) ([]int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	o := m.of(os)
	out := make([]int, len(ts))
	read := false
	for i, t := range ts {
		n, ok := o.index[t.Patch]
		if !ok && !read {
			if err := o.read(ctx, x, os); err != nil {
				return nil, err
			}
			read = true
			n, ok = o.index[t.Patch]
		}
		if !ok {
			n = -1
		}
		out[i] = n
	}
	return out, nil
}

func (m *moves) of(os patch.HostOS) *ordinals {
	if m.oses == nil {
		m.oses = map[patch.HostOS]*ordinals{}
	}
	if m.oses[os] == nil {
		m.oses[os] = &ordinals{index: map[patch.ID]int{}}
	}
	return m.oses[os]
}

// read takes over the patches that came since.
func (o *ordinals) read(ctx context.Context, x session, os patch.HostOS) error {
	type numbered struct {
		id patch.ID
		n  int
	}
	all, err := list(ctx, x, func(r scanner) (v numbered, err error) { return v, r.Scan(&v.id, &v.n) },
		`SELECT id, ordinal FROM patches WHERE os = $1 AND ordinal >= $2`, os, len(o.ids))
	if err != nil {
		return err
	}
	for _, v := range all {
		if v.n < 0 || v.n > 1<<26 {
			continue
		}
		if missing := v.n + 1 - len(o.ids); missing > 0 {
			o.ids = append(o.ids, make([]patch.ID, missing)...)
		}
		o.ids[v.n], o.index[v.id] = v.id, v.n
	}
	return nil
}

// id gives the patch with an ordinal.
func (m *moves) id(ctx context.Context, x session, os patch.HostOS, n int) (patch.ID, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	o := m.of(os)
	if n >= len(o.ids) {
		if err := o.read(ctx, x, os); err != nil {
			return "", err
		}
	}
	if n >= len(o.ids) || o.ids[n] == "" {
		return "", patch.Errorf(patch.Internal, "stored transitions name patch %d of %s, which is not there", n, os)
	}
	return o.ids[n], nil
}

// moved is a stored row of moves.
type moved struct {
	head patch.Transition // machine, number, OS, time
	body []byte
}

func scanMoved(r scanner) (v moved, err error) {
	return v, r.Scan(&v.head.Machine, &v.head.Seq, &v.head.OS, stamp{&v.head.At}, &v.body)
}

// unpack gives the transitions of a row.
func (m *moves) unpack(ctx context.Context, x session, v moved) ([]patch.Transition, error) {
	broken := func() error {
		return patch.Errorf(patch.Internal, "the stored transitions of snapshot %d of the machine %s cannot be read", v.head.Seq, v.head.Machine)
	}
	if len(v.body) == 0 {
		return nil, broken()
	}
	in := movesReader{b: v.body[1:]}
	if v.body[0] == movesZstd {
		var err error
		if in.b, err = m.codec.dec.DecodeAll(in.b, nil); err != nil {
			return nil, broken()
		}
	}
	reasons := make([]reason, in.count())
	for i := range reasons {
		reasons[i] = reason{patch.Cause(in.text()), phrase.Recall(in.text())}
	}
	out := make([]patch.Transition, in.count())
	for i := range out {
		t := v.head
		n := in.number()
		if n == 0 {
			t.Patch = patch.ID(in.text())
		}
		verdicts, at := in.octet(), in.number()
		if in.bad || at >= uint64(len(reasons)) {
			return nil, broken()
		}
		if n > 0 {
			var err error
			if t.Patch, err = m.id(ctx, x, t.OS, int(n-1)); err != nil {
				return nil, err
			}
		}
		t.From, t.To, t.Cause, t.Note = patch.Verdict(verdicts>>4), patch.Verdict(verdicts&15), reasons[at].cause, reasons[at].note
		out[i] = t
	}
	if in.bad {
		return nil, broken()
	}
	return out, nil
}

// movesReader takes values off the front of b; one that is not there makes it bad.
type movesReader struct {
	b   []byte
	bad bool
}

func (r *movesReader) number() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[n:]
	return v
}

// count is a number of things that take a byte each at least.
func (r *movesReader) count() int {
	n := r.number()
	if n > uint64(len(r.b)) {
		r.bad = true
		return 0
	}
	return int(n)
}

func (r *movesReader) octet() byte {
	if len(r.b) == 0 {
		r.bad = true
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

func (r *movesReader) text() string {
	n := r.count()
	s := string(r.b[:n])
	r.b = r.b[n:]
	return s
}
