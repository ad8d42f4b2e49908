package phrase

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Said is what a value of a phrase may be besides those that Of takes: whatever can say itself, such as an error.
type Said interface{ Phrase() Phrase }

// Format is what fmt.Sprintf gives for a constant format, as a phrase: in English it is the same text, byte for byte. Each verb is a place, {1} the
// first; translators see %q as "{1}". A value is written as its verb has it; a Phrase, or a value that is Said, stays one.
func Format(format string, values ...any) Phrase {
	id, verbs := Places(format)
	if len(verbs) != len(values) || len(verbs) > mostPlaces || strings.Count(format, "{") > 0 {
		return Verbatim(fmt.Errorf(format, values...).Error())
	}
	if len(values) == 0 {
		return Phrase(id)
	}
	said := make([]any, len(values))
	for i, v := range values {
		if said[i] = valueOf(verbs[i], v); said[i] == nil {
			return Verbatim(fmt.Errorf(format, values...).Error())
		}
	}
	return Phrase(appendValues(appendText([]byte{withValues}, id), said))
}

// mostPlaces is how many places a text may have: what needs more is not one sentence.
const mostPlaces = 9

// Places is a format as translators see it, and its verbs in their order.
func Places(format string) (id string, verbs []string) {
	var b strings.Builder
	for format != "" {
		at := strings.IndexByte(format, '%')
		if at < 0 || at+1 == len(format) {
			break
		}
		b.WriteString(format[:at])
		if format[at+1] == '%' {
			b.WriteByte('%')
			format = format[at+2:]
			continue
		}
		end := at + 1 + len(format[at+1:]) - len(strings.TrimLeft(format[at+1:], "+-# 0123456789.*[]"))
		if end == len(format) {
			break
		}
		_, size := utf8.DecodeRuneInString(format[end:])
		verb := format[at : end+size]
		verbs = append(verbs, verb)
		place := "{" + strconv.Itoa(len(verbs)) + "}"
		if verb[len(verb)-1] == 'q' {
			place = `"` + place + `"`
		}
		b.WriteString(place)
		format = format[end+size:]
	}
	b.WriteString(format)
	return b.String(), verbs
}

// valueOf is a value as its place takes it; nil where %q gives other marks than those that its place has.
func valueOf(verb string, v any) any {
	if verb == "%s" || verb == "%w" || verb == "%v" {
		switch v := v.(type) {
		case Phrase:
			return v
		case Said:
			return v.Phrase()
		}
	}
	s := fmt.Sprintf(strings.Replace(verb, "%w", "%v", 1), v)
	switch {
	case verb[len(verb)-1] != 'q':
		return s
	case len(s) > 1 && s[0] == '"' && s[len(s)-1] == '"':
		return s[1 : len(s)-1]
	}
	return nil
}

// Quoted is a text as %q has it, without the marks around it: those belong to the language.
func Quoted(s string) string {
	q := strconv.Quote(s)
	return q[1 : len(q)-1]
}
