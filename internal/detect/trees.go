package detect

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/fettle-project/fettle/internal/item"
)

// trees are the general definitions of a signature file, opened.
type trees struct {
	strings []string
	wants   []string // operands of tests; the first is empty
	objects []object
	tests   []testRow
	nodes   []node
	refs    []int32    // operands of all nodes
	pairs   [][2]int32 // prerequisite and installed
	roots   []int32    // the pair of each definition
	items   *item.Model
	shapes  []shape
}

// object is a package: of class package by name, architecture and module; of class info by name and shape, which then is in arch. Those
// of other classes are of no meaning.
type object struct {
	class              uint8
	name, arch, module int32
}

// testRow is one test; object is of no meaning for kinds that are not known.
type testRow struct {
	kind            TestKind
	object, operand int32
}

// aboutPackage reports whether the test has an object that is a package.
func (r *testRow) aboutPackage() bool {
	return r.kind >= TestInstalled && r.kind <= TestState || r.kind == TestMovable || r.kind == testInfo
}

// fits reports whether what a test refers to is there and of its kind. Tests of kinds that are not known refer to nothing.
func (t *trees) fits(row testRow) bool {
	switch {
	case row.kind == TestItems:
		return int(row.object) < t.items.Tests()
	case !row.aboutPackage():
		return true
	case int(row.object) >= len(t.objects):
		return false
	}
	return (row.kind == testInfo) == (t.objects[row.object].class == classInfo)
}

type node struct {
	op         Op
	start, end int32 // operands in refs; of Is and Unclear: one, the test's or string's number
}

func (t *trees) open(columns map[int][]byte, planted int) error {
	var ok bool
	if t.strings, ok = openTexts(columns[secStrings], nil); !ok {
		return damaged("its strings cannot be read")
	}
	if t.wants, ok = openTexts(columns[secWants], []string{""}); !ok {
		return damaged("its strings cannot be read")
	}
	if err := t.openItems(columns[secItems]); err != nil {
		return err
	}
	ok = t.openShapes(columns[secShapes]) && t.openObjects(columns[secObjects]) && t.openTests(columns[secTests]) && t.openNodes(columns[secNodes]) &&
		t.openRoots(columns[secPairs], columns[secRoots], planted)
	if !ok {
		return damaged("its trees cannot be read")
	}
	return nil
}

func (t *trees) openItems(col []byte) (err error) {
	if t.items = new(item.Model); len(col) > 0 {
		if t.items, err = item.Decode(col); err != nil {
			return fmt.Errorf("the signature file is damaged: %w", err)
		}
	}
	return nil
}

func (t *trees) openShapes(col []byte) bool {
	r := numbers{b: col}
	text := func() string {
		if n := r.upTo(len(t.strings) - 1); !r.bad {
			return t.strings[n]
		}
		return ""
	}
	for len(r.b) > 0 && len(t.shapes) < maxLabels {
		t.shapes = append(t.shapes, shape{class: text(), existence: item.Existence(r.upTo(int(item.OnlyOneExists))), check: item.Check(r.upTo(int(item.NoneExistCheck))),
			field: text(), operation: item.Operation(r.upTo(int(item.NotLike))), datatype: item.Datatype(r.upTo(int(item.DateTime))),
			arch: r.upTo(1 + int(item.NotLike)), archValue: text()})
	}
	return !r.bad && len(r.b) == 0
}

func (t *trees) openObjects(col []byte) bool {
	r, name := numbers{b: col}, 0
	t.objects = make([]object, 0, min(len(col)/4, maxEntries))
	for len(r.b) > 0 && len(t.objects) < maxEntries {
		o := object{class: uint8(r.upTo(255)), name: int32(r.near(&name, len(t.strings)-1)), arch: int32(r.upTo(maxEntries)), module: int32(r.upTo(maxEntries))}
		switch o.class {
		case classPackage:
			r.bad = r.bad || int(max(o.arch, o.module)) >= len(t.strings)
		case classInfo:
			r.bad = r.bad || int(o.arch) >= len(t.shapes)
		}
		t.objects = append(t.objects, o)
	}
	return !r.bad && len(r.b) == 0
}

