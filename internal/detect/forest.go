package detect

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
)

// forest collects the trees of all definitions: each string, object, test and equal subtree once, operands before their users.
type forest struct {
	os        patch.HostOS
	scheme    scheme
	strings   map[string]int
	objects   table
	tests     table
	nodes     table
	pairs     table
	text      []string
	wanted    []string  // operands of tests; the first is empty
	last      [6]int    // what zigzag counts from, per field
	roots     []int     // the pair of each planted definition
	planted   [][2]Expr // per pair
	items     item.Builder
	itemTests bool // whether there is one in items
	shapes    table
}

// table holds the entries of a column, each once.
type table struct {
	known map[string]int
	col   bytes.Buffer
}

func newForest(os patch.HostOS, s scheme) *forest {
	f := &forest{os: os, scheme: s, strings: map[string]int{}, wanted: []string{""}}
	for _, t := range []*table{&f.objects, &f.tests, &f.nodes, &f.pairs, &f.shapes} {
		t.known = map[string]int{}
	}
	return f
}

// once gives the number of an entry; write appends a new one to the column.
func (t *table) once(key string, write func(n int)) int {
	n, ok := t.known[key]
	if !ok {
		n = len(t.known)
		t.known[key] = n
		write(n)
	}
	return n
}

// Fields that zigzag counts.
const (
	lastName = iota
	lastObject
	lastOperand
	lastTest
	lastPrerequisite
	lastInstalled
)

func (f *forest) near(field, n int) int { return zigzag(&f.last[field], n) }

func (f *forest) plant(pair [2]Expr) {
	p, i := f.node(pair[0], 0), f.node(pair[1], 0)
	f.roots = append(f.roots, f.pairs.once(string(uvarints(p, i)), func(int) {
		f.pairs.col.Write(uvarints(f.near(lastPrerequisite, p), f.near(lastInstalled, i)))
		f.planted = append(f.planted, pair)
	}))
}

// sorted gives the same forest with those pairs near each other that ask about like things: so the file becomes smaller.
func (f *forest) sorted() *forest {
	keys, order := make([]string, len(f.planted)), make([]int, len(f.planted))
	for i := range order {
		order[i], keys[i] = i, f.planted[i][1].leaf()
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(keys[a], keys[b]) })
	out, rank := newForest(f.os, f.scheme), make([]int, len(order))
	out.items.IDs = f.items.IDs
	for r, i := range order {
		rank[i] = r
		out.plant(f.planted[i])
	}
	out.roots = make([]int, len(f.roots))
	for k, r := range f.roots {
		out.roots[k] = rank[r]
	}
	return out
}

// leaf names what an expression's last test asks about.
func (e *Expr) leaf() string {
	for range maxDepth {
		if len(e.Of) == 0 {
			break
		}
		e = &e.Of[len(e.Of)-1]
	}
	if t := e.Test.Items; t != nil && t.Object != nil && len(t.Object.Entities) > 0 {
		var words []string
		for _, x := range t.Object.Entities {
			words = append(words, x.Value)
		}
		for _, s := range t.States {
			for _, x := range s.Entities {
				words = append(words, x.Value)
			}
		}
		return strings.Join(words, "\x00")
	}
	return e.Test.Name + "\x00" + e.Test.Operand
}

func (f *forest) node(e Expr, depth int) int {
	e = simplest(e)
	if why := fault(e, depth); why != "" {
		e = Expr{Op: OpUnclear, Text: why}
	}
	var parts []int
	switch e.Op {
	case OpIs:
		n, why := f.test(e.Test)
		if why != "" {
			return f.node(Expr{Op: OpUnclear, Text: why}, depth)
		}
		parts = []int{n}
	case OpUnclear:
		parts = []int{f.string(clip(e.Text))}
	default:
		for _, child := range e.Of {
			parts = append(parts, f.node(child, depth+1))
		}
	}
	return f.nodes.once(string(uvarints(append([]int{int(e.Op)}, parts...)...)), func(n int) { f.writeNode(n, e.Op, parts) })
}

func (f *forest) writeNode(n int, op Op, parts []int) {
	col := &f.nodes.col
	col.WriteByte(byte(op))
	switch {
	case op == OpIs:
		col.Write(uvarints(f.near(lastTest, parts[0])))
		return
	case op == OpUnclear:
		col.Write(uvarints(parts[0]))
		return
	case op.joins():
		col.Write(uvarints(len(parts)))
	}
	for _, p := range parts {
		col.Write(uvarints(min(2*(n-p), 2*p+1)))
	}
}

// simplest leaves out nodes that change nothing.
func simplest(e Expr) Expr {
	for range maxDepth {
		switch {
		case e.Op.joins() && len(e.Of) == 1:
			e = e.Of[0]
		case e.Op == OpNot && len(e.Of) == 1 && e.Of[0].Op == OpNot && len(e.Of[0].Of) == 1:
			e = e.Of[0].Of[0]
		default:
			return e
		}
	}
	return e
}

