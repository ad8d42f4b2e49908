package detect

import (
	"bytes"
)

// place is where a definition begins in each column.
type place struct {
	counts, heads, tails, names, ops, versions int
	tree                                       int // how many definitions before it have trees
}

// walker reads definitions one after the other. Only Open's own walk can meet damage; later ones go over columns that it has seen.
type walker struct {
	s    *Signatures
	at   place
	next int // the definition that step reads

	head []byte // its ID up to the last slash
	tail []byte
	left int // its rules not yet read; 0 rules: it has trees
	tree int // its number among those with trees, or -1

	name           []byte
	source         []byte
	shared         int    // version of the newest rule: so many bytes of tail …
	rest           []byte // … and these
	headBuf, nmBuf [maxText]byte
	bad            bool
}

func (s *Signatures) walk() *walker { return &walker{s: s} }

// seek moves w before definition i.
func (w *walker) seek(i int) {
	b := i / blockLen
	w.at, w.next, w.bad = w.s.blocks[b].place, b*blockLen, false
	w.head = append(w.headBuf[:0], w.s.blocks[b].head...)
	for w.next < i {
		w.step()
		w.skip()
	}
}

// step reads the next definition's ID and number of rules.
func (w *walker) step() bool {
	if w.next >= w.s.n || w.bad {
		return false
	}
	c := &w.s.columns
	w.head = w.text(c.heads, &w.at.heads, w.head, w.headBuf[:0])
	w.tail = until(c.tails, &w.at.tails)
	r := numbers{b: c.counts[w.at.counts:]}
	w.left = r.upTo(maxRaw)
	w.at.counts = len(c.counts) - len(r.b)
	w.bad = w.bad || r.bad || w.tail == nil || len(w.tail) > maxText || len(w.head) == 0
	w.tree = -1
	if w.left == 0 {
		w.tree = w.at.tree
		w.at.tree++
	}
	w.source = lastPart(w.head)
	w.name, w.shared, w.rest = nil, 0, nil
	w.next++
	return !w.bad
}

// rule reads the definition's next rule: w.name, and its version by way of w.version.
func (w *walker) rule() bool {
	if w.left == 0 || w.bad {
		return false
	}
	w.left--
	c := &w.s.columns
	w.readName(c.names)
	if w.at.ops >= len(c.ops) {
		w.bad = true
		return false
	}
	op := c.ops[w.at.ops]
	w.at.ops++
	switch op {
	case opTail:
		w.shared, w.rest = len(w.tail), nil
	case opPrevious:
	case opText:
		w.readVersion(c.versions)
	default:
		w.bad = true
	}
	return !w.bad
}

// skip passes over the rules that are left.
func (w *walker) skip() {
	for w.rule() {
	}
}

// version appends the newest rule's version to b.
func (w *walker) version(b []byte) []byte { return append(append(b, w.tail[:w.shared]...), w.rest...) }

func (w *walker) readVersion(col []byte) {
	entry := until(col, &w.at.versions)
	w.shared = 0
	if len(entry) > 0 && entry[0] >= shareMark {
		w.shared, entry = int(entry[0]-shareMark), entry[1:]
	}
	w.rest = entry
	w.bad = w.bad || entry == nil || w.shared > len(w.tail) || w.shared+len(entry) > maxText
}

// readName decodes a name in place of the one before it, of which it may keep the beginning.
func (w *walker) readName(col []byte) {
	i, n := w.at.names, 0
	if i < len(col) && col[i] >= shareMark {
		if n = int(col[i] - shareMark); n > len(w.name) {
			w.bad = true
			return
		}
		i++
	}
	for ; i < len(col); i++ {
		switch c := col[i]; {
		case c == 0:
			w.name, w.at.names = w.nmBuf[:n], i+1
			w.bad = w.bad || n == 0
			return
		case c == sourceMark:
			if n+len(w.source) > maxText {
				w.bad = true
				return
			}
			n += copy(w.nmBuf[n:], w.source)
		case n == maxText:
			w.bad = true
			return
		default:
			w.nmBuf[n] = c
			n++
		}
	}
	w.bad = true
}

// text decodes the next entry, which must not be empty.
func (w *walker) text(col []byte, at *int, reference, buf []byte) []byte {
	b, ok := unshare(col, at, reference, buf)
	w.bad = w.bad || !ok || len(b) == 0
	return b
}

// unshare appends the next entry of a text column to buf. The entry may share its beginning with reference, which may lie in buf.
func unshare(col []byte, at *int, reference, buf []byte) ([]byte, bool) {
	entry := until(col, at)
	k := 0
	if len(entry) > 0 && entry[0] >= shareMark {
		k, entry = int(entry[0]-shareMark), entry[1:]
	}
	if entry == nil || k > len(reference) || k+len(entry) > maxText {
		return buf, false
	}
	return append(append(buf, reference[:k]...), entry...), true
}

// until gives the bytes before the next zero byte and moves past it; nil where there is none.
func until(col []byte, at *int) []byte {
	n := bytes.IndexByte(col[*at:], 0)
	if n < 0 {
		return nil
	}
	entry := col[*at : *at+n : *at+n]
	*at += n + 1
	return entry
}
