package detect

import (
	"bytes"
	"encoding/binary"

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
	last      [6]int // what zigzag counts from, per field
	roots     []int  // the pair of each planted definition
	items     item.Builder
	itemTests int
}

// table holds the entries of a column, each once.
type table struct {
	known map[string]int
	col   bytes.Buffer
}

func newForest(os patch.HostOS, s scheme) *forest {
	f := &forest{os: os, scheme: s, strings: map[string]int{}}
	for _, t := range []*table{&f.objects, &f.tests, &f.nodes, &f.pairs} {
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

func (f *forest) plant(prerequisite, installed Expr) {
	p := f.node(prerequisite, 0)
	i := f.node(installed, 0)
	f.roots = append(f.roots, f.pairs.once(string(uvarints(p, i)), func(int) {
		f.pairs.col.Write(uvarints(f.near(lastPrerequisite, p), f.near(lastInstalled, i)))
	}))
}

func (f *forest) node(e Expr, depth int) int {
	e = simplest(e)
	if why := fault(e, depth); why != "" {
		e = Expr{Op: OpUnclear, Text: why}
	}
	var parts []int
	if e.Op == OpIs && e.Test.Kind == TestItems {
		n, err := f.items.Test(e.Test.Items)
		if err != nil {
			e = Expr{Op: OpUnclear, Text: err.Error()}
		}
		parts, f.itemTests = []int{n}, f.itemTests+1
	}
	switch e.Op {
	case OpIs:
		parts = []int{f.test(e.Test, parts)}
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

// test gives the number of a test; items is its number among item tests, where it is one.
func (f *forest) test(t Test, items []int) int {
	if t.Kind == TestItems {
		return f.tests.once(string(uvarints(int(t.Kind), items[0])), func(int) {
			f.tests.col.Write(uvarints(int(t.Kind), f.near(lastObject, items[0]), f.near(lastOperand, f.string(""))))
		})
	}
	name, arch, module := f.string(t.Name), f.string(f.scheme.arch(f.os, t.Arch)), f.string(t.Module)
	object := f.objects.once(string(uvarints(classPackage, name, arch, module)), func(int) {
		f.objects.col.Write(uvarints(classPackage, f.near(lastName, name), arch, module))
	})
	operand := f.string(t.Operand)
	return f.tests.once(string(uvarints(int(t.Kind), object, operand)), func(int) {
		f.tests.col.Write(uvarints(int(t.Kind), f.near(lastObject, object), f.near(lastOperand, operand)))
	})
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
	if f.itemTests > 0 {
		var err error
		if items, err = f.items.Bytes(); err != nil {
			return nil, err
		}
	}
	var text bytes.Buffer
	previous := ""
	for _, s := range f.text {
		putShared(&text, previous, s)
		previous = s
	}
	return map[int][]byte{secStrings: text.Bytes(), secObjects: f.objects.col.Bytes(), secTests: f.tests.col.Bytes(),
		secNodes: f.nodes.col.Bytes(), secPairs: f.pairs.col.Bytes(), secRoots: planes(f.roots, len(f.pairs.known)), secItems: items}, nil
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
