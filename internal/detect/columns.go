package detect

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// columns hold the definitions of a signature file, decompressed.
type columns struct {
	definitions, rules int
	planted, sets      int // definitions with trees, and those that are package sets
	shares             []byte
	heads              []byte
	tails              []byte
	counts             []byte
	names              []byte
	ops                []byte
	versions           []byte
	labels             []string // names of architectures and module streams
	arches             []byte   // empty: every rule is for the native architecture
	streams            []byte   // empty: no rule is for a module
}

// open takes the sections and checks that they fit together: after it no walk can run out of any column.
func (c *columns) open(h header, sections map[int][]byte) error {
	*c = columns{definitions: h.definitions, rules: h.rules, shares: sections[secShares], heads: sections[secHeads],
		tails: sections[secTails], counts: sections[secCounts], names: sections[secNames], ops: sections[secOps],
		versions: sections[secVersions], arches: sections[secArches], streams: sections[secStreams]}
	counted := numbers{b: c.counts}
	total := 0
	for len(counted.b) > 0 {
		if n := counted.upTo(c.rules); n > 0 {
			c.sets++
			total += n
			continue
		}
		c.planted += 1 + counted.upTo(c.definitions)
	}
	switch texts := bytes.Count(c.ops, []byte{opText}); {
	case counted.bad || c.sets+c.planted != c.definitions || total != c.rules:
		return damaged("its definitions do not have the rules it claims")
	case !c.headsFit():
		return damaged("its identifiers cannot be read")
	case !entries(c.tails, c.sets) || !c.tailsFit():
		return damaged("its definitions do not have one version each")
	case !entries(c.names, c.rules) || len(c.ops) != c.rules:
		return damaged("its rules do not have one name each")
	case bytes.Count(c.ops, []byte{opTail})+bytes.Count(c.ops, []byte{opPrevious})+texts != c.rules,
		!entries(c.versions, texts):
		return damaged("its rules do not have one version each")
	}
	return c.openLabels(sections[secLabels])
}

// openLabels reads what architectures and module streams are called, and checks the columns that refer to them.
func (c *columns) openLabels(col []byte) error {
	n := bytes.Count(col, []byte{0})
	if n > maxLabels || !entries(col, n) {
		return damaged("its architectures and modules cannot be read")
	}
	for at := 0; at < len(col); {
		label := until(col, &at)
		if len(label) > maxText {
			return damaged("its architectures and modules cannot be read")
		}
		c.labels = append(c.labels, string(label))
	}
	if len(c.arches) != 0 && len(c.arches) != c.rules {
		return damaged("its rules do not have one architecture each")
	}
	for _, a := range c.arches {
		if int(a) > n {
			return damaged("its rules do not have one architecture each")
		}
	}
	r, at := numbers{b: c.streams}, 0
	for len(r.b) > 0 {
		at += r.upTo(c.rules-at) + 1
		at += r.upTo(c.rules - at)
		r.upTo(n - 1)
	}
	if r.bad {
		return damaged("its rules' modules cannot be read")
	}
	return nil
}

// entries reports whether a text column has exactly n entries and nothing after them.
func entries(col []byte, n int) bool {
	return bytes.Count(col, []byte{0}) == n && (n == 0 && len(col) == 0 || n > 0 && col[len(col)-1] == 0)
}

func (c *columns) headsFit() bool {
	if len(c.shares) != 2*c.sets {
		return false
	}
	length, total := 0, 0
	for i := 0; i < len(c.shares); i += 2 {
		kept, added := int(c.shares[i]), int(c.shares[i+1])
		if kept > length || kept+added > maxID {
			return false
		}
		length, total = kept+added, total+added
	}
	return total == len(c.heads)
}

// tailsFit checks that no tail shares more than the one before has. One of another head shares nothing.
func (c *columns) tailsFit() bool {
	if unmarked(c.tails) {
		return true
	}
	length := 0
	for i, at := 0, 0; i < c.sets; i++ {
		entry, k := until(c.tails, &at), 0
		if len(entry) > 0 && entry[0] >= shareMark {
			k, entry = int(entry[0]-shareMark), entry[1:]
			if c.shares[2*i+1] != 0 || k > length {
				return false
			}
		}
		if length = k + len(entry); length > maxID {
			return false
		}
	}
	return true
}

// unmarked reports whether no entry of a text column shares anything: a mark is the only byte with its highest bit set.
func unmarked(col []byte) bool {
	for ; len(col) >= 8; col = col[8:] {
		if binary.LittleEndian.Uint64(col)&0x8080808080808080 != 0 {
			return false
		}
	}
	return !slices.ContainsFunc(col, func(c byte) bool { return c >= shareMark })
}

func (c *columns) walk() *walker { return &walker{c: c} }
