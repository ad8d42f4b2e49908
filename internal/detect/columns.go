package detect

import (
	"bytes"
)

// columns hold the definitions of a signature file, decompressed.
type columns struct {
	definitions, rules int
	planted            int // definitions with trees
	shares             []byte
	heads              []byte
	tails              []byte
	counts             []byte
	names              []byte
	ops                []byte
	versions           []byte
}

// open takes the sections and checks that they fit together: after it no walk can run out of any column.
func (c *columns) open(h header, sections map[int][]byte) error {
	*c = columns{definitions: h.definitions, rules: h.rules, shares: sections[secShares], heads: sections[secHeads],
		tails: sections[secTails], counts: sections[secCounts], names: sections[secNames], ops: sections[secOps],
		versions: sections[secVersions]}
	counted := numbers{b: c.counts}
	total := 0
	for range c.definitions {
		n := counted.upTo(c.rules)
		if total += n; n == 0 {
			c.planted++
		}
		if counted.bad {
			break
		}
	}
	switch {
	case counted.bad || len(counted.b) > 0 || total != c.rules:
		return damaged("its definitions do not have the rules it claims")
	case !c.headsFit():
		return damaged("its identifiers cannot be read")
	case !entries(c.tails, c.definitions):
		return damaged("its definitions do not have one version each")
	case !entries(c.names, c.rules) || len(c.ops) != c.rules:
		return damaged("its rules do not have one name each")
	case bytes.Count(c.ops, []byte{opTail})+bytes.Count(c.ops, []byte{opPrevious})+bytes.Count(c.ops, []byte{opText}) != c.rules,
		!entries(c.versions, bytes.Count(c.ops, []byte{opText})):
		return damaged("its rules do not have one version each")
	}
	return nil
}

// entries reports whether a text column has exactly n entries and nothing after them.
func entries(col []byte, n int) bool {
	return bytes.Count(col, []byte{0}) == n && (n == 0 && len(col) == 0 || n > 0 && col[len(col)-1] == 0)
}

func (c *columns) headsFit() bool {
	if len(c.shares) != 2*c.definitions {
		return false
	}
	length, total := 0, 0
	for i := 0; i < len(c.shares); i += 2 {
		kept, added := int(c.shares[i]), int(c.shares[i+1])
		if kept > length || kept+added == 0 || kept+added > maxID {
			return false
		}
		length, total = kept+added, total+added
	}
	return total == len(c.heads)
}

func (c *columns) walk() *walker { return &walker{c: c} }
