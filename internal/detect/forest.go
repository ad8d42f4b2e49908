package detect

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/fettle-project/fettle/internal/patch"
)

// forest collects the trees of all definitions: each string, object, test and equal subtree once, operands before their users.
type forest struct {
	os      patch.HostOS
	strings map[string]int
	objects map[string]int
	tests   map[string]int
	nodes   map[string]int
	text    []string
	objCol  bytes.Buffer
	testCol bytes.Buffer
	nodeCol bytes.Buffer
	roots   bytes.Buffer
}

func newForest(os patch.HostOS) *forest {
	return &forest{os: os, strings: map[string]int{}, objects: map[string]int{}, tests: map[string]int{}, nodes: map[string]int{}}
}

func (f *forest) plant(prerequisite, installed Expr) {
	p := f.node(prerequisite, 0)
	i := f.node(installed, 0)
	f.roots.Write(uvarints(p, i))
}

func (f *forest) node(e Expr, depth int) int {
	if why := fault(e, depth); why != "" {
		e = Expr{Op: OpUnclear, Text: why}
	}
	var parts []int
	switch e.Op {
	case OpIs:
		parts = []int{f.test(e.Test)}
	case OpUnclear:
		parts = []int{f.string(clip(e.Text))}
	default:
		for _, child := range e.Of {
			parts = append(parts, f.node(child, depth+1))
		}
	}
	key := string(uvarints(append([]int{int(e.Op)}, parts...)...))
	if n, ok := f.nodes[key]; ok {
		return n
	}
	n := len(f.nodes)
	f.nodes[key] = n
	f.nodeCol.WriteByte(byte(e.Op))
	if e.Op == OpAnd || e.Op == OpOr {
		f.nodeCol.Write(uvarints(len(parts)))
	}
	for _, p := range parts {
		if e.Op != OpIs && e.Op != OpUnclear {
			p = n - p
		}
		f.nodeCol.Write(uvarints(p))
	}
	return n
}

// fault says why a node cannot be stored as it is.
func fault(e Expr, depth int) string {
	switch {
	case depth > maxDepth:
		return "the definition is nested too deeply"
	case e.Op < OpAnd || e.Op > OpUnclear:
		return "the definition uses an operator that is not known"
	case e.Op == OpNot && len(e.Of) != 1:
		return "the definition negates other than one expression"
	case e.Op == OpIs && !(plain(e.Test.Name) && clip(e.Test.Operand) == e.Test.Operand && clip(e.Test.Arch) == e.Test.Arch):
		return "the definition names a package, architecture or version that cannot be one"
	}
	return ""
}

func (f *forest) test(t Test) int {
	arch := ""
	if foreign(f.os, t.Arch) {
		arch = t.Arch
	}
	object := once(f.objects, &f.objCol, uvarints(classPackage, f.string(t.Name), f.string(arch)))
	return once(f.tests, &f.testCol, uvarints(int(t.Kind), object, f.string(t.Operand)))
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
func (f *forest) columns() map[int][]byte {
	var text bytes.Buffer
	previous := ""
	for _, s := range f.text {
		putShared(&text, previous, s)
		previous = s
	}
	return map[int][]byte{secStrings: text.Bytes(), secObjects: f.objCol.Bytes(), secTests: f.testCol.Bytes(),
		secNodes: f.nodeCol.Bytes(), secRoots: f.roots.Bytes()}
}

func once(known map[string]int, col *bytes.Buffer, entry []byte) int {
	if n, ok := known[string(entry)]; ok {
		return n
	}
	n := len(known)
	known[string(entry)] = n
	col.Write(slices.Clone(entry))
	return n
}

func uvarints(values ...int) []byte {
	var b []byte
	for _, v := range values {
		b = binary.AppendUvarint(b, uint64(v))
	}
	return b
}
