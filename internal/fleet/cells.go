package fleet

import (
	"encoding/binary"
	"iter"

	"github.com/fettle-project/fettle/internal/patch"
)

// cells are a machine's verdicts without those that are not applicable, nearly all of them: for each of the others, in the list's order, a
// varint of its distance from the one before and its verdict in the lowest two bits.
type cells []byte

func packCells(v patch.Vector) cells {
	var out cells
	last := -1
	eachVerdict(v, func(i int, d patch.Verdict) {
		out = binary.AppendUvarint(out, uint64(i-last-1)<<2|uint64(d))
		last = i
	})
	return out
}

// amiss are the cells that are not-patched or an error.
func (c cells) amiss() cells {
	var out cells
	last := -1
	for i, d := range c.all() {
		if d == patch.NotPatched || d == patch.Faulty {
			out = binary.AppendUvarint(out, uint64(i-last-1)<<2|uint64(d))
			last = i
		}
	}
	return out
}

// eachVerdict visits the verdicts that are not not-applicable, eight bytes of which are looked at at once.
func eachVerdict(v patch.Vector, visit func(i int, d patch.Verdict)) {
	b := v.Bits()
	at := 0
	for ; at+8 <= len(b); at += 8 {
		if binary.LittleEndian.Uint64(b[at:]) != 0 {
			visitBytes(v, at, at+8, visit)
		}
	}
	visitBytes(v, at, len(b), visit)
}

func visitBytes(v patch.Vector, from, to int, visit func(i int, d patch.Verdict)) {
	for at, b := range v.Bits()[from:to] {
		if b == 0 {
			continue
		}
		first := 4 * (from + at)
		for i := first; i < min(first+4, v.Len()); i++ {
			if d := v.At(i); d != patch.NotApplicable {
				visit(i, d)
			}
		}
	}
}

// all yields column and verdict.
func (c cells) all() iter.Seq2[int, patch.Verdict] {
	return func(yield func(int, patch.Verdict) bool) {
		for i, d, rest := c.next(-1); i >= 0; i, d, rest = rest.next(i) {
			if !yield(i, d) {
				return
			}
		}
	}
}

// next gives the first cell after column i; -1 at the end.
func (c cells) next(i int) (column int, d patch.Verdict, rest cells) {
	if len(c) == 0 {
		return -1, 0, nil
	}
	x, n := uint64(c[0]), 1
	if x >= 0x80 {
		x, n = binary.Uvarint(c)
	}
	return i + 1 + int(x>>2), patch.Verdict(x & 3), c[n:]
}

func (c cells) at(column int) patch.Verdict {
	for i, d, rest := c.next(-1); i >= 0 && i <= column; i, d, rest = rest.next(i) {
		if i == column {
			return d
		}
	}
	return patch.NotApplicable
}

func (c cells) vector(n int) patch.Vector {
	v := patch.NewVector(n)
	for i, d := range c.all() {
		v.Set(i, d)
	}
	return v
}

// differ visits each column in which the two differ.
func differ(was, now cells, visit func(column int, from, to patch.Verdict)) {
	i, d, was := was.next(-1)
	j, e, now := now.next(-1)
	for i >= 0 || j >= 0 {
		switch {
		case j < 0 || i >= 0 && i < j:
			visit(i, d, patch.NotApplicable)
			i, d, was = was.next(i)
		case i < 0 || j < i:
			visit(j, patch.NotApplicable, e)
			j, e, now = now.next(j)
		default:
			if d != e {
				visit(i, d, e)
			}
			i, d, was = was.next(i)
			j, e, now = now.next(j)
		}
	}
}
