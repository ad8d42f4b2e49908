package detect

import (
	"fmt"
	"slices"
	"sync"

	"github.com/fettle-project/fettle/internal/item"
)

// trees are the general definitions of a signature file, opened. Nodes and tests stand for many definitions alike: what a test says of
// packages has blanks, and each pair of trees fills them in with names and operands of its own.
type trees struct {
	strings   texts
	wants     texts // operands of tests; the first is empty
	objects   []object
	tests     []testRow
	nodes     []node
	refs      []int32 // operands of all nodes
	templates []template
	pairs     []pair
	fills     []int32 // of all pairs: numbers of names and then of operands
	runs      []run
	items     *item.Model
	shapes    []shape
}

// object is a package: of class package by name, architecture and module; of class info by name and shape, which then is in arch. The
// name is a blank's number. Those of other classes are of no meaning.
type object struct {
	class              uint8
	name, arch, module int32
}

// testRow is one test; object is of no meaning for kinds that are not known. The operand is 0 for none, else the number of a blank.
type testRow struct {
	kind            TestKind
	object, operand int32
}

// template is a prerequisite and an installed tree, and how many blanks for names and operands they have together.
type template struct {
	roots        [2]int32
	names, wants int32
}

// pair is a filled-in template; what fills it begins at start in fills.
type pair struct{ template, start int32 }

// run is some definitions in a row that ask the same pair: those with trees from number first up to the next run's.
type run struct{ first, pair int32 }

// aboutPackage reports whether the test has an object that is a package.
func (r *testRow) aboutPackage() bool {
	return r.kind >= TestInstalled && r.kind <= TestState || r.kind == TestMovable || r.kind == testInfo
}

