package item

import (
	"strings"
	"unsafe"
)

// text passes a string. A new one is kept as what it shares with the one before and the rest.
func (c *codec) text(sort int, s *string) {
	t := &c.texts[sort]
	if c.writing {
		c.writeText(t, sort, *s)
		return
	}
	*s = ""
	n := 0
	c.number(colTextRef+sort, &n, t.used)
	switch {
	case c.bad != "":
	case n > 0:
		*s = t.list[n-1]
	case t.used == len(t.list):
		c.fail("a text is missing")
	default:
		*s = t.list[t.used]
		t.used++
	}
}

// readTexts reads the whole dictionary of a sort into one block of memory.
func (c *codec) readTexts(sort int) {
	t := &c.texts[sort]
	lengths, raw := c.cols[colTextLen+sort], c.cols[colText+sort]
	total, last := 0, 0
	for len(c.cols[colTextLen+sort]) > 0 && c.bad == "" {
		shared, own := 0, 0
		c.number(colTextLen+sort, &shared, last)
		c.number(colTextLen+sort, &own, min(maxText-shared, len(raw)))
		last = shared + own
		raw = raw[min(own, len(raw)):]
		total += last
		c.spend(last + int(unsafe.Sizeof("")+unsafe.Sizeof(0)))
		t.used++
	}
	if c.bad != "" {
		return
	}
	c.cols[colTextLen+sort] = lengths
	var block strings.Builder
	block.Grow(total)
	t.list = make([]string, t.used)
	last = 0 // where the one before begins
	for i := range t.list {
		shared, own := 0, 0
		c.number(colTextLen+sort, &shared, maxText)
		c.number(colTextLen+sort, &own, maxText)
		start := block.Len()
		block.WriteString(block.String()[last : last+shared])
		block.Write(c.cols[colText+sort][:own])
		c.cols[colText+sort] = c.cols[colText+sort][own:]
		t.list[i], last = block.String()[start:], start // the block has room: it stays where it is
	}
	t.used = 0
}

func (c *codec) writeText(t *texts, sort int, s string) {
	if len(s) > maxText {
		c.fail("a text is longer than 65,536 bytes")
		return
	}
	n, known := t.index[s]
	if known {
		c.number(colTextRef+sort, &n, maxEncoded)
		return
	}
	shared := 0
	for shared < len(s) && shared < len(t.last) && s[shared] == t.last[shared] {
		shared++
	}
	own := len(s) - shared
	c.number(colTextRef+sort, &n, 0)
	c.number(colTextLen+sort, &shared, maxText)
	c.number(colTextLen+sort, &own, maxText)
	c.cols[colText+sort] = append(c.cols[colText+sort], s[shared:]...)
	if t.index == nil {
		t.index = map[string]int{}
	}
	t.last, t.index[s] = s, len(t.index)+1
}

// id passes a vendor's identifier where they are kept.
func (c *codec) id(s *string) {
	if c.ids {
		c.text(textID, s)
	}
}
