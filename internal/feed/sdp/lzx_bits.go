package sdp

import (
	"encoding/binary"
	"errors"
)

var (
	errLZXShort = errors.New("an LZX frame ends too early")
	errLZXCodes = errors.New("the lengths of the LZX codes make no code")
)

// lzxBits reads bits, the highest of little-endian words first. Beyond the end of the bytes are zeros; short says that some were read.
type lzxBits struct {
	b     []byte
	at    int
	bits  uint64 // the next ones, from the highest on
	n     int
	short bool
}

// add appends a frame to what is left of the one before.
func (r *lzxBits) add(frame []byte) {
	r.b, r.at = append(r.b[:copy(r.b, r.b[r.at:])], frame...), 0
}

func (r *lzxBits) rest() int { return len(r.b) - r.at }

func (r *lzxBits) peek() uint32 {
	for r.n <= 32 && r.at+1 < len(r.b) {
		r.bits |= uint64(binary.LittleEndian.Uint16(r.b[r.at:])) << (48 - r.n)
		r.at, r.n = r.at+2, r.n+16
	}
	return uint32(r.bits >> 32)
}

func (r *lzxBits) drop(n int) {
	if r.n -= n; r.n < 0 {
		r.n, r.bits, r.short = 0, 0, true
		return
	}
	r.bits <<= n
}

// take reads n bits, 32 at most.
func (r *lzxBits) take(n int) uint32 {
	v := uint32(uint64(r.peek()) >> (32 - n))
	r.drop(n)
	return v
}

// align goes to the next word where a word has begun, and gives back those that were read ahead.
func (r *lzxBits) align() {
	r.at -= r.n >> 4 << 1
	r.bits, r.n = 0, 0
}

// skipWord goes to the next word even where none has begun.
func (r *lzxBits) skipWord() {
	r.peek()
	r.drop((r.n-1)&15 + 1)
	r.align()
}

// raw fills b with bytes; the bits are at the beginning of a word.
func (r *lzxBits) raw(b []byte) {
	n := copy(b, r.b[r.at:])
	r.at += n
	r.short = r.short || n < len(b)
}

const (
	lzxFastBits = 10
	lzxCodeBits = 16
)

// lzxTree is a prefix code: shorter codes come first, those of one length in the order of their symbols.
type lzxTree struct {
	fast    [1 << lzxFastBits]uint16 // by the next bits: symbol and length of a code that is not longer, else 0
	limit   [lzxCodeBits + 1]uint32  // by length: the first 16 bits that are no code of this length or a shorter one
	shift   [lzxCodeBits + 1]int     // by length: from a code to its place in symbols
	symbols [lzxMainCodes]uint16
}

// build makes the code of these lengths. Every string of bits must begin with a code.
func (t *lzxTree) build(lengths []byte) error {
	var count [lzxCodeBits + 1]int
	for _, l := range lengths {
		count[l]++
	}
	*t = lzxTree{}
	code, place := 0, 0
	var next [lzxCodeBits + 1]int
	for l := 1; l <= lzxCodeBits; l++ {
		code <<= 1
		next[l], t.shift[l] = place, place-code
		code, place = code+count[l], place+count[l]
		t.limit[l] = uint32(code) << (lzxCodeBits - l)
	}
	if code != 1<<lzxCodeBits {
		return errLZXCodes
	}
	for symbol, l := range lengths {
		if l == 0 {
			continue
		}
		t.symbols[next[l]] = uint16(symbol)
		if l <= lzxFastBits {
			first := (next[l] - t.shift[l]) << (lzxFastBits - l)
			for i := range 1 << (lzxFastBits - l) {
				t.fast[first+i] = uint16(symbol)<<4 | uint16(l)
			}
		}
		next[l]++
	}
	return nil
}

// next reads a symbol.
func (t *lzxTree) next(r *lzxBits) int {
	bits := r.peek() >> (32 - lzxCodeBits)
	if e := t.fast[bits>>(lzxCodeBits-lzxFastBits)]; e != 0 {
		r.drop(int(e & 15))
		return int(e >> 4)
	}
	for l := lzxFastBits + 1; l <= lzxCodeBits; l++ {
		if bits < t.limit[l] {
			r.drop(l)
			return int(t.symbols[int(bits>>(lzxCodeBits-l))+t.shift[l]])
		}
	}
	r.short = true // the code is empty
	return 0
}