// fits reports whether what a test refers to is there and of its kind. Tests of kinds that are not known refer to nothing.
func (t *trees) fits(row testRow) bool {
	switch {
	case !row.aboutPackage(): // what an item test refers to is known when items are open
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

// largeItems is from how many bytes on item tests are decoded on a processor of their own: 10,000 of them, which are 770 kB, take longer
// than everything else in the file.
const largeItems = 64 << 10

func (t *trees) open(columns map[int][]byte, planted int) (err error) {
	items := sync.OnceValues(func() (*item.Model, error) { return openItems(columns[secItems]) })
	if len(columns[secItems]) >= largeItems {
		go items() // it ends before open does
	}
	var sizes sizes
	ok := t.strings.open(columns[secStrings]) && t.wants.open(columns[secWants], "") && t.openShapes(columns[secShapes]) &&
		t.openObjects(columns[secObjects]) && t.openTests(columns[secTests]) && t.openNodes(columns[secNodes], &sizes) &&
		t.openTemplates(columns[secTemplates], &sizes) && t.openPairs(columns[secPairs], &sizes) && t.openRuns(columns[secRuns], planted)
	if t.items, err = items(); err != nil {
		return fmt.Errorf("the signature file is damaged: %w", err)
	}
	for i := range t.tests {
		ok = ok && (t.tests[i].kind != TestItems || int(t.tests[i].object) < t.items.Tests())
	}
	if !ok {
		return damaged("its trees cannot be read")
	}
	return nil
}

func openItems(col []byte) (*item.Model, error) {
	if len(col) == 0 {
		return new(item.Model), nil
	}
	return item.Decode(col)
}

func (t *trees) openShapes(col []byte) bool {
	r := numbers{b: col}
	text := func() string {
		if n := r.upTo(t.strings.len() - 1); !r.bad {
			return t.strings.at(int32(n))
		}
		return ""
	}
	for len(r.b) > 0 && len(t.shapes) < maxLabels {
		t.shapes = append(t.shapes, shape{class: text(), existence: item.Existence(r.upTo(int(item.OnlyOneExists))), check: item.Check(r.upTo(int(item.NoneExistCheck))),
			field: text(), operation: item.Operation(r.upTo(int(item.NotLike))), datatype: item.Datatype(r.upTo(int(item.MacOSVersion))),
			arch: r.upTo(1 + int(item.NotLike)), archValue: text()})
	}
	return !r.bad && len(r.b) == 0
}

func (t *trees) openObjects(col []byte) bool {
	r := numbers{b: col}
	t.objects = make([]object, 0, min(len(col)/4, maxEntries))
	for len(r.b) > 0 && len(t.objects) < maxEntries {
		o := object{class: uint8(r.upTo(255)), name: int32(r.upTo(maxEntries)), arch: int32(r.upTo(maxEntries)), module: int32(r.upTo(maxEntries))}
		switch o.class {
		case classPackage:
			r.bad = r.bad || int(max(o.arch, o.module)) >= t.strings.len()
		case classInfo:
			r.bad = r.bad || int(o.arch) >= len(t.shapes)
		}
		t.objects = append(t.objects, o)
	}
	return !r.bad && len(r.b) == 0
}

func (t *trees) openTests(col []byte) bool {
	r, object := numbers{b: col}, 0
	t.tests = make([]testRow, 0, min(len(col)/3, maxEntries))
	for len(r.b) > 0 && len(t.tests) < maxEntries {
		row := testRow{kind: TestKind(r.upTo(255)), object: int32(r.near(&object, maxEntries)), operand: int32(r.upTo(maxEntries))}
		r.bad = r.bad || !t.fits(row)
		t.tests = append(t.tests, row)
	}
	return !r.bad && len(r.b) == 0
}

func (t *trees) openNodes(col []byte, s *sizes) bool {
	r, test := numbers{b: col}, 0
	t.nodes, t.refs = make([]node, 0, min(len(col)/2, maxEntries)), make([]int32, 0, min(len(col)*2/3, 4*maxEntries))
	*s = make(sizes, 0, cap(t.nodes))
	for len(r.b) > 0 && len(t.nodes) < maxEntries {
		t.openNode(&r, &test)
		s.add(t)
	}
	return !r.bad && len(r.b) == 0
}

func (t *trees) openNode(r *numbers, test *int) {
	n := node{op: Op(r.upTo(255)), start: int32(len(t.refs))}
	switch own := len(t.nodes); {
	case n.op == OpIs:
		t.refs = append(t.refs, int32(r.near(test, len(t.tests)-1)))
		r.bad = r.bad || len(t.tests) == 0
	case n.op == OpUnclear:
		t.refs = append(t.refs, int32(r.upTo(t.strings.len()-1)))
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

func (t *trees) openTemplates(col []byte, s *sizes) bool {
	r, p, i := numbers{b: col}, 0, 0
	t.templates = make([]template, 0, min(len(col)/4, maxTemplates))
	for len(r.b) > 0 && !r.bad && len(t.templates) < maxTemplates {
		x := template{roots: [2]int32{int32(r.near(&p, len(t.nodes)-1)), int32(r.near(&i, len(t.nodes)-1))}}
		x.names, x.wants = int32(r.upTo(maxEntries)), int32(r.upTo(maxEntries))
		r.bad = r.bad || len(t.nodes) == 0 || !s.fits(&x)
		t.templates = append(t.templates, x)
	}
	return !r.bad && len(r.b) == 0
}

func (t *trees) openPairs(col []byte, s *sizes) bool {
	r, template, name, want, work := numbers{b: col}, 0, 0, 0, 0
	t.pairs, t.fills = make([]pair, 0, min(len(col)/3, maxEntries)), make([]int32, 0, min(len(col)*2/3, 4*maxEntries))
	for len(r.b) > 0 && !r.bad && len(t.pairs) < maxEntries {
		p := pair{int32(r.near(&template, len(t.templates)-1)), int32(len(t.fills))}
		if r.bad || len(t.templates) == 0 {
			return false
		}
		x := &t.templates[p.template]
		for k := int32(0); k < x.names && !r.bad; k++ {
			t.fills = append(t.fills, int32(r.near(&name, t.strings.len()-1)))
		}
		for k := int32(0); k < x.wants && !r.bad; k++ {
			t.fills = append(t.fills, int32(r.near(&want, t.wants.len()-1)))
		}
		work += int(s.of(x).nodes)
		r.bad = r.bad || work > maxWork || len(t.fills) > 4*maxEntries
		t.pairs = append(t.pairs, p)
	}
	return !r.bad && len(r.b) == 0
}

func (t *trees) openRuns(col []byte, planted int) bool {
	r, p, first := numbers{b: col}, -1, 0
	t.runs = make([]run, 0, min(len(col)/2, planted, maxRuns))
	for len(r.b) > 0 && !r.bad && len(t.runs) < maxRuns {
		t.runs = append(t.runs, run{int32(first), int32(r.near(&p, len(t.pairs)-1))})
		first += 1 + r.upTo(planted-first-1)
	}
	return !r.bad && len(r.b) == 0 && first == planted
}

// names are the numbers of the names that a pair fills in.
func (t *trees) names(pair int32) []int32 {
	p := &t.pairs[pair]
	return t.fills[p.start : p.start+t.templates[p.template].names]
}

// operands are the numbers of the operands that a pair fills in.
func (t *trees) operands(pair int32) []int32 {
	p := &t.pairs[pair]
	x := &t.templates[p.template]
	return t.fills[p.start+x.names : p.start+x.names+x.wants]
}

// root is the pair of a definition, by its number among those with trees.
func (t *trees) root(planted int) int32 {
	n, exact := slices.BinarySearchFunc(t.runs, int32(planted), func(r run, first int32) int { return int(r.first - first) })
	if !exact {
		n--
	}
	return t.runs[n].pair
}

// until is where run n ends.
func (t *trees) until(n, planted int) int {
	if n+1 < len(t.runs) {
		return int(t.runs[n+1].first)
	}
	return planted
}

// asks reports whether a pair asks for packages of a name.
func (t *trees) asks(pair int32, name string) bool {
	return slices.ContainsFunc(t.names(pair), func(n int32) bool { return t.strings.at(n) == name })
}

// under lists the tests below some nodes, each once, in order.
func (t *trees) under(roots ...int32) []int32 {
	var tests []int32
	for _, n := range t.reach(roots) {
		if t.nodes[n].op == OpIs {
			tests = append(tests, t.refs[t.nodes[n].start])
		}
	}
	slices.Sort(tests)
	return slices.Compact(tests)
}
