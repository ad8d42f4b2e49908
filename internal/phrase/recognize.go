package phrase

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// pattern is a text of the catalogue, taken apart for finding sentences that were made of it somewhere else.
type pattern struct {
	id, said string
	words    []string // what stands before, between and after the places
	places   []byte   // '1' … '9', in their order
	letters  int      // how many of them are letters
}

// What is looked at before a text is said as it came: a sentence of ours is shorter and put together from fewer, and who sends more must not cost
// much.
const longestKnown, mostLooks = 2000, 60

// recognizing is the search for what one text was made of.
type recognizing struct {
	*Language
	looks int // that may be taken still
}

// recognize says an English text that came without its parts in the language, as far as it was made of the catalogue's texts: agents send
// their sentences as text, older versions stored them so, and errors are put together from several. A value stays as it is unless it is such
// a text itself. False where nothing is known of it.
func (l *Language) recognize(s string) (string, bool) {
	if said, ok := l.texts[s]; ok {
		return said[0], true
	}
	if len(l.known) == 0 || len(s) > longestKnown {
		return "", false
	}
	return (&recognizing{l, mostLooks}).find(s)
}

func (r *recognizing) find(s string) (string, bool) {
	if r.looks--; r.looks < 0 || strings.IndexByte(s, ' ') < 0 {
		return "", false
	}
	if said, ok := r.whole(s); ok {
		return said, true
	}
	for _, between := range []string{"\n", "; ", ". ", ": "} {
		if said, ok := r.eachPart(s, between); ok {
			return said, true
		}
	}
	return "", false
}

// whole says what is one text, as a clause or as a sentence.
func (r *recognizing) whole(s string) (string, bool) {
	if said, ok := r.match(s); ok {
		return said, true
	}
	if said, ok := r.texts[s+"."]; ok {
		return strings.TrimSuffix(said[0], "."), true
	}
	clause := strings.TrimSuffix(s, ".")
	first, size := utf8.DecodeRuneInString(clause)
	if said, ok := r.match(clause); ok && clause != s {
		return said + s[len(clause):], true
	}
	if said, ok := r.match(string(unicode.ToLower(first)) + clause[size:]); ok && unicode.IsUpper(first) {
		first, size = utf8.DecodeRuneInString(said)
		return string(unicode.ToUpper(first)) + said[size:] + s[len(clause):], true
	}
	return "", false
}

// eachPart says those parts of a text that are known; false where none is. After a colon the rest is one part.
func (r *recognizing) eachPart(s, between string) (string, bool) {
	parts := strings.Split(s, between)
	if between == ": " {
		parts = strings.SplitN(s, between, 2)
	}
	some := false
	for i, part := range parts {
		if len(parts) == 1 {
			break
		}
		if said, ok := r.find(part); ok {
			parts[i], some = said, true
		}
	}
	return strings.Join(parts, between), some
}

// match finds the text that has most of a sentence's words.
func (r *recognizing) match(s string) (string, bool) {
	if said, ok := r.texts[s]; ok {
		return said[0], true
	}
	var fit []*pattern
	for word := range strings.FieldsFuncSeq(s, notLetter) {
		for _, p := range r.known[word] {
			if _, ok := p.values(s); ok && !slices.Contains(fit, p) {
				fit = append(fit, p)
			}
		}
	}
	slices.SortFunc(fit, func(a, b *pattern) int { return cmp.Or(b.letters-a.letters, strings.Compare(a.id, b.id)) })
	for _, p := range fit {
		if said, ok := r.fill(p, s); ok {
			return said, true
		}
	}
	return "", false
}

