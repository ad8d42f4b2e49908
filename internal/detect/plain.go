package detect

import (
	"cmp"
	"math/bits"
	"slices"

	"github.com/fettle-project/fettle/internal/patch"
)

// IsSignatures tells a signature file by its first bytes.
func IsSignatures(b []byte) bool {
	return len(b) > len(magic) && string(b[:len(magic)-1]) == magic[:len(magic)-1]
}

// Unpack gives a signature file's decompressed form, for comparing files byte by byte: definitions that are alike in two files are
// alike in their forms, wherever they stand.
func Unpack(b []byte) ([]byte, error) {
	h, sections, err := unseal(b)
	if err != nil {
		return nil, err
	}
	if len(sections[secRoots]) > 0 {
		signatures, err := assemble(h, sections)
		if err != nil {
			return nil, err
		}
		names, err := signatures.trees.names()
		if err != nil {
			return nil, err
		}
		sections[secRoots] = names.steady(signatures.trees.roots)
	}
	for i, s := range h.sections {
		n := len(sections[s.kind])
		h.sections[i].raw, h.sections[i].stored = n, n
	}
	plain := h.append(nil)
	for _, s := range h.sections {
		plain = append(plain, sections[s.kind]...)
	}
	return plain, nil
}

// Pack is Unpack's inverse: it gives the same bytes, if the file was made by the same version of the compressor.
func Pack(plain []byte) ([]byte, error) {
	if !IsSignatures(plain) || plain[len(magic)-1] != magic[len(magic)-1] {
		return nil, &patch.Error{Kind: patch.Invalid, What: "this is no signature file"}
	}
	var h header
	rest, err := h.parse(plain)
	if err != nil {
		return nil, err
	}
	sections := make(map[int][]byte, len(h.sections))
	for _, s := range h.sections {
		if _, twice := sections[s.kind]; twice || s.raw > len(rest) {
			return nil, damaged("its columns are cut")
		}
		sections[s.kind], rest = rest[:s.raw], rest[s.raw:]
	}
	if len(rest) > 0 {
		return nil, damaged("bytes follow its last column")
	}
	if steady := sections[secRoots]; len(steady) > 0 {
		var t trees
		sections[secRoots] = nil
		if err := t.open(sections, 0); err != nil {
			return nil, err
		}
		names, err := t.names()
		if err != nil {
			return nil, err
		}
		if sections[secRoots], err = names.roots(steady); err != nil {
			return nil, err
		}
	}
	h.sections = nil
	return seal(h, sections)
}

// Roots number pairs of trees, so that one new pair changes the numbers of thousands of definitions. The steady form calls a pair by a
// slot that follows from its fingerprint: steadyPlanes bytes for each definition, the lowest of all first.
const steadyPlanes = 3

// pairNames are the slots of pairs.
type pairNames struct {
	slots   []int       // by the pair's number
	numbers map[int]int // by slot
}

func (t *trees) names() (*pairNames, error) {
	prints, err := t.fingerprints()
	if err != nil {
		return nil, err
	}
	order := make([]int, len(prints))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(prints[a], prints[b]) })
	space := 8 << bits.Len(uint(len(prints)))
	n := &pairNames{slots: make([]int, len(prints)), numbers: make(map[int]int, len(prints))}
	for _, i := range order {
		slot := int(prints[i]>>8) & (space - 1)
		for {
			if _, taken := n.numbers[slot]; !taken {
				break
			}
			slot = (slot + 1) & (space - 1)
		}
		n.slots[i], n.numbers[slot] = slot, i
	}
	return n, nil
}

func (n *pairNames) steady(roots []int32) []byte {
	out := make([]int, len(roots))
	for k, r := range roots {
		out[k] = n.slots[r]
	}
	return planes(out, 1<<(8*steadyPlanes))
}

// roots is the inverse of steady.
func (n *pairNames) roots(col []byte) ([]byte, error) {
	if len(col)%steadyPlanes != 0 {
		return nil, damaged("its roots cannot be read")
	}
	out := make([]int, len(col)/steadyPlanes)
	for i, b := range col {
		out[i%len(out)] |= int(b) << (8 * (i / len(out)))
	}
	for k, slot := range out {
		number, known := n.numbers[slot]
		if !known {
			return nil, damaged("its roots cannot be read")
		}
		out[k] = number
	}
	return planes(out, len(n.slots)), nil
}
