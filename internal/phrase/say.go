package phrase

import (
	"encoding/binary"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// deepest is how far phrases may be nested: hostile bytes could claim any depth.
const deepest = 12

// longest bounds what one text says in bytes: places may be many, and what goes there long.
const longest = 1 << 16

// Say is the phrase in the language; in English where the language lacks it.
func (l *Language) Say(p Phrase) string {
	if p == "" || p[0] > verbatim {
		return l.text(string(p))
	}
	var room [256]byte
	return string(l.say(room[:0], string(p), deepest))
}

// say appends what a phrase says. Bytes that no function here made are written as they are.
func (l *Language) say(b []byte, p string, depth int) []byte {
	if p == "" || p[0] > verbatim || depth == 0 {
		return append(b, l.text(p)...)
	}
	r := reader{rest: p[1:]}
	switch p[0] {
	case verbatim:
		return append(b, p[1:]...)
	case sentence:
		return asSentence(b, l.say(nil, p[1:], depth-1), !l.named(p[1:], depth-1))
	case withValues:
		id := r.text()
		return l.fill(b, l.text(id), "", &r, depth)
	case counted:
		n, one, many := r.number(), r.text(), ""
		many = r.text()
		return l.fill(b, l.counted(int(n), one, many), l.Number(int(n)), &r, depth)
	}
	return append(b, p...)
}

// fill writes a text with its values in its places.
func (l *Language) fill(b []byte, text, n string, r *reader, depth int) []byte {
	var values [9]string
	count := 0
	for ; count < len(values) && r.rest != ""; count++ {
		values[count] = l.value(r, depth)
	}
	for {
		at := strings.IndexByte(text, '{')
		if at < 0 || at+2 >= len(text) || len(b) > longest {
			return append(b, text...)
		}
		b = append(b, text[:at]...)
		switch k := text[at+1]; {
		case text[at+2] != '}':
			b, text = append(b, '{'), text[at+1:]
			continue
		case k == 'n':
			b = append(b, n...)
		case k >= '1' && int(k-'1') < count:
			b = append(b, values[k-'1']...)
		default:
			b = append(b, text[at:at+3]...)
		}
		text = text[at+3:]
	}
}

func (l *Language) value(r *reader, depth int) string {
	switch r.byte() {
	case aText:
		return r.text()
	case aPhrase:
		return string(l.say(nil, r.text(), depth-1))
	case aNumber:
		return l.Number(int(r.number()))
	case aSize:
		return l.Size(r.number())
	case aSpan:
		return l.Span(time.Duration(r.number()))
	case aMoment:
		switch r.byte() {
		case noMoment:
			return l.text(string(never))
		case settledMoment:
			return l.Moment(r.time())
		}
		return l.When(r.time(), r.time())
	}
	r.rest = ""
	return ""
}

// asSentence gives a clause its capital, if it may have one, and its full stop.
func asSentence(b, clause []byte, capital bool) []byte {
	s := strings.TrimRight(strings.TrimSpace(string(clause)), ".")
	first, size := utf8.DecodeRuneInString(s)
	if size == 0 {
		return b
	}
	if capital {
		first = unicode.ToUpper(first)
	}
	return append(append(utf8.AppendRune(b, first), s[size:]...), '.')
}

// named reports whether a phrase begins with a name, which is written as it is: perl-base, web-14.
func (l *Language) named(p string, depth int) bool {
	if p == "" || p[0] != withValues && p[0] != counted || depth == 0 {
		return false
	}
	r := reader{rest: p[1:]}
	var text string
	if p[0] == withValues {
		text = l.text(r.text())
	} else {
		n, one := r.number(), r.text()
		text = l.counted(int(n), one, r.text())
	}
	if len(text) < 3 || text[0] != '{' || text[2] != '}' || text[1] < '1' || text[1] > '9' {
		return false
	}
	for range text[1] - '1' {
		l.value(&r, depth)
	}
	switch r.byte() {
	case aText:
		return true
	case aPhrase:
		return l.named(r.text(), depth-1)
	}
	return false
}

// reader takes a phrase's bytes apart; what is cut short reads as nothing.
type reader struct{ rest string }

func (r *reader) byte() byte {
	if r.rest == "" {
		return 0
	}
	b := r.rest[0]
	r.rest = r.rest[1:]
	return b
}

func (r *reader) number() int64 {
	n, size := binary.Varint([]byte(r.rest[:min(len(r.rest), binary.MaxVarintLen64)]))
	r.rest = r.rest[max(size, 0):]
	return n
}

func (r *reader) text() string {
	n, size := binary.Uvarint([]byte(r.rest[:min(len(r.rest), binary.MaxVarintLen64)]))
	if size <= 0 || n > uint64(len(r.rest)-size) {
		r.rest = ""
		return ""
	}
	s := r.rest[size : size+int(n)]
	r.rest = r.rest[size+int(n):]
	return s
}

func (r *reader) time() time.Time {
	at, offset := r.number(), r.number()
	if offset > math.MaxInt32 || offset < math.MinInt32 {
		offset = 0
	}
	return time.Unix(at, 0).In(time.FixedZone("", int(offset)))
}
