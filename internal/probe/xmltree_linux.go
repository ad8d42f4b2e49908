package probe

import (
	"bytes"
	"encoding/xml"
	"io"
	"strings"

	"github.com/antchfx/xpath"

	"github.com/fettle-project/fettle/internal/patch"
)

// Limits of an XML file.
const (
	maxXML      = 4 << 20
	maxXMLNodes = 100_000
	maxXMLDepth = 200
)

// xmlTree is a file as XPath sees it: nodes that name each other by number, the root being 0. No node is 0's child twice over, so that
// 0 stands for "none".
type xmlTree struct{ nodes []xmlNode }

type xmlNode struct {
	kind                             xpath.NodeType
	prefix, name                     string
	text                             string // of a text or comment
	attrs                            []xml.Attr
	parent, first, last, next, prior int32
}

// parseXML reads a file; one that is cut, too large or too deep is an error. Entities that the file declares itself are not known.
func parseXML(b []byte) (*xmlTree, error) {
	d := xml.NewDecoder(bytes.NewReader(b))
	d.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	t := &xmlTree{nodes: []xmlNode{{kind: xpath.RootNode}}}
	for at, depth, count := int32(0), 0, 0; ; {
		token, err := d.RawToken()
		if err == io.EOF && at == 0 && t.nodes[0].first != 0 {
			return t, nil
		}
		if err == io.EOF {
			return nil, patch.Errorf(patch.Invalid, "it is cut off")
		}
		if err != nil {
			return nil, err
		}
		switch x := token.(type) {
		case xml.StartElement:
			x = x.Copy()
			at = t.add(at, xmlNode{kind: xpath.ElementNode, prefix: x.Name.Space, name: x.Name.Local, attrs: attributes(x.Attr)})
			depth, count = depth+1, count+len(x.Attr)
		case xml.EndElement:
			if n := &t.nodes[at]; at == 0 || n.name != x.Name.Local || n.prefix != x.Name.Space {
				return nil, patch.Errorf(patch.Invalid, "its element %.60q ends where none begins", x.Name.Local)
			}
			at, depth = t.nodes[at].parent, depth-1
		case xml.CharData:
			if at != 0 {
				t.add(at, xmlNode{kind: xpath.TextNode, text: string(x)})
			}
		case xml.Comment:
			t.add(at, xmlNode{kind: xpath.CommentNode, text: string(x)})
		}
		if count+len(t.nodes) > maxXMLNodes || depth > maxXMLDepth {
			return nil, patch.Errorf(patch.Exhausted, "it has more than %d nodes or %d levels", maxXMLNodes, maxXMLDepth)
		}
	}
}

// attributes drops the declarations of name spaces, which XPath does not see as attributes.
func attributes(all []xml.Attr) []xml.Attr {
	out := all[:0]
	for _, a := range all {
		if a.Name.Space != "xmlns" && (a.Name.Space != "" || a.Name.Local != "xmlns") {
			out = append(out, a)
		}
	}
	return out
}

func (t *xmlTree) add(parent int32, n xmlNode) int32 {
	at := int32(len(t.nodes))
	p := &t.nodes[parent]
	if n.parent, n.prior = parent, p.last; p.last != 0 {
		t.nodes[p.last].next = at
	} else {
		p.first = at
	}
	p.last = at
	t.nodes = append(t.nodes, n)
	return at
}

// value is the text below a node.
func (t *xmlTree) value(at int32) string {
	if n := &t.nodes[at]; n.kind == xpath.TextNode || n.kind == xpath.CommentNode {
		return n.text
	}
	var b strings.Builder
	t.texts(at, &b)
	return b.String()
}

func (t *xmlTree) texts(at int32, b *strings.Builder) {
	for i := t.nodes[at].first; i != 0; i = t.nodes[i].next {
		if t.nodes[i].kind == xpath.TextNode {
			b.WriteString(t.nodes[i].text)
		}
		t.texts(i, b)
	}
}

// cursor is a place in a tree: a node, or an attribute of it.
type cursor struct {
	t    *xmlTree
	at   int32
	attr int // the attribute's number; -1: the node itself
}

func (c *cursor) node() *xmlNode { return &c.t.nodes[c.at] }

func (c *cursor) NodeType() xpath.NodeType {
	if c.attr >= 0 {
		return xpath.AttributeNode
	}
	return c.node().kind
}

func (c *cursor) LocalName() string {
	if c.attr >= 0 {
		return c.node().attrs[c.attr].Name.Local
	}
	return c.node().name
}

func (c *cursor) Prefix() string {
	if c.attr >= 0 {
		return c.node().attrs[c.attr].Name.Space
	}
	return c.node().prefix
}

func (c *cursor) Value() string {
	if c.attr >= 0 {
		return c.node().attrs[c.attr].Value
	}
	return c.t.value(c.at)
}

func (c *cursor) Copy() xpath.NodeNavigator { d := *c; return &d }

func (c *cursor) MoveToRoot() { c.at, c.attr = 0, -1 }

func (c *cursor) MoveToParent() bool {
	if c.attr >= 0 {
		c.attr = -1
		return true
	}
	if c.at == 0 {
		return false
	}
	c.at = c.node().parent
	return true
}

func (c *cursor) MoveToNextAttribute() bool {
	if c.attr+1 >= len(c.node().attrs) {
		return false
	}
	c.attr++
	return true
}

// to goes to another node, where there is one; an attribute has neither children nor neighbours.
func (c *cursor) to(at int32) bool {
	if c.attr >= 0 || at == 0 {
		return false
	}
	c.at = at
	return true
}

func (c *cursor) MoveToChild() bool    { return c.to(c.node().first) }
func (c *cursor) MoveToNext() bool     { return c.to(c.node().next) }
func (c *cursor) MoveToPrevious() bool { return c.to(c.node().prior) }

func (c *cursor) MoveToFirst() bool {
	return c.at != 0 && c.node().prior != 0 && c.to(c.t.nodes[c.node().parent].first)
}

func (c *cursor) MoveTo(other xpath.NodeNavigator) bool {
	o, ok := other.(*cursor)
	if !ok || o.t != c.t {
		return false
	}
	*c = *o
	return true
}