// joins reports whether an operator takes any number of operands.
func (op Op) joins() bool { return op == OpAnd || op == OpOr || op == OpOne || op == OpXor }

// fault says why a node cannot be stored as it is.
func fault(e Expr, depth int) string {
	switch {
	case depth > maxDepth:
		return "the definition is nested too deeply"
	case e.Op < OpAnd || e.Op > OpApplies:
		return "the definition uses an operator that is not known"
	case (e.Op == OpNot || e.Op == OpApplies) && len(e.Of) != 1:
		return "the definition negates other than one expression"
	case e.Op == OpIs && !e.Test.usable():
		return "the definition names a package, architecture or version that cannot be one"
	}
	return ""
}

// usable reports whether the format can hold the test.
func (t *Test) usable() bool {
	if t.Kind == TestItems {
		return t.Items != nil
	}
	return plain(t.Name) && clip(t.Operand) == t.Operand && clip(t.Arch) == t.Arch && clip(t.Module) == t.Module
}

// test gives the number of a test, or why there can be none.
func (f *forest) test(t Test) (n int, why string) {
	if t.Kind == TestItems {
		return f.itemTest(t.Items)
	}
	name, arch, module := f.string(t.Name), f.string(f.scheme.arch(f.os, t.Arch)), f.string(t.Module)
	return f.row(t.Kind, f.object(classPackage, name, arch, module), t.Operand), ""
}

func (f *forest) itemTest(t *item.Test) (n int, why string) {
	if s, name, want, ok := infoTest(t); ok && !f.items.IDs {
		return f.row(testInfo, f.object(classInfo, f.string(name), f.shape(s), f.string("")), want), ""
	}
	n, err := f.items.Test(t)
	if err != nil {
		return 0, err.Error()
	}
	f.itemTests = true
	return f.row(TestItems, n, ""), ""
}

// object gives the number of an object; what its two last fields mean depends on its class.
func (f *forest) object(class, name, arch, module int) int {
	return f.objects.once(string(uvarints(class, name, arch, module)), func(int) {
		f.objects.col.Write(uvarints(class, f.near(lastName, name), arch, module))
	})
}

// row gives the number of a test. An operand is shared with the one before only: a column of operands in the order of their use takes
// less room than numbers that look far back, and what is new in it moves no number.
func (f *forest) row(kind TestKind, object int, operand string) int {
	return f.tests.once(string(uvarints(int(kind), object))+operand, func(int) {
		want := 0
		if operand != "" {
			if f.wanted[len(f.wanted)-1] != operand {
				f.wanted = append(f.wanted, operand)
			}
			want = 1 + f.near(lastOperand, len(f.wanted)-1)
		}
		f.tests.col.Write(uvarints(int(kind), f.near(lastObject, object), want))
	})
}

func (f *forest) shape(s shape) int {
	row := uvarints(f.string(s.class), int(s.existence), int(s.check), f.string(s.field), int(s.operation), int(s.datatype), s.arch, f.string(s.archValue))
	return f.shapes.once(string(row), func(int) { f.shapes.col.Write(row) })
}

func (f *forest) string(s string) int {
	if n, ok := f.strings[s]; ok {
		return n
	}
	f.strings[s] = len(f.text)
	f.text = append(f.text, s)
	return len(f.text) - 1
}

// columns gives the sections. Strings stay in order of first use, so that numbers are near each other.
func (f *forest) columns() (map[int][]byte, error) {
	var items []byte
	if f.itemTests {
		var err error
		if items, err = f.items.Bytes(); err != nil {
			return nil, err
		}
	}
	return map[int][]byte{secStrings: texts(f.text), secWants: texts(f.wanted[1:]), secObjects: f.objects.col.Bytes(), secTests: f.tests.col.Bytes(),
		secNodes: f.nodes.col.Bytes(), secPairs: f.pairs.col.Bytes(), secRoots: planes(f.roots, len(f.pairs.known)), secItems: items, secShapes: f.shapes.col.Bytes()}, nil
}

// texts writes a text column whose entries refer to the one before.
func texts(all []string) []byte {
	var col bytes.Buffer
	previous := ""
	for _, s := range all {
		putShared(&col, previous, s)
		previous = s
	}
	return col.Bytes()
}

// planes writes numbers below limit as bytes: the lowest byte of all, then the next higher of all, as many as limit needs.
func planes(numbers []int, limit int) []byte {
	var out []byte
	for shift := 0; shift == 0 && limit > 0 || (limit-1)>>shift > 0; shift += 8 {
		for _, n := range numbers {
			out = append(out, byte(n>>shift))
		}
	}
	return out
}

func uvarints(values ...int) []byte {
	var b []byte
	for _, v := range values {
		b = binary.AppendUvarint(b, uint64(v))
	}
	return b
}
