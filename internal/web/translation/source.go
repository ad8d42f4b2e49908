package translation

import (
	"fmt"
	"html"
	"strings"
)

// Text is one text of a template as translators see it.
type Text struct {
	Context string // of which meaning of a word; mostly empty
	ID      string
	Many    string // for other numbers than one; empty where nothing is counted
	Notes   []string
}

// Key is how catalogues find it.
func (t Text) Key() string {
	if t.Context == "" {
		return t.ID
	}
	return t.Context + contextEnd + t.ID
}

// Template puts a language's texts into a template's source, where it has them in brackets:
//
//	[[Sign out]]                                        a text, in an element or in an attribute
//	[[{{num .From}} of {{num .Total}}]]                 with values; translators see {1} of {2}
//	[[See <a href="/feeds">the feeds</a>.]]             with markup; they see See <1>the feeds</1>.
//	[[#.Count|{n} machine waits|{n} machines wait]]     counted: a pipeline without |, the text for one, the text for many
//	[[verb::Hold]]                                      a word of several meanings
//
// What a translation says is written as text. Values and markup stay the template's own, and html/template escapes the values by where they
// stand, as everywhere.
func (c *Catalog) Template(source string) (string, error) {
	var b strings.Builder
	err := eachBlock(source, func(s string) { b.WriteString(s) }, func(m *message) { c.write(&b, m) })
	return b.String(), err
}

// Texts lists a template's texts.
func Texts(source string) ([]Text, error) {
	var out []Text
	err := eachBlock(source, func(string) {}, func(m *message) { out = append(out, m.Text) })
	return out, err
}

// Outside is a template's source without its texts.
func Outside(source string) (string, error) {
	var b strings.Builder
	err := eachBlock(source, func(s string) { b.WriteString(s) }, func(m *message) {
		for _, p := range m.parts {
			b.WriteString(p)
		}
	})
	return b.String(), err
}

func eachBlock(source string, other func(string), text func(*message)) error {
	for {
		before, rest, found := strings.Cut(source, "[[")
		other(before)
		if !found {
			return nil
		}
		inner, after, closed := strings.Cut(rest, "]]")
		if !closed {
			return fmt.Errorf("a text is not closed: [[%.40s", rest)
		}
		m, err := parseMessage(inner)
		if err != nil {
			return fmt.Errorf("[[%s]]: %w", inner, err)
		}
		text(m)
		source = after
	}
}

func (c *Catalog) write(b *strings.Builder, m *message) {
	said, ok := c.texts[m.Key()]
	if !ok {
		said = []string{m.ID}
		if m.Many != "" {
			said = append(said, m.Many)
		}
	}
	for i, s := range said {
		switch {
		case m.Many == "":
		case i == 0:
			fmt.Fprintf(b, "{{if eq (form (%s)) 0}}", m.count)
		case i == len(said)-1:
			b.WriteString("{{else}}")
		default:
			fmt.Fprintf(b, "{{else if eq (form (%s)) %d}}", m.count, i)
		}
		m.fill(b, s)
	}
	if m.Many != "" {
		b.WriteString("{{end}}")
	}
}

// fill writes one text with the template's own values and markup in its places.
func (m *message) fill(b *strings.Builder, s string) {
	at := 0
	for _, p := range scan(s) {
		b.WriteString(escaped(s[at:p.from]))
		at = p.after
		k := int(p.key - '1')
		switch {
		case p.key == 'n' && p.kind == '{' && m.Many != "":
			fmt.Fprintf(b, "{{num (%s)}}", m.count)
		case p.kind == '/' && k < len(m.closes):
			b.WriteString(m.closes[k])
		case p.key != 'n' && k < len(m.parts):
			b.WriteString(m.parts[k])
		default:
			b.WriteString(escaped(s[p.from:p.after]))
		}
	}
	b.WriteString(escaped(s[at:]))
}

// escaped is a text that neither HTML nor a template takes for more than text.
func escaped(s string) string {
	return strings.NewReplacer("{", "&#123;", "}", "&#125;", "[", "&#91;", "]", "&#93;").Replace(html.EscapeString(s))
}
