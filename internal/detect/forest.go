package detect

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
)

// forest collects the trees of all definitions: each string, object, test and equal subtree once, operands before their users. What
// tests say of packages is left blank in them.
type forest struct {
	os        patch.HostOS
	scheme    scheme
	strings   map[string]int
	objects   table
	tests     table
	nodes     table
	templates table
	pairs     table
	text      []string
	wanted    []string // operands of tests; the first is empty
	last      [7]int   // what zigzag counts from, per field
	roots     []int    // the pair of each planted definition
	work      int      // nodes of all pairs, written out
	filled    int      // blanks of all pairs
	items     item.Builder
	itemTests bool // whether there is one in items
	shapes    table
}

// blanks are what a pair of trees says of packages, each name and each operand once, in the order of their use.
type blanks struct {
	names, wants []string
	nodes        int
}

// blank gives the number of a text among others.
func blank(texts *[]string, s string) int {
	n := slices.Index(*texts, s)
	if n < 0 {
		n = len(*texts)
		*texts = append(*texts, s)
	}
	return n
}

// table holds the entries of a column, each once.
type table struct {
	known map[string]int
	col   bytes.Buffer
}

func newForest(os patch.HostOS, s scheme) *forest {
	f := &forest{os: os, scheme: s, strings: map[string]int{}, wanted: []string{""}}
	for _, t := range []*table{&f.objects, &f.tests, &f.nodes, &f.templates, &f.pairs, &f.shapes} {
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
	lastTemplate
)

func (f *forest) near(field, n int) int { return zigzag(&f.last[field], n) }

func (f *forest) plant(pair [2]Expr) {
	var b blanks
	p, i := f.node(pair[0], 0, &b), f.node(pair[1], 0, &b)
	row := uvarints(p, i, len(b.names), len(b.wants))
	template := f.templates.once(string(row), func(int) {
		f.templates.col.Write(uvarints(f.near(lastPrerequisite, p), f.near(lastInstalled, i), len(b.names), len(b.wants)))
	})
	key := fmt.Sprintf("%d\x00%s\x00%s", template, strings.Join(b.names, "\x00"), strings.Join(b.wants, "\x00"))
	f.roots = append(f.roots, f.pairs.once(key, func(int) {
		f.pairs.col.Write(uvarints(f.near(lastTemplate, template)))
		for _, s := range b.names {
			f.pairs.col.Write(uvarints(f.near(lastName, f.string(s))))
		}
		for _, s := range b.wants {
			f.pairs.col.Write(uvarints(f.near(lastOperand, f.want(s))))
		}
		f.work += 1 + b.nodes
		f.filled += len(b.names) + len(b.wants)
	}))
}

// want gives the number of an operand. It is shared with the one before only: a column of operands in the order of their use takes less
// room than numbers that look far back, and what is new in it moves no number.
func (f *forest) want(s string) int {
	if f.wanted[len(f.wanted)-1] != s {
		f.wanted = append(f.wanted, s)
	}
	return len(f.wanted) - 1
}

func (f *forest) node(e Expr, depth int, b *blanks) int {
	e = simplest(e)
	if why := fault(e, depth); why != "" {
		e = Expr{Op: OpUnclear, Text: why}
	}
	b.nodes++
	var parts []int
	switch e.Op {
	case OpIs:
		n, why := f.test(e.Test, b)
		if why != "" {
			return f.node(Expr{Op: OpUnclear, Text: why}, depth, b)
		}
		parts = []int{n}
	case OpUnclear:
		parts = []int{f.string(clip(e.Text))}
	default:
		for _, child := range e.Of {
			parts = append(parts, f.node(child, depth+1, b))
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
func (f *forest) test(t Test, b *blanks) (n int, why string) {
	if t.Kind == TestItems {
		return f.itemTest(t.Items, b)
	}
	arch, module := f.string(f.scheme.arch(f.os, t.Arch)), f.string(t.Module)
	return f.row(t.Kind, f.object(classPackage, blank(&b.names, t.Name), arch, module), t.Operand, b), ""
}

func (f *forest) itemTest(t *item.Test, b *blanks) (n int, why string) {
	if s, name, want, ok := infoTest(t); ok && !f.items.IDs {
		return f.row(testInfo, f.object(classInfo, blank(&b.names, name), f.shape(s), 0), want, b), ""
	}
	n, err := f.items.Test(t)
	if err != nil {
		return 0, err.Error()
	}
	f.itemTests = true
	return f.row(TestItems, n, "", b), ""
}

// object gives the number of an object; what its two last fields mean depends on its class.
func (f *forest) object(fields ...int) int {
	row := string(uvarints(fields...))
	return f.objects.once(row, func(int) { f.objects.col.WriteString(row) })
}

// row gives the number of a test.
func (f *forest) row(kind TestKind, object int, operand string, b *blanks) int {
	want := 0
	if operand != "" {
		want = 1 + blank(&b.wants, operand)
	}
	return f.tests.once(string(uvarints(int(kind), object, want)), func(int) {
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
	runs, count := f.runs()
	if count > maxRuns {
		return nil, f.tooMuch()
	}
	return map[int][]byte{secStrings: writeTexts(f.text), secWants: writeTexts(f.wanted[1:]), secObjects: f.objects.col.Bytes(),
		secTests: f.tests.col.Bytes(), secNodes: f.nodes.col.Bytes(), secTemplates: f.templates.col.Bytes(), secPairs: f.pairs.col.Bytes(),
		secRuns: runs, secItems: items, secShapes: f.shapes.col.Bytes()}, nil
}

func (f *forest) tooMuch() error {
	return patch.Errorf(patch.Invalid, "the definitions of %s are more than one file can hold", f.os)
}

// runs writes the pair of each definition; those that ask the same one after the other have it once.
func (f *forest) runs() (col []byte, count int) {
	last := -1
	for i := 0; i < len(f.roots); count++ {
		n := i + 1
		for n < len(f.roots) && f.roots[n] == f.roots[i] {
			n++
		}
		col = append(col, uvarints(zigzag(&last, f.roots[i]), n-i-1)...)
		i = n
	}
	return col, count
}

func uvarints(values ...int) []byte {
	var b []byte
	for _, v := range values {
		b = binary.AppendUvarint(b, uint64(v))
	}
	return b
}
