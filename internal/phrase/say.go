package phrase

import (
	"bytes"
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

// usual is how long most of what phrases say is.
const usual = 96

// Say is the phrase in the language; in English where the language lacks it.
func (l *Language) Say(p Phrase) string {
	if p == "" || p[0] > verbatim {
		return l.plain(string(p))
	}
	return string(l.say(make([]byte, 0, usual), string(p), deepest))
}

// say appends what a phrase says. Bytes that no function here made are written as they are.
func (l *Language) say(b []byte, p string, depth int) []byte {
	if p == "" || p[0] > verbatim || depth == 0 {
		return append(b, l.plain(p)...)
	}
	r := reader{rest: p[1:]}
	switch p[0] {
	case verbatim:
		return append(b, p[1:]...)
	case sentence:
		from := len(b)
		return asSentence(l.say(b, p[1:], depth-1), from, !l.named(p[1:], depth-1))
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

// placed is a value of a text: its bytes, and where it has been written already.
type placed struct {
	reader
	written  bool
	from, to int
}

// fill writes a text with its values in its places.
func (l *Language) fill(b []byte, text, n string, r *reader, depth int) []byte {
	var values [9]placed
	count, begin := 0, len(b)
	for ; count < len(values) && r.rest != ""; count++ {
		values[count].reader = *r
		r.skip()
	}
	for {
		at := strings.IndexByte(text, '{')
		if at < 0 || at+2 >= len(text) || len(b)-begin > longest {
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
			v := &values[k-'1']
			if v.written {
				b = append(b, b[v.from:v.to]...)
				break
			}
			v.written, v.from = true, len(b)
			b = l.value(b, &v.reader, depth)
			v.to = len(b)
		default:
			b = append(b, text[at:at+3]...)
		}
		text = text[at+3:]
	}
}

// value appends what the next value says.
func (l *Language) value(b []byte, r *reader, depth int) []byte {
	switch r.byte() {
	case aText:
		return append(b, r.text()...)
	case aPhrase:
		return l.say(b, r.text(), depth-1)
	case aNumber:
		return append(b, l.Number(int(r.number()))...)
	case aSize:
		return append(b, l.Size(r.number())...)
	case aSpan:
		return append(b, l.Span(time.Duration(r.number()))...)
	case aMoment:
		switch r.byte() {
		case noMoment:
			return append(b, l.text(string(never))...)
		case settledMoment:
			return append(b, l.Moment(r.time())...)
		}
		return append(b, l.When(r.time(), r.time())...)
	}
	return b
}

// skip passes over the next value; what no function here made ends there.
func (r *reader) skip() {
	switch r.byte() {
	case aText, aPhrase:
		r.text()
	case aNumber, aSize, aSpan:
		r.number()
	case aMoment:
		switch r.byte() {
		case noMoment:
		case settledMoment:
			r.number()
			r.number()
		default:
			for range 4 {
				r.number()
			}
		}
	default:
		r.rest = ""
	}
}

// asSentence gives a clause, which is what b has from there on, its capital, if it may have one, and its full stop.
func asSentence(b []byte, from int, capital bool) []byte {
	s := bytes.TrimRight(bytes.TrimSpace(b[from:]), ".")
	first, size := utf8.DecodeRune(s)
	if size == 0 {
		return b[:from]
	}
	if capital {
		first = unicode.ToUpper(first)
	}
	if utf8.RuneLen(first) == size {
		b = append(b[:from], s...)
		utf8.EncodeRune(b[from:], first)
		return append(b, '.')
	}
	rest := string(s[size:])
	return append(append(utf8.AppendRune(b[:from], first), rest...), '.')
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
		r.skip()
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
