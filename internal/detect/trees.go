package detect

import (
	"bytes"
	"slices"
)

// trees are the general definitions of a signature file, opened.
type trees struct {
	strings []string
	objects []object
	tests   []testRow
	nodes   []node
	refs    []int32 // operands of all nodes
	roots   []int32 // prerequisite and installed of each definition in turn
}

type object struct {
	class      uint8
	name, arch int32
}

type testRow struct {
	kind            uint8
	object, operand int32
}

type node struct {
	op         Op
	start, end int32 // operands in refs; of Is and Unclear: one, the test's or string's number
}

func (t *trees) open(columns map[int][]byte, planted int) error {
	if err := t.openStrings(columns[secStrings]); err != nil {
		return err
	}
	objects := numbers{b: columns[secObjects]}
	for len(objects.b) > 0 && len(t.objects) < maxEntries {
		t.objects = append(t.objects, object{class: uint8(objects.upTo(255)), name: t.stringNumber(&objects), arch: t.stringNumber(&objects)})
	}
	tests := numbers{b: columns[secTests]}
	for len(tests.b) > 0 && len(t.tests) < maxEntries {
		t.tests = append(t.tests, testRow{kind: uint8(tests.upTo(255)), object: int32(tests.upTo(len(t.objects) - 1)), operand: t.stringNumber(&tests)})
	}
	nodes := numbers{b: columns[secNodes]}
	for len(nodes.b) > 0 && len(t.nodes) < maxEntries {
		t.openNode(&nodes)
	}
	roots := numbers{b: columns[secRoots]}
	t.roots = make([]int32, 0, min(2*planted, len(roots.b)))
	for len(roots.b) > 0 {
		t.roots = append(t.roots, int32(roots.upTo(len(t.nodes)-1)))
	}
	if objects.bad || tests.bad || nodes.bad || roots.bad || len(objects.b)+len(tests.b)+len(nodes.b) > 0 || len(t.roots) != 2*planted {
		return damaged("its trees cannot be read")
	}
	return nil
}

func (t *trees) stringNumber(r *numbers) int32 { return int32(r.upTo(len(t.strings) - 1)) }

func (t *trees) openStrings(col []byte) error {
	var arena []byte
	var ends []int
	start := 0 // of the previous string
	for at := 0; at < len(col); {
		before, ok := len(arena), false
		if arena, ok = unshare(col, &at, arena[start:], arena); !ok || len(ends) == maxEntries || len(arena) > maxRaw/2 {
			return damaged("its strings cannot be read")
		}
		ends, start = append(ends, len(arena)), before
	}
	all, start := string(arena), 0
	t.strings = make([]string, len(ends))
	for i, end := range ends {
		t.strings[i], start = all[start:end], end
	}
	return nil
}

func (t *trees) openNode(r *numbers) {
	n := node{op: Op(r.upTo(255)), start: int32(len(t.refs))}
	switch own := len(t.nodes); n.op {
	case OpIs:
		t.refs = append(t.refs, int32(r.upTo(len(t.tests)-1)))
	case OpUnclear:
		t.refs = append(t.refs, t.stringNumber(r))
	case OpAnd, OpOr, OpNot:
		count := 1
		if n.op != OpNot {
			count = r.upTo(len(r.b))
		}
		for ; count > 0 && !r.bad; count-- {
			back := r.upTo(own)
			r.bad = r.bad || back == 0 || len(t.refs) > 4*maxEntries
			t.refs = append(t.refs, int32(own-back))
		}
	default: // its operands cannot be told from the next node's
		r.bad = true
	}
	n.end = int32(len(t.refs))
	t.nodes = append(t.nodes, n)
}

// about lists the tests that ask for a package of this name, in order.
func (t *trees) about(name string) []int32 {
	var tests []int32
	for i, row := range t.tests {
		if t.strings[t.objects[row.object].name] == name {
			tests = append(tests, int32(i))
		}
	}
	return tests
}

// ask reports whether the trees of the planted definition use one of the tests.
func (t *trees) ask(planted int, tests []int32) bool {
	return len(tests) > 0 && slices.ContainsFunc(t.under(t.roots[2*planted:2*planted+2]), func(test int32) bool {
		_, found := slices.BinarySearch(tests, test)
		return found
	})
}

// under lists the tests below some nodes, each once, in order.
func (t *trees) under(roots []int32) []int32 {
	seen := map[int32]bool{}
	var tests []int32
	for stack := slices.Clone(roots); len(stack) > 0; {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if seen[n] {
			continue
		}
		seen[n] = true
		switch refs := t.refs[t.nodes[n].start:t.nodes[n].end]; t.nodes[n].op {
		case OpIs:
			tests = append(tests, refs[0])
		case OpAnd, OpOr, OpNot:
			stack = append(stack, refs...)
		}
	}
	slices.Sort(tests)
	return slices.Compact(tests)
}

// unshare appends the next entry of a text column to buf. The entry may share its beginning with reference, which may lie in buf.
func unshare(col []byte, at *int, reference, buf []byte) ([]byte, bool) {
	n := bytes.IndexByte(col[*at:], 0)
	if n < 0 {
		return buf, false
	}
	entry, k := col[*at:*at+n], 0
	*at += n + 1
	if n > 0 && entry[0] >= shareMark {
		k, entry = int(entry[0]-shareMark), entry[1:]
	}
	if k > len(reference) || k+len(entry) > maxText {
		return buf, false
	}
	return append(append(buf, reference[:k]...), entry...), true
}
