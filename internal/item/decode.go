package item

import (
	"encoding/binary"
	"unsafe"
)

// Model is the tests that a Builder gathered. It never changes and is safe for concurrent use.
type Model struct {
	tests     []Test
	objects   []Object
	states    []State
	variables []Variable
}

// Tests is the number of tests.
func (m *Model) Tests() int { return len(m.tests) }

// Test gives one test, n being in [0, Tests). It must not be changed.
func (m *Model) Test(n int) *Test { return &m.tests[n] }

// Objects gives every object that a test, a set or a variable uses. They must not be changed.
func (m *Model) Objects() []Object { return m.objects }

// Decode reads what Builder.Bytes gave and checks all of it, so that nothing can fail or loop afterwards. The slice may be reused.
func Decode(b []byte) (*Model, error) {
	if len(b) == 0 || len(b) > maxEncoded || b[0] > 1 {
		return nil, damaged("they are empty, too large or of another generation")
	}
	c := codec{ids: b[0] == 1, model: &Model{}, depth: 1}
	b = b[1:]
	var counts [kinds]int
	total := 0
	for i := range counts {
		n, size := binary.Uvarint(b)
		if size <= 0 || n > maxNodes {
			return nil, damaged("their number cannot be read")
		}
		counts[i], b = int(n), b[size:]
		total += int(n)
	}
	for i := range c.cols {
		n, size := binary.Uvarint(b)
		if size <= 0 || n > uint64(len(b)-size) {
			return nil, damaged("a column is cut")
		}
		c.cols[i], b = b[size:size+int(n)], b[size+int(n):]
	}
	if len(b) > 0 || total != len(c.cols[colKind]) {
		return nil, damaged("their columns do not fit together")
	}
	c.read(counts, total)
	for _, t := range c.texts {
		if t.used != len(t.list) {
			c.fail("it has texts that nothing uses")
		}
	}
	if c.bad != "" {
		return nil, damaged(c.bad)
	}
	for _, col := range c.cols {
		if len(col) > 0 {
			return nil, damaged("a column holds more than is used")
		}
	}
	c.model.finish()
	return c.model, nil
}

func (c *codec) read(counts [kinds]int, total int) {
	c.spend(counts[kindTest]*int(unsafe.Sizeof(Test{})) + counts[kindObject]*int(unsafe.Sizeof(Object{})) +
		counts[kindState]*int(unsafe.Sizeof(State{})) + counts[kindVariable]*int(unsafe.Sizeof(Variable{})) + total*24)
	for sort := range sorts {
		c.readTexts(sort)
	}
	if c.bad != "" {
		return
	}
	m := c.model
	m.tests, m.objects = make([]Test, counts[kindTest]), make([]Object, counts[kindObject])
	m.states, m.variables = make([]State, counts[kindState]), make([]Variable, counts[kindVariable])
	c.nodes = make([]node, total)
	var seen [kinds]int
	for c.at = range total {
		kind := 0
		c.number(colKind, &kind, kinds-1)
		if seen[kind] >= counts[kind] {
			c.fail("there are more of a kind than counted")
		}
		if c.bad != "" {
			return
		}
		c.nodes[c.at] = node{kind: int8(kind), index: int32(seen[kind])}
		c.deep = 0
		switch kind {
		case kindTest:
			c.test(&m.tests[seen[kind]])
		case kindObject:
			m.objects[seen[kind]].index = seen[kind]
			c.object(&m.objects[seen[kind]])
		case kindState:
			c.state(&m.states[seen[kind]])
		case kindVariable:
			m.variables[seen[kind]].index = seen[kind]
			c.variable(&m.variables[seen[kind]])
		}
		if c.deep > maxDepth {
			c.fail("it is nested more than 100 levels deep")
		}
		c.nodes[c.at].depth = int8(c.deep)
		seen[kind]++
	}
}