// fill says a text with what stands in its places in a sentence; false where that is no value of it but a part of another sentence.
func (r *recognizing) fill(p *pattern, s string) (string, bool) {
	values, _ := p.values(s)
	for i, key := range p.places {
		v, before := &values[key-'1'], p.words[i]
		if strings.HasSuffix(before, `"`) {
			continue // what somebody else said
		}
		if said, ok := r.find(*v); ok {
			*v = said
		} else if !strings.HasSuffix(before, ": ") && !strings.HasSuffix(before, "(") && clausal(*v) {
			return "", false
		}
	}
	var b strings.Builder
	rest := p.said
	for {
		at, key := nextPlace(rest)
		if at < 0 {
			return b.String() + rest, true
		}
		b.WriteString(rest[:at])
		b.WriteString(values[key-'1'])
		rest = rest[at+3:]
	}
}

// clausal reports whether a text has words that make it more than a name or a number.
func clausal(s string) bool {
	for word := range strings.FieldsFuncSeq(s, notLetter) {
		switch word {
		case "is", "are", "was", "were", "has", "have", "had", "be", "been", "not", "it", "its", "the", "of", "that", "which", "so", "but", "could", "cannot":
			return true
		}
	}
	return strings.Contains(s, ": ")
}

// values are what stands in a text's places; none is empty but what may be added to the one before. False where the text is another one.
func (p *pattern) values(s string) (out [9]string, ok bool) {
	rest, ok := strings.CutPrefix(s, p.words[0])
	if !ok {
		return out, false
	}
	for i, key := range p.places {
		word, at := p.words[i+1], 0
		switch {
		case i+1 == len(p.places) && !strings.HasSuffix(rest, word):
			return out, false
		case i+1 == len(p.places):
			at = len(rest) - len(word)
		case word == "": // what is added to this value begins like an addition
			if at = strings.IndexAny(rest, ",;: "); at < 0 {
				at = len(rest)
			}
		case rest != "":
			at = 1 + strings.Index(rest[1:], word)
		}
		if at < 0 || at == 0 && (i == 0 || p.words[i] != "") || out[key-'1'] != "" && out[key-'1'] != rest[:at] {
			return out, false
		}
		out[key-'1'], rest = rest[:at], rest[at+len(word):]
	}
	return out, true
}

// recognizable puts those texts together that a sentence can be recognized by, each under its longest word: it has places, and enough words
// that nobody else's sentence is taken for it, fewer where it begins with them.
func recognizable(texts map[string][]string) map[string][]*pattern {
	out := map[string][]*pattern{}
	for id, said := range texts {
		if strings.IndexByte(id, separator) >= 0 || len(said) != 1 || strings.Contains(id, "{n}") {
			continue
		}
		p := &pattern{id: id, said: said[0]}
		words, key := 0, ""
		for rest := id; ; {
			at, place := nextPlace(rest)
			if at < 0 {
				at = len(rest)
			}
			p.words = append(p.words, rest[:at])
			for _, w := range strings.FieldsFunc(bounded(rest[:at], len(p.words) > 1, place != 0), notLetter) {
				words, p.letters = words+1, p.letters+len(w)
				if len(w) > len(key) {
					key = w
				}
			}
			if place == 0 {
				break
			}
			p.places, rest = append(p.places, place), rest[at+3:]
		}
		if beginning := p.words[0] != ""; len(p.places) == 0 || len(key) < 3 || words < 2 && (!beginning || len(key) == 3) {
			continue
		}
		out[key] = append(out[key], p)
	}
	return out
}

// bounded is a text without the words that touch a place, of which a sentence may have more.
func bounded(s string, after, before bool) string {
	if after {
		s = strings.TrimLeftFunc(s, unicode.IsLetter)
	}
	if before {
		s = strings.TrimRightFunc(s, unicode.IsLetter)
	}
	return s
}

func notLetter(r rune) bool { return !unicode.IsLetter(r) }

// nextPlace finds the next {1} … {9} of a text; -1 and 0 where there is none.
func nextPlace(s string) (at int, key byte) {
	for at = 0; at+3 <= len(s); at++ {
		if s[at] == '{' && s[at+1] >= '1' && s[at+1] <= '9' && s[at+2] == '}' {
			return at, s[at+1]
		}
	}
	return -1, 0
}
