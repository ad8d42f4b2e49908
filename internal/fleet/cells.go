package fleet

import (
	"encoding/binary"
	"iter"

	"github.com/fettle-project/fettle/internal/patch"
)

// cells are a machine's verdicts as what differs from a base: in the list's order, for each column that does, a varint of its distance from
// the one before and, in the lowest two bits, the exclusive or of both verdicts. It never changes.
type cells struct {
	base  *base // nil: all not applicable
	steps []byte
}

func packCells(b *base, v patch.Vector) cells {
	c := cells{base: b}
	last := -1
	for i, x := range b.differences(v) {
		c.steps = binary.AppendUvarint(c.steps, uint64(i-last-1)<<2|uint64(x))
		last = i
	}
	return c
}

// isAmiss is a verdict that somebody has to look at.
func isAmiss(d patch.Verdict) bool { return d == patch.NotPatched || d == patch.Faulty }

// amiss are the cells that are not-patched or an error. Of the base's those alone are looked at: they are few of all.
func (c cells) amiss() cells {
	var out cells
	var rest []cell
	if c.base != nil {
		rest = c.base.amiss
	}
	last := -1
	for i, d := range c.over(rest) {
		if isAmiss(d) {
			out.steps = binary.AppendUvarint(out.steps, uint64(i-last-1)<<2|uint64(d))
			last = i
		}
	}
	return out
}

// step goes on with the next step after the one to column; -1 at the end.
func step(steps []byte, column int) (next int, x patch.Verdict, rest []byte) {
	if len(steps) == 0 {
		return -1, 0, nil
	}
	v, n := uint64(steps[0]), 1
	if v >= 0x80 {
		v, n = binary.Uvarint(steps)
	}
	return column + 1 + int(v>>2), patch.Verdict(v & 3), steps[n:]
}

// all yields column and verdict of all that are not not-applicable, in order.
func (c cells) all() iter.Seq2[int, patch.Verdict] { return c.over(c.base.cells()) }

// over yields likewise those that differ from the base, and of the others those of some of the base's cells.
func (c cells) over(rest []cell) iter.Seq2[int, patch.Verdict] {
	return func(yield func(int, patch.Verdict) bool) {
		rest := rest
		at, x, steps := step(c.steps, -1)
		for at >= 0 {
			for len(rest) > 0 && rest[0].column() < at {
				if !yield(rest[0].column(), rest[0].verdict()) {
					return
				}
				rest = rest[1:]
			}
			if len(rest) > 0 && rest[0].column() == at {
				rest = rest[1:]
			}
			if x ^= c.base.at(at); x != patch.NotApplicable && !yield(at, x) {
				return
			}
			at, x, steps = step(steps, at)
		}
		for _, b := range rest {
			if !yield(b.column(), b.verdict()) {
				return
			}
		}
	}
}

func (c cells) at(column int) patch.Verdict {
	v := c.base.at(column)
	for i, x, rest := step(c.steps, -1); i >= 0 && i <= column; i, x, rest = step(rest, i) {
		if i == column {
			return v ^ x
		}
	}
	return v
}

func (c cells) vector(n int) patch.Vector {
	v := patch.NewVector(n)
	for i, d := range c.all() {
		v.Set(i, d)
	}
	return v
}

// same reports whether it is known, without looking, that two are equal.
func (c cells) same(d cells) bool {
	return c.base == d.base && len(c.steps) == len(d.steps) && (len(c.steps) == 0 || &c.steps[0] == &d.steps[0])
}

// differ visits each column in which the two differ.
func differ(was, now cells, visit func(column int, from, to patch.Verdict)) {
	if was.base != now.base {
		differApart(was, now, visit)
		return
	}
	i, x, left := step(was.steps, -1)
	j, y, right := step(now.steps, -1)
	for i >= 0 || j >= 0 {
		switch {
		case j < 0 || i >= 0 && i < j:
			v := was.base.at(i)
			visit(i, v^x, v)
			i, x, left = step(left, i)
		case i < 0 || j < i:
			v := was.base.at(j)
			visit(j, v, v^y)
			j, y, right = step(right, j)
		default:
			if x != y {
				v := was.base.at(i)
				visit(i, v^x, v^y)
			}
			i, x, left = step(left, i)
			j, y, right = step(right, j)
		}
	}
}

// differApart is differ for cells of two bases.
func differApart(was, now cells, visit func(column int, from, to patch.Verdict)) {
	next, stop := iter.Pull2(now.all())
	defer stop()
	j, e, more := next()
	for i, d := range was.all() {
		for more && j < i {
			visit(j, patch.NotApplicable, e)
			j, e, more = next()
		}
		if !more || j > i {
			visit(i, d, patch.NotApplicable)
			continue
		}
		if d != e {
			visit(i, d, e)
		}
		j, e, more = next()
	}
	for more {
		visit(j, patch.NotApplicable, e)
		j, e, more = next()
	}
}
