package patch

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"
	"math/bits"
)

// Verdict is what one detect says about one patch on one machine.
type Verdict uint8

const (
	// NotApplicable: a prerequisite does not hold on this machine.
	NotApplicable Verdict = 0
	// NotPatched: prerequisites hold, the patch is not installed. The machine is eligible.
	NotPatched Verdict = 1
	// Patched: prerequisites hold and the patch is installed.
	Patched Verdict = 2
	// Faulty is the verdict "error": it could not be judged. Never silently turned into another one.
	Faulty Verdict = 3
	// Unknown: no complete snapshot covers this patch. It exists in the ledger only, never in a Vector.
	Unknown Verdict = 4
)

var verdictNames = [...]string{"not-applicable", "not-patched", "patched", "error", "unknown"}

// String gives the verdict's stable name.
func (v Verdict) String() string {
	if int(v) < len(verdictNames) {
		return verdictNames[v]
	}
	return fmt.Sprintf("verdict(%d)", uint8(v))
}

// MarshalText writes the stable name.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads a stable name.
func (v *Verdict) UnmarshalText(b []byte) error {
	for i, n := range verdictNames {
		if n == string(b) {
			*v = Verdict(i)
			return nil
		}
	}
	return Errorf(Invalid, "no verdict is called %q", b)
}

// Vector holds one verdict per patch of a list, two bits each, in the list's order.
// The zero value is an empty vector.
type Vector struct {
	n    int
	bits []byte
}

// NewVector makes a vector of n verdicts, all NotApplicable.
func NewVector(n int) Vector { return Vector{n: n, bits: make([]byte, (n+3)/4)} }

// VectorFrom adopts packed bits for n verdicts; the slice is kept.
func VectorFrom(n int, bits []byte) (Vector, error) {
	if n < 0 || len(bits) != (n+3)/4 {
		return Vector{}, Errorf(Invalid, "a vector of %d verdicts has %d bytes, not %d", n, (n+3)/4, len(bits))
	}
	return Vector{n: n, bits: bits}, nil
}

// Len is the number of verdicts.
func (v Vector) Len() int { return v.n }

// Bits gives the packed form; verdict i sits at bits 2(i mod 4) of byte i/4.
func (v Vector) Bits() []byte { return v.bits }

// At gives verdict i.
func (v Vector) At(i int) Verdict { return Verdict(v.bits[i>>2]>>(uint(i&3)<<1)) & 3 }

// Set stores verdict i.
func (v Vector) Set(i int, d Verdict) {
	shift := uint(i&3) << 1
	v.bits[i>>2] = v.bits[i>>2]&^(3<<shift) | byte(d&3)<<shift
}

// Fill stores one verdict at all places from from to before to.
func (v Vector) Fill(from, to int, d Verdict) {
	for ; from < to && from&3 != 0; from++ {
		v.Set(from, d)
	}
	for ; from+4 <= to; from += 4 {
		v.bits[from>>2] = byte(d&3) * 0x55
	}
	for ; from < to; from++ {
		v.Set(from, d)
	}
}

// Differences gives, in order, the places at which two vectors of equal length have other verdicts.
func (v Vector) Differences(w Vector) iter.Seq[int] {
	return func(yield func(int) bool) {
		for from := 0; from < len(v.bits); from += stride {
			to := min(from+stride, len(v.bits))
			if bytes.Equal(v.bits[from:to], w.bits[from:to]) { // as most are
				continue
			}
			for i := from; i < to; i += 8 {
				for d := v.differing(w, i); d != 0; d &= d - 1 {
					if !yield(4*i + bits.TrailingZeros64(d)/2) {
						return
					}
				}
			}
		}
	}
}

// stride is how many bytes of two vectors are held against each other at once, a multiple of 8.
const stride = 64

// Distance is the number of differences, or some number above most where they are more than that.
func (v Vector) Distance(w Vector, most int) (n int) {
	for i := 0; i < len(v.bits) && n <= most; i += 8 {
		n += bits.OnesCount64(v.differing(w, i))
	}
	return n
}

// differing sets the lower bit of each verdict that differs among the 32 that begin at byte i.
func (v Vector) differing(w Vector, i int) uint64 {
	const low = 0x5555555555555555
	if i+8 <= len(v.bits) {
		d := binary.LittleEndian.Uint64(v.bits[i:]) ^ binary.LittleEndian.Uint64(w.bits[i:])
		return (d | d>>1) & low
	}
	var d uint64
	for k, b := range v.bits[i:] {
		d |= uint64(b^w.bits[i+k]) << (8 * k)
	}
	return (d | d>>1) & low
}

// Counts tells how many patches have each verdict.
func (v Vector) Counts() Counts {
	var c Counts
	words := v.n / 32 // 32 verdicts in 64 bits, counted at once
	const low = 0x5555555555555555
	for w := range words {
		x := binary.LittleEndian.Uint64(v.bits[8*w:])
		first, second := x&low, x>>1&low
		c[NotPatched] += bits.OnesCount64(first &^ second)
		c[Patched] += bits.OnesCount64(second &^ first)
		c[Faulty] += bits.OnesCount64(first & second)
	}
	c[NotApplicable] = 32*words - c[NotPatched] - c[Patched] - c[Faulty]
	for i := 32 * words; i < v.n; i++ {
		c[v.At(i)]++
	}
	return c
}

// Errors is the number of verdicts that are errors: Counts()[Faulty], at a fraction of its time.
func (v Vector) Errors() (n int) {
	const low = 0x5555555555555555
	at := 0
	for ; at+32 <= len(v.bits); at += 32 {
		b := v.bits[at : at+32 : at+32]
		x, y, z, w := binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b[16:]), binary.LittleEndian.Uint64(b[24:])
		x, y, z, w = x&(x>>1)&low, y&(y>>1)&low, z&(z>>1)&low, w&(w>>1)&low
		if x|y|z|w != 0 {
			n += bits.OnesCount64(x) + bits.OnesCount64(y) + bits.OnesCount64(z) + bits.OnesCount64(w)
		}
	}
	for i := 4 * at; i < v.n; i++ {
		if v.At(i) == Faulty {
			n++
		}
	}
	return n
}

// Counts is a number of patches (or machines) per verdict, indexed by Verdict, Unknown included.
type Counts [5]int

// Total adds all verdicts up.
func (c Counts) Total() int { return c[0] + c[1] + c[2] + c[3] + c[4] }