func (t *trees) openTests(col []byte) bool {
	r, object, operand := numbers{b: col}, 0, 0
	t.tests = make([]testRow, 0, min(len(col)/3, maxEntries))
	for len(r.b) > 0 && len(t.tests) < maxEntries {
		row := testRow{kind: TestKind(r.upTo(255)), object: int32(r.near(&object, maxEntries))}
		if d := r.upTo(2*maxEntries + 1); d > 0 {
			operand += (d-1)>>1 ^ -((d - 1) & 1)
			row.operand = int32(operand)
			r.bad = r.bad || operand < 0 || operand >= len(t.wants)
		}
		r.bad = r.bad || !t.fits(row)
		t.tests = append(t.tests, row)
	}
	return !r.bad && len(r.b) == 0
}

func (t *trees) openNodes(col []byte) bool {
	r, test := numbers{b: col}, 0
	t.nodes, t.refs = make([]node, 0, min(len(col)/2, maxEntries)), make([]int32, 0, min(len(col)/2, 4*maxEntries))
	for len(r.b) > 0 && len(t.nodes) < maxEntries {
		t.openNode(&r, &test)
	}
	return !r.bad && len(r.b) == 0
}

func (t *trees) openRoots(pairs, roots []byte, planted int) bool {
	r, p, i := numbers{b: pairs}, 0, 0
	t.pairs = make([][2]int32, 0, min(len(pairs)/2, maxEntries))
	for len(r.b) > 0 && len(t.pairs) < maxEntries {
		t.pairs = append(t.pairs, [2]int32{int32(r.near(&p, len(t.nodes)-1)), int32(r.near(&i, len(t.nodes)-1))})
	}
	width := 0
	for width == 0 || (len(t.pairs)-1)>>(8*width) > 0 {
		width++
	}
	if r.bad || len(r.b) > 0 || len(roots) != planted*width {
		return false
	}
	t.roots = make([]int32, planted)
	for k := range t.roots {
		for plane := range width {
			t.roots[k] |= int32(roots[plane*planted+k]) << (8 * plane)
		}
		if int(t.roots[k]) >= len(t.pairs) {
			return false
		}
	}
	return true
}

func (t *trees) stringNumber(r *numbers) int32 { return int32(r.upTo(len(t.strings) - 1)) }

// openTexts reads a text column whose entries refer to the one before, and appends them to all.
func openTexts(col []byte, all []string) ([]string, bool) {
	n := min(bytes.Count(col, []byte{0}), maxEntries)
	arena, ends := make([]byte, 0, min(2*len(col), maxRaw/2)), make([]int32, 0, n)
	start := 0 // of the previous string
	for at := 0; at < len(col); {
		before, ok := len(arena), false
		if arena, ok = unshare(col, &at, arena[start:], arena); !ok || len(ends) == maxEntries || len(arena) > maxRaw/2 {
			return nil, false
		}
		ends, start = append(ends, int32(len(arena))), before
	}
	text, from := string(arena), int32(0)
	all = slices.Grow(all, len(ends))
	for _, end := range ends {
		all, from = append(all, text[from:end]), end
	}
	return all, true
}

func (t *trees) openNode(r *numbers, test *int) {
	n := node{op: Op(r.upTo(255)), start: int32(len(t.refs))}
	switch own := len(t.nodes); {
	case n.op == OpIs:
		t.refs = append(t.refs, int32(r.near(test, len(t.tests)-1)))
	case n.op == OpUnclear:
		t.refs = append(t.refs, t.stringNumber(r))
	case n.op.joins(), n.op == OpNot, n.op == OpApplies:
		count := 1
		if n.op.joins() {
			count = r.upTo(len(r.b))
		}
		for ; count > 0 && !r.bad; count-- {
			operand := r.upTo(2 * own)
			if operand&1 == 0 {
				operand = 2 * (own - operand>>1)
			}
			operand >>= 1
			r.bad = r.bad || operand >= own || len(t.refs) > 4*maxEntries
			t.refs = append(t.refs, int32(operand))
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
		if row.aboutPackage() && t.strings[t.objects[row.object].name] == name {
			tests = append(tests, int32(i))
		}
	}
	return tests
}

// ask reports whether the trees of the planted definition use one of the tests.
func (t *trees) ask(planted int, tests []int32) bool {
	return len(tests) > 0 && slices.ContainsFunc(t.under(t.pairs[t.roots[planted]][:]), func(test int32) bool {
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
		case OpUnclear:
		default:
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
