package detect

import (
	"bytes"
	"strings"
)

// columns hold the definitions of a signature file, decompressed.
type columns struct {
	definitions, rules int
	planted            int // definitions with trees
	shares             []byte
	heads              []byte
	tails              string
	counts             []byte
	names              []byte
	ops                []byte
	versions           string
}

// open takes the sections and checks that they fit together: after it no walk can run out of any column.
func (c *columns) open(h header, sections map[int][]byte) error {
	*c = columns{definitions: h.definitions, rules: h.rules, shares: sections[secShares], heads: sections[secHeads],
		tails: string(sections[secTails]), counts: sections[secCounts], names: sections[secNames], ops: sections[secOps],
		versions: string(sections[secVersions])}
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
	zero := []byte{0}
	switch {
	case counted.bad || len(counted.b) > 0 || total != c.rules:
		return damaged("its definitions do not have the rules it claims")
	case !c.headsFit():
		return damaged("its identifiers cannot be read")
	case strings.Count(c.tails, "\x00") != c.definitions || !strings.HasSuffix("\x00"+c.tails, "\x00"):
		return damaged("its definitions do not have one version each")
	case bytes.Count(c.names, zero) != c.rules || len(c.ops) != c.rules || c.rules > 0 && c.names[len(c.names)-1] != 0:
		return damaged("its rules do not have one name each")
	case bytes.Count(c.ops, zero)+bytes.Count(c.ops, []byte{opPrevious})+bytes.Count(c.ops, []byte{opText}) != c.rules,
		strings.Count(c.versions, "\x00") != bytes.Count(c.ops, []byte{opText}) || !strings.HasSuffix("\x00"+c.versions, "\x00"):
		return damaged("its rules do not have one version each")
	}
	return nil
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
