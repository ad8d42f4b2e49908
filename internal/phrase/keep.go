package phrase

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
)

// kept stands in a kept phrase between its English and the bytes that say it in other languages.
const kept = "\x1e"

// Keep is the phrase as a text that may be stored: English first, so that everything which reads it as text reads English, and after it, where
// it has values, what other languages need. Moments are kept as such, without the now that they were said at. Recall is its inverse.
func (p Phrase) Keep() string {
	switch {
	case p == "" || p[0] > verbatim:
		return strings.ReplaceAll(string(p), kept, " ")
	case p[0] == verbatim:
		return strings.ReplaceAll(string(p[1:]), kept, " ")
	}
	p = Phrase(settled(string(p), deepest))
	return p.String() + kept + base64.RawURLEncoding.EncodeToString([]byte(p))
}

// Recall reads a text that Keep made, or one that came as text: from an agent, or stored before phrases were. That is said in other languages as
// far as it was made of the catalogue's texts, and as it is where it was not.
func Recall(s string) Phrase {
	if at := strings.LastIndex(s, kept); at >= 0 {
		if b, err := base64.RawURLEncoding.DecodeString(s[at+1:]); err == nil && len(b) > 0 && b[0] <= verbatim {
			return Phrase(b)
		}
	}
	if strings.ContainsFunc(s, func(r rune) bool { return r < ' ' }) {
		return Verbatim(s)
	}
	return Phrase(s)
}

// Scan implements sql.Scanner by Recall.
func (p *Phrase) Scan(src any) error {
	switch v := src.(type) {
	case string:
		*p = Recall(v)
	case []byte:
		*p = Recall(string(v))
	default:
		return fmt.Errorf("a phrase is stored as %T", src)
	}
	return nil
}

// settled is a phrase whose moments are said in full, whenever they are said.
func settled(p string, depth int) string {
	if p == "" || p[0] >= verbatim || depth == 0 {
		return p
	}
	if p[0] == sentence {
		return p[:1] + settled(p[1:], depth-1)
	}
	r := reader{rest: p[1:]}
	if p[0] == counted {
		r.number()
		r.text()
	}
	r.text()
	b := []byte(p[:len(p)-len(r.rest)])
	for r.rest != "" {
		kind, from := r.byte(), r.rest
		switch kind {
		case aPhrase:
			b = appendText(append(b, kind), settled(r.text(), depth-1))
			continue
		case aText:
			r.text()
		case aMoment:
			if how := r.byte(); how == relativeMoment {
				b = r.settle(append(b, kind))
				continue
			} else if how == settledMoment {
				r.time()
			}
		default:
			r.number()
		}
		b = append(append(b, kind), from[:len(from)-len(r.rest)]...)
	}
	return string(b)
}

// settle copies a moment without its now.
func (r *reader) settle(b []byte) []byte {
	r.number()
	r.number()
	b = append(b, settledMoment)
	b = binary.AppendVarint(b, r.number())
	return binary.AppendVarint(b, r.number())
}
