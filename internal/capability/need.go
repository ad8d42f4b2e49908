// Package capability reads what rpm's packages ask of others and what they provide, and judges whether something asked for is there. It answers
// with certainty or not at all: what it does not know for sure is Maybe. It reads neither databases nor repositories, and it installs nothing.
package capability

import (
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
)

// Need is one dependency: a capability in certain versions, or an expression over such (rpm's docs/manual/boolean_dependencies.md).
type Need struct {
	text string
	op   string // "" of a single capability; "and", "or", "if", "unless", "with", "without"
	r    patch.Relation
	of   []Need // of if and unless: what is asked for, the condition, and what is asked for where it does not hold
}

// Limits of what a vendor may write; rpm has none of its own.
const (
	maxText  = 4096
	maxDepth = 16
)

// Parse reads a dependency as rpm writes it: "libfoo >= 2.1", "(a or (b if c))". ok is false for one that is not understood.
func Parse(s string) (n Need, ok bool) {
	if len(s) > maxText || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return n, false
	}
	if !strings.HasPrefix(s, "(") {
		f := strings.Fields(s)
		if len(f) != 1 && (len(f) != 3 || !operator(f[1])) {
			return n, false
		}
		return Single(Relation(s)), true
	}
	p := parser{rest: s}
	n, ok = p.group(0)
	n.text = s
	return n, ok && strings.TrimSpace(p.rest) == ""
}

// Single asks for one capability.
func Single(r patch.Relation) Need { return Need{text: Written(r), r: r} }

// String gives the dependency as it was written.
func (n *Need) String() string { return n.text }

// Relation reads a single capability: "libfoo >= 2.1".
func Relation(s string) patch.Relation {
	if f := strings.Fields(s); len(f) == 3 {
		return patch.Relation{Name: f[0], Op: f[1], Version: f[2]}
	}
	return patch.Relation{Name: s}
}

// Written is what Relation reads.
func Written(r patch.Relation) string {
	if r.Op == "" {
		return r.Name
	}
	return r.Name + " " + r.Op + " " + r.Version
}

func operator(s string) bool {
	switch s {
	case "<", "<=", "=", ">=", ">":
		return true
	}
	return false
}

type parser struct{ rest string }

// word gives the next one: names may have parentheses in them.
func (p *parser) word() string {
	p.rest = strings.TrimLeft(p.rest, " ")
	depth, end := 0, len(p.rest)
	for i := range len(p.rest) {
		c := p.rest[i]
		if c == ' ' || c == ')' && depth == 0 {
			end = i
			break
		}
		switch c {
		case '(':
			depth++
		case ')':
			depth--
		}
	}
	w := p.rest[:end]
	p.rest = strings.TrimLeft(p.rest[end:], " ")
	return w
}

func (p *parser) closes() bool {
	rest, ok := strings.CutPrefix(strings.TrimLeft(p.rest, " "), ")")
	if ok {
		p.rest = rest
	}
	return ok
}

// group reads "(…)". Operators do not mix within one, but for else behind if and unless.
func (p *parser) group(depth int) (n Need, ok bool) {
	p.rest = strings.TrimPrefix(p.rest, "(")
	first, ok := p.operand(depth)
	if !ok {
		return n, false
	}
	n.of = []Need{first}
	for !p.closes() {
		op := p.word()
		switch {
		case n.op == "" && chains(op), op == n.op && (op == "and" || op == "or" || op == "with"):
			n.op = op
		case op == "else" && (n.op == "if" || n.op == "unless") && len(n.of) == 2:
		default:
			return n, false
		}
		next, ok := p.operand(depth)
		if !ok {
			return n, false
		}
		n.of = append(n.of, next)
	}
	if n.op == "" {
		return first, true
	}
	return n, true
}

func chains(op string) bool {
	switch op {
	case "and", "or", "if", "unless", "with", "without":
		return true
	}
	return false
}

func (p *parser) operand(depth int) (n Need, ok bool) {
	p.rest = strings.TrimLeft(p.rest, " ")
	if strings.HasPrefix(p.rest, "(") {
		if depth == maxDepth {
			return n, false
		}
		return p.group(depth + 1)
	}
	if n.r.Name = p.word(); n.r.Name == "" {
		return n, false
	}
	before := p.rest
	if op := p.word(); operator(op) {
		n.r.Op, n.r.Version = op, p.word()
		return n, n.r.Version != ""
	}
	p.rest = before
	return n, true
}

// All visits every capability that the need names. wanted tells those whose coming may satisfy it from those whose going may.
func (n *Need) All(each func(r patch.Relation, wanted bool)) { n.visit(true, each) }

func (n *Need) visit(wanted bool, each func(patch.Relation, bool)) {
	if n.op == "" {
		each(n.r, wanted)
	}
	for i := range n.of {
		against := i == 1 && (n.op == "if" || n.op == "unless" || n.op == "without")
		n.of[i].visit(wanted != against, each)
		if against && (n.op == "if" || n.op == "unless") && len(n.of) == 3 {
			n.of[i].visit(wanted, each) // with an else, the condition counts both ways
		}
	}
}

// Plain tells whether the need is a single capability.
func (n *Need) Plain() bool { return n.op == "" }
