package item

import (
	"encoding/binary"
	"unsafe"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Limits of a model. A test that would exceed one is refused by Builder, a file that does is refused by Decode.
const (
	maxDepth   = 100      // of nested sets, components and references
	maxList    = 1 << 16  // entries of one list
	maxText    = 1 << 16  // bytes of one string
	maxEncoded = 12 << 20 // bytes of a file
	maxWeight  = 48 << 20 // bytes of memory that a decoded model takes
	maxNodes   = 1 << 20
)

// Columns of numbers. Values of one sort stand together, because that compresses far better.
const (
	colKind = iota
	colCount
	colOperation
	colExtra
	colRef
	colNumber
	colTextRef                        // one a sort of text
	colTextLen = colTextRef + sorts   // shared length and own length of new texts
	colText    = colTextLen + sorts   // own bytes of new texts
	columns    = colTextLen + 2*sorts //
)

// Sorts of texts, each with its own numbering.
const (
	textClass = iota
	textName
	textValue
	textOther
	textID
	sorts
)

// Kinds of nodes.
const (
	kindTest = iota
	kindObject
	kindState
	kindVariable
	kinds
)

// codec walks a model's nodes in one of two directions: it appends what it finds to columns, or fills what it finds from them. One walk
// for both keeps them alike.
type codec struct {
	writing bool
	ids     bool // texts of sort textID are kept
	cols    [columns][]byte
	texts   [sorts]texts
	bad     string // why what is read cannot be right, or what is written cannot be kept
	weight  int
	depth   int

	refs  func(p any) int // writing: the number of a node
	at    int             // reading: the number of the node being read
	nodes []node
	model *Model

	testStates arena[*State]
	behaviors  arena[Behavior]
	filterList arena[Filter]
	sets       arena[Set]
	setObjects arena[*Object]
	entityList arena[Entity]
	strings    arena[string]
	components arena[Component]

	deep int // of the node being read
}

type node struct {
	kind, depth int8
	index       int32 // among its kind
}

// texts is the dictionary of one sort.
type texts struct {
	last  string
	index map[string]int // writing
	list  []string       // reading
	used  int            // of list
}

func (c *codec) fail(why string) {
	if c.bad == "" {
		c.bad = why
	}
}

// number passes a number of 0 to limit.
func (c *codec) number(col int, n *int, limit int) {
	if c.writing {
		if *n < 0 || *n > limit {
			c.fail("a number is out of range")
			return
		}
		c.cols[col] = binary.AppendUvarint(c.cols[col], uint64(*n))
		return
	}
	*n = 0
	b := c.cols[col]
	if len(b) > 0 && b[0] < 0x80 && int(b[0]) <= limit { // nearly always
		*n = int(b[0])
		c.cols[col] = b[1:]
		return
	}
	v, size := binary.Uvarint(b)
	if size <= 0 || v > uint64(limit) {
		c.fail("a number is cut or out of range")
		return
	}
	*n, c.cols[col] = int(v), b[size:]
}

// signed passes a number of ±limit.
func (c *codec) signed(n *int, limit int) {
	var v int
	if *n < -limit || *n > limit {
		c.fail("a number is out of range")
		return
	}
	v = *n << 1
	if *n < 0 {
		v = -*n<<1 | 1
	}
	c.number(colNumber, &v, limit<<1|1)
	*n = v >> 1
	if v&1 != 0 {
		*n = -*n
	}
}

// spend counts memory, so that no file makes more of it than maxWeight.
func (c *codec) spend(bytes int) {
	if c.weight += bytes; c.weight > maxWeight {
		c.fail("it takes more than 48 MiB of memory")
	}
}

// arena gives small slices out of large ones.
type arena[T any] struct{ free []T }

func (a *arena[T]) take(n int) []T {
	if n > len(a.free) {
		a.free = make([]T, max(n, 256))
	}
	some := a.free[:n:n]
	a.free = a.free[n:]
	return some
}

// slice passes the length of a list and makes it when reading.
func slice[T any](c *codec, from *arena[T], s *[]T) {
	n := len(*s)
	c.number(colCount, &n, maxList)
	if c.writing || n == 0 {
		return
	}
	var one T
	c.spend(n * int(unsafe.Sizeof(one)))
	if c.bad == "" {
		*s = from.take(n)
	}
}

// ref passes a pointer to another node, as the distance back to it: what a node needs stands before it, so there are no cycles.
func ref[T any](c *codec, kind int, p **T, list func(*Model) []T) {
	distance := 0
	if c.bad != "" {
		return
	}
	if c.writing {
		if *p == nil {
			c.fail("a reference leads nowhere")
			return
		}
		distance = c.refs(*p)
		c.number(colRef, &distance, maxNodes)
		return
	}
	c.number(colRef, &distance, c.at)
	if distance == 0 {
		c.fail("a reference leads nowhere")
	}
	if c.bad != "" {
		return
	}
	n := c.nodes[c.at-distance]
	if int(n.kind) != kind {
		c.fail("a reference leads to a thing of another kind")
		return
	}
	c.deep = max(c.deep, int(n.depth)+c.depth+1)
	*p = &list(c.model)[n.index]
}

// nest runs f one level deeper.
func (c *codec) nest(f func()) {
	c.depth++
	if c.depth > maxDepth {
		c.fail("it is nested more than 100 levels deep")
	} else if c.bad == "" {
		c.deep = max(c.deep, c.depth)
		f()
	}
	c.depth--
}

func damaged(why string) error {
	return &patch.Error{Kind: patch.Untrusted, What: "the item tests of the signature file are damaged", Why: phrase.Verbatim(why),
		Do: "Fetch or build the catalog again."}
}
