package oval

import (
	"fmt"
	"strconv"
)

// mark is how far the linking of something has come.
type mark uint8

const (
	fresh mark = iota
	busy
	done
)

// declared is a test, object, state or variable: it is made when something first refers to it, and filled when it is read.
type declared[T any] struct {
	value T
	part
}

// part is what linking looks at, whatever the value is.
type part struct {
	what, id string // "object", "oval:org.example:obj:1"
	read     bool
	fault    string // why it cannot be used
	uses     []*part
	mark     mark
}

// use gives what is declared under an ID, whether it has been read yet or not.
func use[T any](r *reader, all map[string]*declared[T], id, what string) *declared[T] {
	d := all[id]
	if d == nil {
		r.kept += 450 + len(id) // with its place in the map; keep looks at the sum
		d = &declared[T]{part: part{what: what, id: id}}
		all[id] = d
	}
	return d
}

// begin says that a part has come to be read. A second one of the same ID is not: the first is as good.
func (p *parser) begin(d *part) bool {
	if d.read {
		p.note("there are two of %s %s", d.what, d.id)
		return false
	}
	d.read = true
	return true
}

// wrong marks a part as one that cannot be used. The first reason stays.
func (d *part) wrong(format string, args ...any) {
	if d.fault == "" {
		d.fault = d.what + " " + d.id + " " + fmt.Sprintf(format, args...)
	}
}

const maxChain = 64 // parts that use each other in a row

// settle finds out whether a part and all that it uses can be used, and gives the reason where not.
func (d *part) settle(depth int) string {
	switch {
	case d.mark == done:
		return d.fault
	case d.mark == busy:
		return d.what + " " + d.id + " depends on itself"
	case depth > maxChain:
		return d.what + " " + d.id + " depends on too many others in a row"
	case !d.read:
		d.fault = "the document has no " + d.what + " " + d.id
	}
	d.mark = busy
	for _, u := range d.uses {
		if fault := u.settle(depth + 1); fault != "" && d.fault == "" {
			d.fault = fault
		}
	}
	d.mark, d.uses = done, nil
	return d.fault
}

// choose reads an attribute that is a word of an enumeration; missing, it is def.
func choose[T any](s string, def T, named func(string) (T, bool)) (T, bool) {
	if s == "" {
		return def, true
	}
	return named(s)
}

// quote shows foreign text in a sentence.
func quote(s string) string { return strconv.QuoteToASCII(clip(s, 60)) }
