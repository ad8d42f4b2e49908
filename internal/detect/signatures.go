package detect

import (
	"slices"
	"sync"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// blockLen is how many definitions lie between two places from which a walk may begin: each takes some 200 bytes.
const blockLen = 16

// Signatures is an opened signature file. It never changes and is safe for concurrent use.
type Signatures struct {
	os      patch.HostOS
	names   uint32
	scheme  scheme
	columns columns
	trees   trees
	// policies are where the packages come from
	policies policies
	rivals   []rival        // of signatures of one definition: what others offer of the same packages
	blocks   func() []block // made when first needed
	named    func() []uint64
}

// block is a place in the columns, and what the definition there may share.
type block struct {
	place
	head, tail string // of the definition before
}

// Open reads Compile's bytes and checks that everything in them fits together, so that nothing can fail afterwards. It takes little
// more memory than the decompressed columns, which are bounded. The slice may be reused when it returns.
func Open(b []byte) (*Signatures, error) {
	h, sections, err := unseal(b)
	if err != nil {
		return nil, err
	}
	return assemble(h, sections)
}

// ItemBytes is how many bytes of a file are tests of items other than packages, as far as its header can be believed: what opening and
// asking them takes in memory is some forty times as much.
func ItemBytes(b []byte) int {
	var h header
	if len(b) <= len(magic) || string(b[:len(magic)]) != magic {
		return 0
	}
	if _, err := h.parse(b); err != nil {
		return 0
	}
	for _, s := range h.sections {
		if s.kind == secItems {
			return s.raw
		}
	}
	return 0
}

func assemble(h header, sections map[int][]byte) (*Signatures, error) {
	s := &Signatures{os: h.os, scheme: h.scheme, names: h.names}
	if err := s.columns.open(h, sections); err != nil {
		return nil, err
	}
	if err := s.trees.open(sections, s.columns.planted); err != nil {
		return nil, err
	}
	if err := s.policies.open(s.columns.rules, sections); err != nil {
		return nil, err
	}
	s.blocks, s.named = sync.OnceValue(s.survey), sync.OnceValue(s.nameRules)
	return s, nil
}

// survey notes where blocks begin.
func (s *Signatures) survey() []block {
	blocks := make([]block, 0, s.Len()/blockLen+1)
	for w := s.columns.walk(); ; w.skip() {
		if w.at.definition%blockLen == 0 {
			blocks = append(blocks, block{place: w.at, head: string(w.head), tail: string(w.tail)})
		}
		if !w.step() {
			return blocks
		}
	}
}

// seek gives a walker that has stepped on definition i.
func (s *Signatures) seek(i int) *walker {
	w := s.columns.walk()
	s.move(w, i)
	return w
}

// move has a walker over the signatures step on definition i, wherever it is.
func (s *Signatures) move(w *walker, i int) {
	b := s.blocks()[i/blockLen]
	w.at = b.place
	w.head, w.tail = append(w.buf[:0], b.head...), append(w.tailBuf[:0], b.tail...)
	w.slash = len(b.head) + 1 // look for it afresh
	for w.step() && w.at.definition <= i {
		w.skip()
	}
}

// OS is the host OS that the signatures judge.
func (s *Signatures) OS() patch.HostOS { return s.os }

// Scheme is how the signatures order versions.
func (s *Signatures) Scheme() version.Scheme { return schemes[s.scheme] }

// Len is the number of definitions.
func (s *Signatures) Len() int { return s.columns.definitions }

// Packages is the number of package rules in all definitions.
func (s *Signatures) Packages() int { return s.columns.rules }

// Agrees reports whether the definitions are called as given, in this order.
func (s *Signatures) Agrees(id func(i int) patch.ID) bool { return namesOf(s.Len(), id) == s.names }

// Carriers lists, in order, the definitions that ask for a binary package of this name.
func (s *Signatures) Carriers(name string) []int {
	var found []int
	for w := s.columns.walk(); w.step(); {
		if w.tree >= 0 && s.trees.asks(s.trees.root(w.tree), name) {
			found = append(found, w.at.definition-1)
		}
		for w.rule() {
			if string(w.name()) == name {
				found = append(found, w.at.definition-1)
			}
		}
	}
	return slices.Compact(found)
}
