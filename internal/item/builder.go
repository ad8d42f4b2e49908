package item

import (
	"encoding/binary"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Builder gathers tests and gives the bytes that Decode reads. What has the same content is kept once, and the same tests in the same
// order give the same bytes. The zero value is ready; IDs is set before the first test.
type Builder struct {
	// IDs keeps the vendor's identifiers, for sources that answer by them. Without it they are dropped, and so are comments always.
	IDs bool

	nodes   []any // *Test, *Object, *State, *Variable: what a node needs stands before it
	kinds   [kinds]int
	content map[string]int // canonical bytes to node
	known   map[any]int    // pointer to node
	open    map[any]bool   // being added: who meets one again has found a cycle
	depths  map[int]int
}

// Test adds a test and gives its number in the model, from 0. It fails where the test's variables need themselves, where the test is
// nested too deeply, or where it is too large; nothing else is lost then.
func (b *Builder) Test(t *Test) (int, error) {
	if b.content == nil {
		b.content, b.known, b.open, b.depths = map[string]int{}, map[any]int{}, map[any]bool{}, map[int]int{}
	}
	n, why := b.add(t)
	if why != "" {
		return 0, &patch.Error{Kind: patch.Invalid, What: "a test cannot be kept", Why: phrase.Verbatim(why)}
	}
	return n, nil
}

// add gives a node's number among all, for a test its number among tests.
func (b *Builder) add(p any) (n int, why string) {
	if n, ok := b.known[p]; ok {
		return n, ""
	}
	if b.open[p] || len(b.open) > maxDepth {
		return 0, "it needs itself or is nested more than 100 levels deep"
	}
	b.open[p] = true
	defer delete(b.open, p)
	c := codec{writing: true, ids: b.IDs, depth: 1}
	deep := 0
	c.refs = func(p any) int {
		m, why := b.add(p)
		if why != "" {
			c.fail(why)
		}
		deep = max(deep, b.depths[m]+c.depth+1)
		return m
	}
	kind := c.node(p)
	if c.bad == "" && max(deep, c.deep) > maxDepth {
		c.fail("it is nested more than 100 levels deep")
	}
	if c.bad == "" && (len(b.nodes) >= maxNodes) {
		c.fail("there are too many of them")
	}
	if c.bad != "" {
		return 0, c.bad
	}
	key := string(c.join([]byte{byte(kind)}))
	n, ok := b.content[key]
	if !ok {
		n = len(b.nodes)
		if kind == kindTest {
			n = b.kinds[kindTest]
		}
		b.kinds[kind]++
		b.depths[len(b.nodes)] = max(deep, c.deep)
		b.nodes = append(b.nodes, p)
		b.content[key] = n
	}
	b.known[p] = n
	return n, ""
}

// node passes one node and gives its kind.
func (c *codec) node(p any) int {
	switch p := p.(type) {
	case *Test:
		c.test(p)
		return kindTest
	case *Object:
		c.object(p)
		return kindObject
	case *State:
		c.state(p)
		return kindState
	case *Variable:
		c.variable(p)
		return kindVariable
	}
	c.fail("a reference leads nowhere")
	return kinds
}

// join puts the columns one after the other, each behind its length.
func (c *codec) join(out []byte) []byte {
	for _, col := range c.cols {
		out = binary.AppendUvarint(out, uint64(len(col)))
		out = append(out, col...)
	}
	return out
}

// Bytes encodes all tests added so far. It fails where they do not fit into one file.
func (b *Builder) Bytes() ([]byte, error) {
	c := codec{writing: true, ids: b.IDs, depth: 1}
	at := 0
	c.refs = func(p any) int { return at - b.known[p] }
	for at = range b.nodes {
		kind := 0
		switch b.nodes[at].(type) {
		case *Object:
			kind = kindObject
		case *State:
			kind = kindState
		case *Variable:
			kind = kindVariable
		}
		c.number(colKind, &kind, kinds)
		c.node(b.nodes[at])
	}
	head := []byte{byte(bit(b.IDs, 0))}
	for _, n := range b.kinds {
		head = binary.AppendUvarint(head, uint64(n))
	}
	out := c.join(head)
	if c.bad != "" || len(out) > maxEncoded {
		return nil, &patch.Error{Kind: patch.Invalid, What: "the item tests cannot be kept", Why: phrase.Of("they take more than 12 MiB. {1}", c.bad)}
	}
	return out, nil
}
