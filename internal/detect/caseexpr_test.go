package detect

import (
	"context"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
)

// words splits a line at blanks and around parentheses; "quotes" keep both.
func (r *reader) words(line string) []string {
	var words []string
	word, inside := "", false
	end := func() {
		if inside {
			words = append(words, word)
		}
		word, inside = "", false
	}
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case c == ' ' || c == '\t':
			end()
		case c == '(' || c == ')':
			end()
			words = append(words, string(c))
		case c == '"':
			quoted, err := strconv.QuotedPrefix(line[i:])
			if err != nil {
				r.fail("a quotation does not end in %s", line)
			}
			text, _ := strconv.Unquote(quoted)
			word, inside, i = word+text, true, i+len(quoted)-1
		default:
			word, inside = word+string(c), true
		}
	}
	end()
	return words
}

type exprParser struct {
	r      *reader
	tokens []string
	bad    bool
}

func (r *reader) expr(text string) *Expr {
	p := exprParser{r: r, tokens: r.words(text)}
	e := p.expr()
	if p.bad || len(p.tokens) > 0 {
		r.fail("%q is not an expression", text)
	}
	return &e
}

func (p *exprParser) next() string {
	if len(p.tokens) == 0 {
		p.bad = true
		return ")"
	}
	t := p.tokens[0]
	p.tokens = p.tokens[1:]
	return t
}

func (p *exprParser) expr() Expr {
	p.bad = p.bad || p.next() != "("
	word := p.next()
	if op, ok := map[string]Op{"and": OpAnd, "or": OpOr, "not": OpNot, "one": OpOne, "xor": OpXor, "applies": OpApplies}[word]; ok {
		var of []Expr
		for !p.bad && len(p.tokens) > 0 && p.tokens[0] == "(" {
			of = append(of, p.expr())
		}
		p.bad = p.bad || p.next() != ")"
		return Expr{Op: op, Of: of}
	}
	var args []string
	for a := p.next(); a != ")" && !p.bad; a = p.next() {
		args = append(args, a)
	}
	if word == "unclear" {
		return Expr{Op: OpUnclear, Text: strings.Join(args, " ")}
	}
	if p.bad = p.bad || len(args) == 0; p.bad {
		return Expr{}
	}
	if word == "item" {
		return Is(Test{Kind: TestItems, Items: p.r.itemTest(args)})
	}
	kind := map[string]TestKind{"installed": TestInstalled, "version": TestVersion, "held": TestHeld, "state": TestState, "movable": TestMovable}[word]
	p.bad = p.bad || kind == 0
	name, arch, _ := strings.Cut(args[0], ":")
	return Is(Test{Kind: kind, Name: name, Arch: arch, Operand: strings.Join(args[1:], " ")})
}

var (
	existenceWords = map[string]item.Existence{"exists": item.AtLeastOneExists, "absent": item.NoneExist, "once": item.OnlyOneExists,
		"optional": item.AnyExist, "all-exist": item.AllExist}
	checkWords = map[string]item.Check{"every": item.All, "some": item.AtLeastOne, "exactly-one": item.OnlyOne, "none": item.NoneSatisfy}
	operations = map[string]item.Operation{"=": item.Equals, "!=": item.NotEqual, "<": item.LessThan, ">": item.GreaterThan,
		"<=": item.LessThanOrEqual, ">=": item.GreaterThanOrEqual, "~": item.PatternMatch, "=i=": item.CaseInsensitiveEquals}
	fieldExpr = regexp.MustCompile(`^([a-z0-9_]+)(?::([a-z0-9_]+))?(=i=|!=|<=|>=|=|<|>|~)((?s:.*))$`)
)

// itemTest reads CLASS FIELD=VALUE… [has FIELD<VALUE…] [WORD…].
func (r *reader) itemTest(words []string) *item.Test {
	t := &item.Test{Class: words[0], Object: &item.Object{Class: words[0]}}
	entities := &t.Object.Entities
	for _, w := range words[1:] {
		existence, exists := existenceWords[w]
		check, checks := checkWords[w]
		switch {
		case w == "has":
			t.States = append(t.States, &item.State{Class: t.Class})
			entities = &t.States[len(t.States)-1].Entities
		case exists:
			t.Existence = existence
		case checks:
			t.Check = check
		default:
			*entities = append(*entities, r.entity(w))
		}
	}
	return t
}

// entity reads FIELD[:DATATYPE]OPERATION VALUE. Without a datatype, numbers that are ordered are integers and the rest is text.
func (r *reader) entity(w string) item.Entity {
	m := fieldExpr.FindStringSubmatch(w)
	if m == nil {
		r.fail("%q compares no field", w)
	}
	e := item.Entity{Name: m[1], Operation: operations[m[3]], Value: m[4]}
	if m[2] != "" {
		var ok bool
		if e.Datatype, ok = item.DatatypeNamed(m[2]); !ok {
			r.fail("%q is not a datatype of OVAL", m[2])
		}
	} else if strings.ContainsAny(m[3], "<>") {
		e.Datatype = item.Int
	}
	return e
}

// caseItem is an item of a machine, or what cannot be collected from it.
type caseItem struct {
	class, why string
	item       patch.Item
}

// item reads CLASS FIELD[:TYPE]=VALUE… [unreadable|uncollected] [why=TEXT].
func (r *reader) item(words []string) caseItem {
	c := caseItem{class: words[0], why: "permission denied"}
	for _, w := range words[1:] {
		m := fieldExpr.FindStringSubmatch(w)
		switch {
		case w == "unreadable":
			c.item.Status = patch.StatusError
		case w == "uncollected":
			c.item.Status = patch.StatusNotCollected
		case m == nil || m[3] != "=":
			r.fail("%q is not a field", w)
		case m[1] == "why":
			c.why = m[4]
		default:
			c.item.Fields = append(c.item.Fields, patch.Field{Name: m[1], Type: m[2], Value: m[4]})
		}
	}
	if file := c.field("filepath"); file != "" {
		c.item.Fields = append(c.item.Fields, patch.Field{Name: "path", Value: path.Dir(file)}, patch.Field{Name: "filename", Value: path.Base(file)})
	}
	return c
}

func (c *caseItem) field(name string) string {
	i := slices.IndexFunc(c.item.Fields, func(f patch.Field) bool { return f.Name == name })
	if i < 0 {
		return ""
	}
	return c.item.Fields[i].Value
}

// caseSource answers with the items of a case's machine.
type caseSource struct{ items, refused []caseItem }

func (s *caseSource) Probe(_ context.Context, r item.Request) patch.Collected {
	c := patch.Collected{Flag: patch.FlagNotExist, Fields: []string{item.Every}}
	for _, no := range s.refused {
		if no.class == r.Class && wants(&r, no.item.Fields) == item.True {
			return patch.Collected{Flag: patch.FlagError, Message: no.why}
		}
	}
	for _, has := range s.items {
		if has.class == r.Class && wants(&r, has.item.Fields) == item.True {
			c.Flag, c.Items = patch.FlagComplete, append(c.Items, has.item)
		}
	}
	return c
}
