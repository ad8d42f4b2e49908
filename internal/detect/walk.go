package detect

import (
	"bytes"
)

// place is where a definition begins in each column.
type place struct {
	definition, heads, tails, counts, names, ops, versions int
	sets, trees                                            int // how many definitions before it are package sets, and have trees
	row                                                    int // how many more with trees come one after the other
	streams                                                int // of the run of rules of one module that comes next
	from, to                                               int // the run before it: rules [from, to)
	stream                                                 int // its label
}

// walker reads definitions one after the other over columns that Open has checked. It allocates nothing.
type walker struct {
	c  *columns
	at place // of the definition that step reads next

	head  []byte // its ID up to the last slash; lies in buf
	slash int    // where head's last part begins
	tail  []byte // lies in the column or in tailBuf
	tree  int    // its number among those with trees, or -1
	left  int    // its rules not yet read

	before, after []byte // the rule's name: before, then the last part of head where marked, then after
	marked        bool
	version       versionRef
	arch          string // as scheme.arch gives it
	module        string
	buf, tailBuf  [maxID]byte
	nameBuf       [maxText]byte
}

// versionRef is a version as the file holds it: the first bytes of the tail, then rest.
type versionRef struct {
	shared int
	rest   []byte
}

// step reads the next definition's ID and number of rules.
func (w *walker) step() bool {
	c := w.c
	if w.at.definition >= c.definitions {
		return false
	}
	w.at.definition++
	w.left, w.tree = 0, -1
	if w.at.row == 0 {
		r := numbers{b: c.counts[w.at.counts:]}
		if w.left = r.upTo(maxRaw); w.left == 0 {
			w.at.row = 1 + r.upTo(maxDefinitions)
		}
		w.at.counts = len(c.counts) - len(r.b)
	}
	if w.at.row > 0 {
		w.tree = w.at.trees
		w.at.row--
		w.at.trees++
		return true
	}
	w.readID()
	return true
}

// readID reads the ID that a package set's names and versions refer to.
func (w *walker) readID() {
	c, i := w.c, w.at.sets
	w.at.sets++
	kept, added := int(c.shares[2*i]), int(c.shares[2*i+1])
	fresh := c.heads[w.at.heads : w.at.heads+added]
	w.head = append(w.buf[:kept], fresh...)
	w.at.heads += added
	if at := bytes.LastIndexByte(fresh, '/'); at >= 0 || kept < w.slash {
		w.slash = bytes.LastIndexByte(w.head, '/') + 1
	}
	entry := until(c.tails, &w.at.tails)
	if len(entry) > 0 && entry[0] >= shareMark {
		w.tail = append(append(w.tailBuf[:0], w.tail[:entry[0]-shareMark]...), entry[1:]...)
	} else {
		w.tail = entry
	}
	w.version = versionRef{}
	w.before, w.after, w.marked = nil, nil, false
}

// rule reads the definition's next rule.
func (w *walker) rule() bool {
	if w.left == 0 {
		return false
	}
	w.left--
	c := w.c
	rest := c.names[w.at.names:]
	end := bytes.IndexByte(rest, 0)
	w.at.names += end + 1
	if end > 0 { // else it is the name before
		w.before, w.after, w.marked = rest[:end], nil, false
		if mark := bytes.IndexByte(w.before, sourceMark); mark >= 0 {
			w.before, w.after, w.marked = rest[:mark], rest[mark+1:end], true
		}
	}
	if len(c.arches) > 0 {
		w.arch = ""
		if a := c.arches[w.at.ops]; a > 0 {
			w.arch = c.labels[a-1]
		}
	}
	if len(c.streams) > 0 {
		w.readStream()
	}
	op := c.ops[w.at.ops]
	w.at.ops++
	switch op {
	case opTail:
		w.version = versionRef{shared: len(w.tail)}
	case opText:
		w.readVersion()
	}
	return true
}

// skip passes over the rules that are left.
func (w *walker) skip() {
	for w.rule() {
	}
}

// readStream finds the module of rule at.ops.
func (w *walker) readStream() {
	at := &w.at
	for at.ops >= at.to && at.streams < len(w.c.streams) {
		r := numbers{b: w.c.streams[at.streams:]}
		at.from = at.to + r.upTo(maxRaw)
		at.to = at.from + r.upTo(maxRaw) + 1
		at.stream = r.upTo(maxLabels)
		at.streams = len(w.c.streams) - len(r.b)
	}
	w.module = ""
	if at.ops >= at.from && at.ops < at.to {
		w.module = w.c.labels[at.stream]
	}
}

func (w *walker) readVersion() {
	entry := until(w.c.versions, &w.at.versions)
	w.version = versionRef{rest: entry}
	if len(entry) > 0 && entry[0] >= shareMark {
		w.version = versionRef{shared: min(int(entry[0]-shareMark), len(w.tail)), rest: entry[1:]}
	}
}

// fixed gives the rule's version. Nearly always it is the installed one, and then nothing is allocated.
func (w *walker) fixed(installed string) string {
	tail := w.tail[:w.version.shared]
	if len(w.version.rest) == 0 && string(tail) == installed {
		return installed
	}
	return string(tail) + string(w.version.rest)
}

// source is the last part of head: in package archives the source package.
func (w *walker) source() []byte { return w.head[w.slash:] }

// name puts the rule's name together; it holds until the next call.
func (w *walker) name() []byte {
	if !w.marked {
		return w.before
	}
	b := append(w.nameBuf[:0], w.before...)
	return append(append(b, w.source()...), w.after...)
}

// glance gives the length of the rule's name and two of its last bytes without putting it together.
func (w *walker) glance() (length int, last, third byte) {
	if !w.marked {
		return glance(w.before)
	}
	source := w.source()
	length = len(w.before) + len(source) + len(w.after)
	switch {
	case len(w.after) >= 3:
		_, last, third = glance(w.after)
	case len(w.after) == 0 && len(source) >= 3:
		_, last, third = glance(source)
	default:
		_, last, third = glance(w.name())
	}
	return length, last, third
}

func glance[T string | []byte](name T) (length int, last, third byte) {
	if n := len(name); n >= 3 {
		return n, name[n-1], name[n-3]
	}
	return len(name), 0, 0
}

// until gives the text before the next zero byte and moves past it. A missing zero byte gives nothing and does not move.
func until(col []byte, at *int) []byte {
	rest := col[*at:]
	n := bytes.IndexByte(rest, 0)
	if n < 0 {
		return nil
	}
	*at += n + 1
	return rest[:n]
}
