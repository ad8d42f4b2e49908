package store

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
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

// ordinals are those that were asked for: few of an OS's patches ever move, and reading all of them is what the first detects after a start would wait for.
type ordinals struct {
	ids     map[int]patch.ID
	numbers map[patch.ID]int
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
	out := make([]int, len(ts))
	var unknown []int
	m.mu.Lock()
	o := m.of(os)
	for i := range ts {
		n, ok := o.numbers[ts[i].Patch]
		if out[i] = n; !ok {
			unknown = append(unknown, i)
		}
	}
	m.mu.Unlock()
	for _, i := range unknown {
		id := patch.ID(cleanText(string(ts[i].Patch)))
		err := x.row(ctx, `SELECT ordinal FROM patches WHERE os = $1 AND id = $2`, []any{os, id}, &out[i])
		switch {
		case errors.Is(err, sql.ErrNoRows):
			out[i] = -1
		case err != nil:
			return nil, err
		default:
			m.learn(os, id, out[i])
		}
	}
	return out, nil
}

// of gives what is known of an OS's patches; the lock is held.
func (m *moves) of(os patch.HostOS) *ordinals {
	if m.oses == nil {
		m.oses = map[patch.HostOS]*ordinals{}
	}
	if m.oses[os] == nil {
		m.oses[os] = &ordinals{map[int]patch.ID{}, map[patch.ID]int{}}
	}
	return m.oses[os]
}

func (m *moves) learn(os patch.HostOS, id patch.ID, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	o := m.of(os)
	o.ids[n], o.numbers[id] = id, n
}

// id gives the patch with an ordinal.
func (m *moves) id(ctx context.Context, x session, os patch.HostOS, n int) (patch.ID, error) {
	m.mu.Lock()
	id, ok := m.of(os).ids[n]
	m.mu.Unlock()
	if ok {
		return id, nil
	}
	err := x.row(ctx, `SELECT id FROM patches WHERE os = $1 AND ordinal = $2`, []any{os, n}, &id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", patch.Errorf(patch.Internal, "stored transitions name patch %d of %s, which is not there", n, os)
	}
	if err == nil {
		m.learn(os, id, n)
	}
	return id, err
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
