package translation

import (
	"errors"
	"fmt"
	"html"
	"slices"
	"strings"
	"unicode"
)

// message is a bracketed text taken apart.
type message struct {
	Text
	count  string   // the pipeline that gives the number
	parts  []string // source of {1} or <1>, {2} or <2>, …
	closes []string // source of </1>, …; empty where it closes nothing
	keys   map[string]int
}

// most is how many places a text may have: what needs more is not one sentence.
const most = 9

func parseMessage(inner string) (*message, error) {
	m := &message{keys: map[string]int{}}
	forms := []string{inner}
	if counted, ok := strings.CutPrefix(inner, "#"); ok {
		forms = strings.Split(counted, "|")
		if len(forms) != 3 {
			return nil, errors.New("a counted text is [[#number|text for one|text for many]]")
		}
		m.count, forms = strings.TrimSpace(forms[0]), forms[1:]
	}
	if context, rest, ok := strings.Cut(forms[0], "::"); ok && !strings.ContainsAny(context, "<{") {
		m.Context, forms[0] = strings.TrimSpace(context), rest
	}
	var err error
	if m.ID, err = m.shape(forms[0]); err != nil {
		return nil, err
	}
	if len(forms) == 2 {
		known := len(m.parts)
		if m.Many, err = m.shape(forms[1]); err != nil {
			return nil, err
		}
		if len(m.parts) != known || strings.Join(placesOf(m.ID), "") != strings.Join(placesOf(m.Many), "") {
			return nil, errors.New("the texts for one and for many have other values or markup")
		}
	}
	if strings.IndexFunc(m.ID, unicode.IsLetter) < 0 {
		return nil, errors.New("it has no words")
	}
	return m, nil
}

// token is a piece of a text: words, an action of the template, or a tag.
type token struct {
	kind byte // 't' text, '{' action, '<' opening, '/' closing, '|' an element without content
	src  string
}

// shape is a text as translators see it.
func (m *message) shape(src string) (string, error) {
	list, err := tokens(src)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	var open []int
	seen := map[string]int{}
	for i := 0; i < len(list); i++ {
		t := list[i]
		if t.kind == '<' {
			if end := wordless(list, i); end > i {
				t = token{kind: '{', src: joined(list[i : end+1])}
				i = end
			}
		}
		switch t.kind {
		case 't':
			b.WriteString(html.UnescapeString(t.src))
			continue
		case '/':
			if len(open) == 0 {
				return "", errors.New("a tag is closed that is not open")
			}
			k := open[len(open)-1]
			open = open[:len(open)-1]
			m.closes[k-1] = t.src
			fmt.Fprintf(&b, "</%d>", k)
			continue
		}
		if t.kind == '{' && controls(t.src) {
			return "", errors.New("it has an if, range, with or end: make a text of each case")
		}
		seen[t.src]++
		k := m.place(fmt.Sprint(seen[t.src], t.src), t.src)
		switch t.kind {
		case '{':
			fmt.Fprintf(&b, "{%d}", k)
		case '|':
			fmt.Fprintf(&b, "<%d/>", k)
		case '<':
			open = append(open, k)
			fmt.Fprintf(&b, "<%d>", k)
		}
	}
	if len(open) > 0 || len(m.parts) > most {
		return "", fmt.Errorf("a tag stays open, or it has more than %d values and tags", most)
	}
	return strings.Join(strings.Fields(b.String()), " "), nil
}

// place is the number of a value or a tag; the same source has the same number in each form.
func (m *message) place(key, src string) int {
	if k, ok := m.keys[key]; ok {
		return k
	}
	m.parts, m.closes = append(m.parts, src), append(m.closes, "")
	m.keys[key] = len(m.parts)
	m.Notes = append(m.Notes, fmt.Sprintf("%d: %s", len(m.parts), strings.Join(strings.Fields(src), " ")))
	return len(m.parts)
}

// wordless is where an element ends that has no words inside but what a person types, so that translators see it as one value; i itself where
// it has some.
func wordless(list []token, i int) int {
	depth := 0
	typed := slices.Contains([]string{"code", "kbd", "pre", "samp"}, nameOf(list[i].src))
	for j := i; j < len(list); j++ {
		switch list[j].kind {
		case '<':
			depth++
		case '/':
			if depth--; depth == 0 {
				return j
			}
		case 't':
			if !typed && strings.IndexFunc(html.UnescapeString(list[j].src), unicode.IsLetter) >= 0 {
				return i
			}
		}
	}
	return i
}

func joined(list []token) string {
	var b strings.Builder
	for _, t := range list {
		b.WriteString(t.src)
	}
	return b.String()
}

func controls(action string) bool {
	words := strings.Fields(strings.Trim(action, "{}- "))
	if len(words) == 0 {
		return true
	}
	switch words[0] {
	case "if", "range", "with", "else", "end", "define", "block", "break", "continue":
		return true
	}
	return false
}

func tokens(src string) ([]token, error) {
	var out []token
	for src != "" {
		size, kind := 0, byte('t')
		switch {
		case strings.HasPrefix(src, "{n}"):
			size = 3
		case strings.HasPrefix(src, "{{"):
			size, kind = strings.Index(src, "}}")+2, '{'
		case len(src) > 1 && src[0] == '<' && (src[1] == '/' || unicode.IsLetter(rune(src[1]))):
			size, kind = tag(src)
		default:
			for size = 1; size < len(src) && src[size] != '<' && !strings.HasPrefix(src[size:], "{{"); {
				size++
			}
		}
		if size < 2 && kind != 't' {
			return nil, fmt.Errorf("an action or a tag is not closed: %.40s", src)
		}
		out = append(out, token{kind, src[:size]})
		src = src[size:]
	}
	return out, nil
}

// tag measures a tag, whose attributes may have actions in them, and says what it is.
func tag(src string) (int, byte) {
	quote := byte(0)
	for i := 1; i < len(src); i++ {
		switch c := src[i]; {
		case strings.HasPrefix(src[i:], "{{"):
			end := strings.Index(src[i:], "}}")
			if end < 0 {
				return 0, '<'
			}
			i += end + 1
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i + 1, kindOfTag(src[:i+1])
		}
	}
	return 0, '<'
}

func kindOfTag(tag string) byte {
	if tag[1] == '/' {
		return '/'
	}
	switch nameOf(tag) {
	case "br", "hr", "img", "input", "wbr":
		return '|'
	}
	if strings.HasSuffix(tag, "/>") {
		return '|'
	}
	return '<'
}

func nameOf(tag string) string {
	name := strings.ToLower(strings.TrimLeft(tag, "</"))
	if end := strings.IndexFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }); end >= 0 {
		name = name[:end]
	}
	return name
}
