package item

import "strings"

// globToRegex turns a shell pattern into a regular expression that matches the whole of a path, as the table of OVAL's
// GlobToRegexFunctionType shows: wild cards match no slash, and no dot at the start of a name. ok is false where a bracket is not closed.
func globToRegex(glob string, noEscape bool) (_ string, ok bool) {
	var b strings.Builder
	b.WriteByte('^')
	first := true // of a name
	for i := 0; i < len(glob); i++ {
		c := glob[i]
		switch {
		case c == '*' && first:
			b.WriteString(`(?=[^.])[^/]*`)
		case c == '*':
			b.WriteString(`[^/]*`)
		case c == '?' && first:
			b.WriteString(`[^./]`)
		case c == '?':
			b.WriteString(`[^/]`)
		case c == '[':
			n, ok := bracket(glob[i:], noEscape, &b)
			if !ok {
				return "", false
			}
			i += n - 1
		case c == '\\' && !noEscape && i+1 < len(glob) && strings.IndexByte("?*[]", glob[i+1]) >= 0:
			i++
			b.WriteByte('\\')
			b.WriteByte(glob[i])
		case c == '\\':
			b.WriteString(`\\`)
		case strings.IndexByte(`.|^(){}+$`, c) >= 0:
			b.WriteByte('\\')
			b.WriteByte(c)
		default:
			b.WriteByte(c)
		}
		first = c == '/'
	}
	b.WriteByte('$')
	return b.String(), true
}

// bracket copies a bracket expression and gives its length.
func bracket(s string, noEscape bool, b *strings.Builder) (n int, ok bool) {
	start := 1
	if strings.HasPrefix(s[start:], "!") || strings.HasPrefix(s[start:], "^") {
		start++
	}
	end := start
	for first := true; end < len(s) && (s[end] != ']' || first); first = false {
		if strings.HasPrefix(s[end:], "[:") {
			if n := strings.Index(s[end:], ":]"); n > 0 {
				end += n + 1
			}
		}
		end++
	}
	if end >= len(s) {
		return 0, false
	}
	b.WriteByte('[')
	if start == 2 {
		b.WriteByte('^')
	}
	inside := s[start:end]
	if noEscape {
		inside = strings.ReplaceAll(inside, `\`, `\\`)
	}
	b.WriteString(inside)
	b.WriteByte(']')
	return end + 1, true
}
