package item

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// likeness is a pattern of WQL's LIKE: % is any text, _ one character, [abc] and [a-z] one of these, [^…] one of no others, [%] the sign
// itself. Case does not matter, as for every comparison of text in WMI. It is cut at its % signs; match finds each piece after the
// one before, so that it takes linear time for each.
type likeness struct {
	pieces     [][]likeRune
	start, end bool // the pattern begins, or ends, with %
}

// likeRune is what one character must be.
type likeRune struct {
	any    bool
	not    bool
	r      rune // where set is empty
	ranges []likeRange
}

type likeRange struct{ from, to rune }

const maxLikes = 20_000

// like reads a pattern once.
func (c *Comparer) like(pattern string) (likeness, error) {
	if l, ok := c.likes[pattern]; ok {
		return l, nil
	}
	l, err := readLike(pattern)
	if err != nil {
		return l, err
	}
	if c.likes == nil || len(c.likes) >= maxLikes {
		c.likes = map[string]likeness{}
	}
	c.likes[pattern] = l
	return l, nil
}

// EscapeLike gives the pattern that is like exactly this text.
func EscapeLike(s string) string {
	return strings.NewReplacer("[", "[[]", "%", "[%]", "_", "[_]").Replace(s)
}

func readLike(pattern string) (l likeness, err error) {
	if len(pattern) > maxPattern || !utf8.ValidString(pattern) {
		return l, badPattern(pattern[:min(len(pattern), 40)], "it is longer than 4,096 bytes or no UTF-8")
	}
	l.start, l.end = strings.HasPrefix(pattern, "%"), strings.HasSuffix(pattern, "%")
	piece := []likeRune{}
	for rest := pattern; rest != ""; {
		r, size := utf8.DecodeRuneInString(rest)
		rest = rest[size:]
		switch r {
		case '%':
			if len(piece) > 0 || len(l.pieces) == 0 && !l.start {
				l.pieces = append(l.pieces, piece)
			}
			piece = nil
			l.end = rest == ""
		case '_':
			piece, l.end = append(piece, likeRune{any: true}), false
		case '[':
			set, after, ok := likeSet(rest)
			if !ok {
				return l, &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot read the LIKE pattern {1}", pattern), Why: "a bracket is not closed"}
			}
			piece, rest, l.end = append(piece, set), after, false
		default:
			piece, l.end = append(piece, likeRune{r: fold(r)}), false
		}
	}
	if len(piece) > 0 || len(l.pieces) == 0 {
		l.pieces = append(l.pieces, piece)
	}
	return l, nil
}

// likeSet reads what stands behind a bracket.
func likeSet(s string) (set likeRune, rest string, ok bool) {
	s, set.not = strings.CutPrefix(s, "^")
	end := strings.IndexByte(s, ']')
	if end == 0 { // the first ] stands for itself
		if end = strings.IndexByte(s[1:], ']') + 1; end == 0 {
			return set, "", false
		}
	}
	if end < 0 {
		return set, "", false
	}
	in := []rune(s[:end])
	for i := 0; i < len(in); i++ {
		r := likeRange{fold(in[i]), fold(in[i])}
		if i+2 < len(in) && in[i+1] == '-' {
			r.to = fold(in[i+2])
			i += 2
		}
		set.ranges = append(set.ranges, r)
	}
	return set, s[end+1:], true
}

func fold(r rune) rune {
	if r < utf8.RuneSelf {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}
	return unicode.ToLower(unicode.ToUpper(r))
}

func (l *likeRune) match(r rune) bool {
	switch {
	case l.any:
		return true
	case len(l.ranges) == 0 && !l.not:
		return l.r == r
	}
	for _, x := range l.ranges {
		if x.from <= r && r <= x.to {
			return !l.not
		}
	}
	return l.not
}

// match reports whether all of a text is as the pattern says.
func (l *likeness) match(s string) bool {
	for i, piece := range l.pieces {
		first, last := i == 0 && !l.start, i == len(l.pieces)-1 && !l.end
		switch {
		case last:
			n := tailOf(s, len(piece))
			if n < 0 || first && n != 0 {
				return false
			}
			return l.at(piece, s[n:]) == len(s)-n
		case first:
			n := l.at(piece, s)
			if n < 0 {
				return false
			}
			s = s[n:]
		default:
			n := l.find(piece, s)
			if n < 0 {
				return false
			}
			s = s[n:]
		}
	}
	return true
}

// tailOf gives where the last n characters begin, or -1 where there are not so many.
func tailOf(s string, n int) int {
	at := len(s)
	for ; n > 0; n-- {
		if at == 0 {
			return -1
		}
		_, size := utf8.DecodeLastRuneInString(s[:at])
		at -= size
	}
	return at
}

// at gives how many bytes of the front of s a piece takes, or -1.
func (l *likeness) at(piece []likeRune, s string) int {
	n := 0
	for i := range piece {
		r, size := rune(0), 0
		if n < len(s) && s[n] < utf8.RuneSelf {
			r, size = rune(s[n]), 1
		} else if r, size = utf8.DecodeRuneInString(s[n:]); size == 0 {
			return -1
		}
		if !piece[i].match(fold(r)) {
			return -1
		}
		n += size
	}
	return n
}

// find gives where the first occurrence of a piece ends, or -1.
func (l *likeness) find(piece []likeRune, s string) int {
	for from := 0; ; {
		if n := l.at(piece, s[from:]); n >= 0 {
			return from + n
		}
		if from >= len(s) {
			return -1
		}
		_, size := utf8.DecodeRuneInString(s[from:])
		from += size
	}
}
