package rpmdb

import (
	"encoding/binary"
	"math"
)

// Kinds of pages of a table's b-tree (SQLite file format, 1.6).
const (
	interiorPage = 0x05
	leafPage     = 0x0d
)

// cell is one row of a table.
type cell struct {
	d     *database
	row   int64
	size  uint64
	local []byte // the part of its record that is on the page
	next  uint32 // the page that has the rest; 0: there is none
}

// walk gives the rows of a table in order.
func (d *database) walk(root uint32, each func(*cell) error) error {
	w := walker{d: d, each: each, last: math.MinInt64}
	return w.subtree(root, 0)
}

type walker struct {
	d    *database
	each func(*cell) error
	last int64 // the row before
	any  bool
	free [][]byte // one page a level
}

func (w *walker) subtree(number uint32, depth int) error {
	if depth == maxDepth {
		return fault("its tree is deeper than %d pages", maxDepth)
	}
	if len(w.free) == depth {
		w.free = append(w.free, make([]byte, w.d.pageSize))
	}
	page := w.free[depth]
	if err := w.d.page(page, number); err != nil {
		return err
	}
	head := 0
	if number == 1 {
		head = 100
	}
	count, width := int(binary.BigEndian.Uint16(page[head+3:])), 8
	if page[head] == interiorPage {
		width = 12
	} else if page[head] != leafPage || count == 0 && depth > 0 {
		return fault("its page %d is not part of a table", number)
	}
	if head+width+2*count > w.d.usable {
		return fault("its page %d cannot have %d entries", number, count)
	}
	for i := range count {
		at := int(binary.BigEndian.Uint16(page[head+width+2*i:]))
		if at < head+width+2*count || at >= w.d.usable {
			return fault("its page %d has an entry outside of it", number)
		}
		if err := w.entry(page[at:w.d.usable], width == 12, depth); err != nil {
			return err
		}
	}
	if width == 12 {
		return w.subtree(binary.BigEndian.Uint32(page[head+8:]), depth+1)
	}
	return nil
}

// entry reads one entry of a page: a subtree with the last row in it, or a row.
func (w *walker) entry(b []byte, interior bool, depth int) error {
	if interior {
		if len(b) < 5 {
			return fault("one of its entries is cut off")
		}
		if err := w.subtree(binary.BigEndian.Uint32(b), depth+1); err != nil {
			return err
		}
		last, n := varint(b[4:])
		if n == 0 || w.any && w.last > int64(last) {
			return fault("its rows are out of order")
		}
		return nil
	}
	size, n := varint(b)
	row, m := varint(b[n:])
	if n == 0 || m == 0 {
		return fault("one of its entries is cut off")
	}
	if size > maxBlob {
		return fault("its row %d has %d bytes", int64(row), size)
	}
	if w.any && int64(row) <= w.last {
		return fault("its rows are out of order")
	}
	w.any, w.last = true, int64(row)
	c := &cell{d: w.d, row: int64(row), size: size}
	b = b[n+m:]
	local := w.d.localSize(size)
	if uint64(local) < size {
		if len(b) < local+4 {
			return fault("its row %d is cut off", c.row)
		}
		c.next = binary.BigEndian.Uint32(b[local:])
	}
	if len(b) < local {
		return fault("its row %d is cut off", c.row)
	}
	c.local = b[:local]
	return w.each(c)
}

// localSize is how much of a record of some size is on the row's own page (SQLite file format, 1.6).
func (d *database) localSize(size uint64) int {
	most := d.usable - 35
	if size <= uint64(most) {
		return int(size)
	}
	least := (d.usable-12)*32/255 - 23
	if k := least + int((size-uint64(least))%uint64(d.usable-4)); k <= most {
		return k
	}
	return least
}

// payload appends the whole record to b.
func (c *cell) payload(b []byte) ([]byte, error) {
	b = append(b, c.local...)
	next := c.next
	page := make([]byte, c.d.pageSize)
	for rest := int(c.size) - len(c.local); rest > 0; {
		if next == 0 {
			return nil, fault("its row %d is cut off", c.row)
		}
		if err := c.d.page(page, next); err != nil {
			return nil, err
		}
		next = binary.BigEndian.Uint32(page)
		n := min(rest, c.d.usable-4)
		b, rest = append(b, page[4:4+n]...), rest-n
	}
	if next != 0 {
		return nil, fault("its row %d is longer than it says", c.row)
	}
	return b, nil
}

// column is a value of a record.
type column struct {
	kind   byte // 'n'ull, 'i'nteger, 'f'loat, 'b'lob, 't'ext
	number int64
	bytes  []byte
}

// record splits a record into its first columns (SQLite file format, 2.1).
func record(b []byte, want int) ([]column, error) {
	size, n := varint(b)
	if n == 0 || size > uint64(len(b)) || size < uint64(n) {
		return nil, fault("a record of %d bytes has no header", len(b))
	}
	types, body := b[n:size], b[size:]
	out := make([]column, 0, want)
	for len(out) < want {
		typ, n := varint(types)
		if n == 0 {
			return nil, fault("a record has %d columns and not %d", len(out), want)
		}
		types = types[n:]
		c, width := column{kind: 'i'}, uint64(0)
		switch {
		case typ == 0:
			c.kind = 'n'
		case typ <= 4:
			width = typ
		case typ <= 6:
			width = 2*typ - 4
		case typ == 7:
			c.kind, width = 'f', 8
		case typ <= 9:
			c.number = int64(typ - 8)
		case typ < 12:
			return nil, fault("a record has a column of the unknown type %d", typ)
		case typ%2 == 0:
			c.kind, width = 'b', (typ-12)/2
		default:
			c.kind, width = 't', (typ-13)/2
		}
		if width > uint64(len(body)) {
			return nil, fault("a record is shorter than its columns")
		}
		if c.bytes, body = body[:width], body[width:]; c.kind == 'i' && width > 0 {
			c.number = int64(int8(c.bytes[0]))
			for _, x := range c.bytes[1:] {
				c.number = c.number<<8 | int64(x)
			}
		}
		out = append(out, c)
	}
	return out, nil
}

// varint reads SQLite's integer of one to nine bytes; n is 0 where b ends before it does.
func varint(b []byte) (v uint64, n int) {
	for i, c := range b[:min(9, len(b))] {
		if i == 8 {
			return v<<8 | uint64(c), 9
		}
		if v = v<<7 | uint64(c&0x7f); c < 0x80 {
			return v, i + 1
		}
	}
	return 0, 0
}
