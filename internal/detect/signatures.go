package detect

import (
	"slices"
	"sort"

	"github.com/fettle-project/fettle/internal/patch"
)

// blockLen is how many definitions lie between two places from which a walk may begin.
const blockLen = 64

// Signatures is an opened signature file. It is immutable and safe for concurrent use.
type Signatures struct {
	os      patch.HostOS
	n       int
	rules   int
	columns struct{ counts, heads, tails, names, ops, versions []byte }
	blocks  []block
	trees   trees
}

type block struct {
	place
	head string // of the definition before it
}

// Open reads Compile's bytes and checks that every column is whole, so that nothing can fail afterwards. It needs little more
// memory than the decompressed columns, which are bounded. The slice may be reused when it returns.
func Open(b []byte) (*Signatures, error) {
	h, columns, err := unseal(b)
	if err != nil {
		return nil, err
	}
	s := &Signatures{os: h.os, n: h.definitions, rules: h.rules}
	c := &s.columns
	c.counts, c.heads, c.tails = columns[secCounts], columns[secHeads], columns[secTails]
	c.names, c.ops, c.versions = columns[secNames], columns[secOps], columns[secVersions]
	if s.n > len(c.counts) {
		return nil, damaged("it claims more definitions than it has")
	}
	planted, err := s.survey()
	if err != nil {
		return nil, err
	}
	return s, s.trees.open(columns, planted)
}

// survey walks over all definitions, checks them and notes where blocks begin. It gives the number of definitions with trees.
func (s *Signatures) survey() (planted int, err error) {
	s.blocks = make([]block, 0, s.n/blockLen+1)
	w, rules := s.walk(), 0
	for i := range s.n {
		if i%blockLen == 0 {
			s.blocks = append(s.blocks, block{place: w.at, head: string(w.head)})
		}
		if w.step() {
			rules += w.left
			w.skip()
		}
		if w.bad {
			return 0, damaged("a definition cannot be read")
		}
	}
	c := &s.columns
	end := place{len(c.counts), len(c.heads), len(c.tails), len(c.names), len(c.ops), len(c.versions), w.at.tree}
	if w.at != end || rules != s.rules {
		return 0, damaged("its columns do not have the same length")
	}
	return w.at.tree, nil
}

// OS is the host OS that the signatures judge.
func (s *Signatures) OS() patch.HostOS { return s.os }

// Len is the number of definitions.
func (s *Signatures) Len() int { return s.n }

// Packages is the number of package rules in all definitions.
func (s *Signatures) Packages() int { return s.rules }

// ID names definition i, which must be in [0, Len).
func (s *Signatures) ID(i int) patch.ID {
	w := s.walk()
	w.seek(i)
	w.step()
	return joinID(w.head, w.tail)
}

// IDs lists all definitions in order.
func (s *Signatures) IDs() []patch.ID {
	ids := make([]patch.ID, 0, s.n)
	for w := s.walk(); w.step(); w.skip() {
		ids = append(ids, joinID(w.head, w.tail))
	}
	return ids
}

// Index finds a definition by its ID.
func (s *Signatures) Index(id patch.ID) (int, bool) {
	i := sort.Search(s.n, func(i int) bool { return s.ID(i) >= id })
	return i, i < s.n && s.ID(i) == id
}

// Carriers lists, in order, the definitions that have a rule for a binary package of this name.
func (s *Signatures) Carriers(name string) []int {
	var found []int
	for w := s.walk(); w.step(); {
		if w.tree >= 0 && s.trees.names(w.tree, name) {
			found = append(found, w.next-1)
		}
		for w.rule() {
			if string(w.name) == name && !slices.Contains(found[max(0, len(found)-1):], w.next-1) {
				found = append(found, w.next-1)
			}
		}
	}
	return found
}
