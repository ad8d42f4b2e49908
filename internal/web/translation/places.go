package translation

import (
	"slices"
	"strings"
)

// place is one thing in a text that a translation must have too: a value {1}, the number {n}, or a link or other markup <1>…</1> or <1/>.
type place struct {
	kind  byte // '{' value, '<' opening, '/' closing, '|' alone
	key   byte
	from  int // where it is in the text
	after int
}

// scan finds a text's places.
func scan(s string) []place {
	var out []place
	for i := 0; i < len(s); i++ {
		switch rest := s[i:]; {
		case len(rest) >= 3 && rest[0] == '{' && isKey(rest[1]) && rest[2] == '}':
			out = append(out, place{'{', rest[1], i, i + 3})
		case len(rest) >= 3 && rest[0] == '<' && isDigit(rest[1]) && rest[2] == '>':
			out = append(out, place{'<', rest[1], i, i + 3})
		case len(rest) >= 4 && rest[0] == '<' && rest[1] == '/' && isDigit(rest[2]) && rest[3] == '>':
			out = append(out, place{'/', rest[2], i, i + 4})
		case len(rest) >= 4 && rest[0] == '<' && isDigit(rest[1]) && rest[2:4] == "/>":
			out = append(out, place{'|', rest[1], i, i + 4})
		}
	}
	return out
}

func isDigit(c byte) bool { return c >= '1' && c <= '9' }
func isKey(c byte) bool   { return c == 'n' || isDigit(c) }

// placesOf lists a text's places in a fixed order, without the number, which a form of counting may say in a word.
func placesOf(s string) []string {
	var out []string
	for _, p := range scan(s) {
		if p.key != 'n' {
			out = append(out, string(p.kind)+string(p.key))
		}
	}
	slices.Sort(out)
	return out
}

// fits says whether a translation has exactly the places that it must, opened and closed as HTML has it.
func fits(s string, want []string, counted bool) bool {
	if !slices.Equal(placesOf(s), want) {
		return false
	}
	var open []byte
	for _, p := range scan(s) {
		switch {
		case p.key == 'n' && !counted:
			return false
		case p.kind == '<':
			open = append(open, p.key)
		case p.kind == '/':
			if len(open) == 0 || open[len(open)-1] != p.key {
				return false
			}
			open = open[:len(open)-1]
		}
	}
	return len(open) == 0 && !strings.ContainsAny(s, "\x00\x10\x11\x12\x13")
}
