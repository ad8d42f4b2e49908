package fleet

import (
	"encoding/binary"
	"iter"
	"math/bits"
	"sync"

	"github.com/fettle-project/fettle/internal/patch"
)

// base is verdicts that many machines of a list are near to, so that each of them is kept as the little that differs: a machine in nearly the
// state of another one costs some tens of bytes, not a byte or two for each patch that applies to it. It never changes; nil is one of
// which nothing applies.
type base struct {
	vector patch.Vector
	some   []cell // those that are not not-applicable, in order
	amiss  []cell // of these those that are not-patched or an error
}

// cell is a column and, in the lowest two bits, its verdict.
type cell uint32

func (c cell) column() int            { return int(c >> 2) }
func (c cell) verdict() patch.Verdict { return patch.Verdict(c & 3) }

func newBase(v patch.Vector) *base {
	b := &base{vector: patch.NewVector(v.Len())}
	copy(b.vector.Bits(), v.Bits())
	for i, d := range (*base)(nil).differences(v) {
		b.some = append(b.some, cell(i)<<2|cell(d))
		if isAmiss(d) {
			b.amiss = append(b.amiss, cell(i)<<2|cell(d))
		}
	}
	return b
}

func (b *base) cells() []cell {
	if b == nil {
		return nil
	}
	return b.some
}

func (b *base) at(column int) patch.Verdict {
	if b == nil || column >= b.vector.Len() {
		return patch.NotApplicable
	}
	return b.vector.At(column)
}

// word gives 32 verdicts of a vector's bits, or what of them there is.
func word(b []byte, at int) uint64 {
	if at+8 <= len(b) {
		return binary.LittleEndian.Uint64(b[at:])
	}
	if at >= len(b) {
		return 0
	}
	var last [8]byte
	copy(last[:], b[at:])
	return binary.LittleEndian.Uint64(last[:])
}

func (b *base) bits() []byte {
	if b == nil {
		return nil
	}
	return b.vector.Bits()
}

// differences yields the columns in which a vector of the base's length differs, and the exclusive or of both verdicts.
func (b *base) differences(v patch.Vector) iter.Seq2[int, patch.Verdict] {
	return func(yield func(int, patch.Verdict) bool) {
		mine, its := b.bits(), v.Bits()
		for at := 0; at < len(its); at += 8 {
			for x := word(mine, at) ^ word(its, at); x != 0; {
				k := bits.TrailingZeros64(x) / 2
				if i := 4*at + k; i >= v.Len() || !yield(i, patch.Verdict(x>>(2*k)&3)) {
					return
				}
				x &^= 3 << (2 * k)
			}
		}
	}
}

// distance counts the columns in which a vector of the base's length differs, or gives some number above most where these are more.
func (b *base) distance(v patch.Vector, most int) (n int) {
	mine, its := b.bits(), v.Bits()
	for at := 0; at < len(its) && n <= most; at += 8 {
		x := word(mine, at) ^ word(its, at)
		n += bits.OnesCount64((x | x>>1) & 0x5555555555555555)
	}
	return n
}

// bases are those of the lists that machines have detected with. They may be used from many goroutines.
type bases struct {
	mu sync.Mutex
	of map[sheetKey][]*base
}

const (
	maxBases  = 16  // of one list
	near      = 64  // differences that are few enough whatever the list
	nearShare = 200 // and one in so many patches
)

// near gives a base that a vector of a list is near to. A list that has few bases gets one more.
func (s *bases) near(k sheetKey, v patch.Vector) *base {
	s.mu.Lock()
	all := s.of[k]
	s.mu.Unlock()
	best, fewest := nearest(all, v)
	if fewest <= near+v.Len()/nearShare || len(all) >= maxBases {
		return best
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.of[k]) > len(all) { // somebody was quicker
		all = s.of[k]
		if best, fewest = nearest(all, v); fewest <= near+v.Len()/nearShare || len(all) >= maxBases {
			return best
		}
	}
	b := newBase(v)
	s.of[k] = append(all[:len(all):len(all)], b) // who reads all meanwhile keeps what it has
	return b
}

// nearest gives the base with the fewest differences, and their number; nil where nothing applies to so few that no base is nearer.
func nearest(all []*base, v patch.Vector) (best *base, fewest int) {
	fewest = best.distance(v, v.Len())
	for _, b := range all {
		if n := b.distance(v, fewest-1); n < fewest {
			best, fewest = b, n
		}
	}
	return best, fewest
}

// forget drops the bases of a list that nobody uses any more.
func (s *bases) forget(k sheetKey) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.of, k)
}
