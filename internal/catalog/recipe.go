package catalog

import (
	"encoding/binary"
	"math/bits"
)

// A recipe tells how to put a new form together out of an old one: how many bytes to take from the recipe itself, these bytes, how many
// to copy from the old form, and where: the zigzag distance from the end of the last copy. And again, until the new form has its size.
//
// Columns of signature files repeat themselves with small irregularities. A compressor that takes the nearest likeness goes astray in
// them at each irregularity; a recipe stays beside the same place of the old form and steps over what is new.

const (
	anchor   = 32 // bytes that occur once in the old form show where a copy may lie
	sideways = 96 // how far a copy that has ended looks for its continuation
	worth    = 12 // bytes that such a continuation must have
)

// anchors finds places of a form by their next bytes.
type anchors struct {
	places []int32 // by hash: where such bytes stand, +1; 0: nowhere; -1: in several places
	shift  int
}

func findAnchors(old []byte) *anchors {
	stride := max(8, len(old)>>20)
	size := bits.Len(uint(len(old) / stride * 4))
	a := &anchors{places: make([]int32, 1<<size), shift: 64 - size}
	for i := 0; i+anchor <= len(old); i += stride {
		p := &a.places[a.hash(old[i:])]
		if *p != 0 {
			*p = -1
			continue
		}
		*p = int32(i + 1)
	}
	return a
}

func (a *anchors) hash(b []byte) uint64 {
	h := uint64(0)
	for i := 0; i < anchor; i += 8 {
		h = (h ^ binary.LittleEndian.Uint64(b[i:])) * 0x9e3779b97f4a7c15
		h ^= h >> 29
	}
	return h * 0x9e3779b97f4a7c15 >> a.shift
}

// alike counts how many bytes two texts have in common from their beginning.
func alike(a, b []byte) int {
	n := 0
	for n+8 <= len(a) && n+8 <= len(b) {
		if x := binary.LittleEndian.Uint64(a[n:]) ^ binary.LittleEndian.Uint64(b[n:]); x != 0 {
			return n + bits.TrailingZeros64(x)/8
		}
		n += 8
	}
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// makeRecipe gives a recipe of plain out of old.
func makeRecipe(old, plain []byte) []byte {
	a := findAnchors(old)
	var recipe []byte
	done, at := 0, 0 // plain[:done] is in the recipe; the last copy ended at old[at]
	emit := func(i, j, n int) {
		recipe = binary.AppendUvarint(recipe, uint64(i-done))
		recipe = append(recipe, plain[done:i]...)
		recipe = binary.AppendUvarint(recipe, uint64(n))
		recipe = binary.AppendVarint(recipe, int64(j-at))
		done, at = i+n, j+n
	}
	if n := alike(old, plain); n > 0 {
		emit(0, 0, n)
	}
	for i := done; i < len(plain); {
		if i == done {
			if skip, j, n := beside(old[at:], plain[i:]); n > 0 {
				emit(i+skip, at+j, n)
				i = done
				continue
			}
		}
		if i+anchor > len(plain) {
			break
		}
		j := int(a.places[a.hash(plain[i:])]) - 1
		if j < 0 || alike(old[j:], plain[i:]) < anchor {
			i++
			continue
		}
		for i > done && j > 0 && old[j-1] == plain[i-1] {
			i, j = i-1, j-1
		}
		emit(i, j, alike(old[j:], plain[i:]))
		i = done
	}
	if done < len(plain) {
		emit(len(plain), at, 0)
	}
	return recipe
}

// beside looks for the nearest place where a copy goes on: after as many other bytes, or more of them on one side.
func beside(old, plain []byte) (skip, j, n int) {
	for d := range sideways {
		for _, s := range [3][2]int{{d, d}, {d, 0}, {0, d}} {
			if s[0] >= len(plain) || s[1] >= len(old) {
				continue
			}
			if n := alike(old[s[1]:], plain[s[0]:]); n >= worth {
				return s[0], s[1], n
			}
		}
	}
	return 0, 0, 0
}

// followRecipe gives the new form, of exactly size bytes; ok is false where the recipe does not give that.
func followRecipe(old, recipe []byte, size int) (plain []byte, ok bool) {
	plain = make([]byte, 0, size)
	number := func() int {
		v, n := binary.Uvarint(recipe)
		if n <= 0 || v > uint64(size) {
			return -1
		}
		recipe = recipe[n:]
		return int(v)
	}
	at := 0
	for len(plain) < size {
		own := number()
		if own < 0 || own > len(recipe) || own > size-len(plain) {
			return nil, false
		}
		plain, recipe = append(plain, recipe[:own]...), recipe[own:]
		count := number()
		far, n := binary.Varint(recipe)
		if n <= 0 || count < 0 || count > size-len(plain) || own+count == 0 || far > int64(len(old)) || far < -int64(len(old)) {
			return nil, false
		}
		recipe = recipe[n:]
		if at += int(far); at < 0 || at > len(old)-count {
			return nil, false
		}
		plain = append(plain, old[at:at+count]...)
		at += count
	}
	return plain, len(recipe) == 0
}
