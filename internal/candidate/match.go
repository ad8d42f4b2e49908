package candidate

import (
	"regexp"
	"strings"
)

// pattern is a name, glob or /expression/ of a pin, compared without case.
type pattern struct {
	text string
	re   *regexp.Regexp // nil: the text itself
	none bool           // an expression that cannot be understood matches nothing
	open bool           // text is enough as a beginning
}

// newNumber is a pattern for a version. A star at the end is not part of the glob: what stands before it may begin the version, or be a
// glob that fits all of it, so "*bpo*" is not what it seems.
func newNumber(text string) pattern {
	short, open := strings.CutSuffix(text, "*")
	p := newPattern(short)
	p.open = open
	return p
}

func newPattern(text string) pattern {
	p := pattern{text: text}
	var err error
	switch {
	case len(text) >= 2 && text[0] == '/' && text[len(text)-1] == '/':
		p.re, err = regexp.Compile("(?i)" + text[1:len(text)-1])
	case strings.ContainsAny(text, `*?[\`):
		p.re, err = regexp.Compile(`(?is)\A` + globExpression(text) + `\z`)
	}
	p.none = err != nil
	return p
}

func (p *pattern) matches(s string) bool {
	switch {
	case p.open && len(s) >= len(p.text) && strings.EqualFold(s[:len(p.text)], p.text):
		return true
	case p.none:
		return false
	case p.re != nil:
		return p.re.MatchString(s)
	}
	return strings.EqualFold(p.text, s)
}

// globExpression translates a glob of fnmatch(3), in which a slash is a letter like any other.
func globExpression(glob string) string {
	var b strings.Builder
	for i := 0; i < len(glob); i++ {
		switch c := glob[i]; c {
		case '*':
			b.WriteString(".*")
		case '?':
			b.WriteByte('.')
		case '[':
			end := classEnd(glob, i)
			if end < 0 {
				b.WriteString(`\[`)
				continue
			}
			class := glob[i+1 : end]
			b.WriteByte('[')
			if class[0] == '!' || class[0] == '^' {
				b.WriteByte('^')
				class = class[1:]
			}
			b.WriteString(strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`, "^", `\^`).Replace(class))
			b.WriteByte(']')
			i = end
		case '\\':
			if i++; i < len(glob) {
				b.WriteString(regexp.QuoteMeta(glob[i : i+1]))
			}
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	return b.String()
}

// classEnd finds the bracket that ends a class; one that comes first is part of it.
func classEnd(glob string, start int) int {
	i := start + 1
	if i < len(glob) && (glob[i] == '!' || glob[i] == '^') {
		i++
	}
	if end := strings.IndexByte(glob[min(i+1, len(glob)):], ']'); end >= 0 {
		return i + 1 + end
	}
	return -1
}
