package phrase

import (
	"encoding/binary"
	"strconv"
	"strings"
	"time"
)

// Phrase is a text that people read. Written as a constant it is English that translators get to see, so every constant of this type is one of the
// catalogue's texts; as Of gives it, it is such a text with values in its places {1}, {2}, …. A text from elsewhere (a machine's, a feed's)
// becomes a Phrase by Verbatim. A word that English uses
// with several meanings has a context before it, and \x04 between: "verdict\x04unknown". It is a string underneath, so the empty one is empty for templates and for JSON too, equal ones are
// equal, and a Phrase of constant text costs nothing. Its bytes are nobody's business: String, Text and In say it.
type Phrase string

// Size is a number of bytes among the values of a phrase.
type Size int64

// Moment is a time among the values of a phrase, said as people say it at Now, in Now's zone: "today 06:12". Without a Now it is said in full, in
// its own zone: "14 Oct 2025 10:02 UTC".
type Moment struct{ Now, T time.Time }

// At is T as it is said at now.
func At(now, t time.Time) Moment { return Moment{now, t} }

// On is t in full, in the zone of now: for a sentence that "today" would not fit.
func On(now, t time.Time) Moment { return Moment{T: t.In(now.Location())} }

// The first byte of a phrase with values, and of each value. A constant text begins with none of them.
const (
	withValues = 0x10 // id, then values
	counted    = 0x11 // number, text for one, text for many, then values
	sentence   = 0x12 // one phrase, as a sentence of its own
	verbatim   = 0x13 // a text that is not ours

	aText   = 's'
	aPhrase = 'p'
	aNumber = 'n'
	aMoment = 't'
	aSpan   = 'd'
	aSize   = 'b'
	// How a moment is written: never, as it is said at a now, or by itself.
	noMoment, relativeMoment, settledMoment = 0, 1, 2

	separator = 0x04 // between a context and its text, as in catalogues of gettext
)

// Of is a text with its values, each a string, a Phrase, an int, a Moment, a Size or a time.Duration. {1} in the text is where the first goes.
// A string is data, and is written as it is.
func Of(id Phrase, values ...any) Phrase {
	if len(values) == 0 {
		return id
	}
	var room [192]byte
	return Phrase(appendValues(appendText(append(room[:0], withValues), string(id)), values))
}

// Count is a text about n things: one where the language says n as one, many otherwise. {n} in them is the number, written in the reader's way.
func Count(n int, one, many Phrase, values ...any) Phrase {
	var room [192]byte
	b := binary.AppendVarint(append(room[:0], counted), int64(n))
	return Phrase(appendValues(appendText(appendText(b, string(one)), string(many)), values))
}

// Join is a list of phrases with the same separator between any two, which is no word.
func Join(parts []Phrase, separator string) Phrase {
	switch {
	case len(parts) == 0:
		return ""
	case len(parts) == 1:
		return parts[0]
	case len(parts) > mostPlaces:
		parts = append(append([]Phrase{}, parts[:mostPlaces-1]...), Join(parts[mostPlaces-1:], separator))
	}
	id := "{1}"
	for k := 2; k <= len(parts); k++ {
		id += separator + "{" + strconv.Itoa(k) + "}"
	}
	b := appendText([]byte{withValues}, id)
	for _, p := range parts {
		b = appendText(append(b, aPhrase), string(p))
	}
	return Phrase(b)
}

// Sentence makes a sentence of a clause: with a capital and a full stop.
func Sentence(p Phrase) Phrase {
	if p == "" {
		return ""
	}
	return Phrase(rune(sentence)) + p
}

// Clause takes back what Sentence did, for putting a sentence into another one. A text that somebody else wrote loses its full stop, and its
// capital unless that begins an abbreviation.
func Clause(p Phrase) Phrase {
	switch {
	case p == "":
		return ""
	case p[0] == sentence:
		return p[1:]
	case p[0] < verbatim:
		return p
	}
	whole := strings.TrimPrefix(string(p), string(rune(verbatim)))
	s := strings.TrimRight(strings.TrimSpace(whole), ".")
	if len(s) > 1 && s[0] >= 'A' && s[0] <= 'Z' && (s[1] >= 'a' && s[1] <= 'z' || s[1] == ' ') {
		s = strings.ToLower(s[:1]) + s[1:]
	}
	switch {
	case s == whole:
		return p
	case p[0] == verbatim:
		return Verbatim(s)
	}
	return Phrase(s)
}

// Verbatim is a text that somebody else wrote, in whatever language.
func Verbatim(s string) Phrase {
	if s == "" {
		return ""
	}
	return Phrase(rune(verbatim)) + Phrase(s)
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendValues(b []byte, values []any) []byte {
	for _, v := range values {
		switch v := v.(type) {
		case string:
			b = appendText(append(b, aText), v)
		case Phrase:
			b = appendText(append(b, aPhrase), string(v))
		case int:
			b = binary.AppendVarint(append(b, aNumber), int64(v))
		case Size:
			b = binary.AppendVarint(append(b, aSize), int64(v))
		case time.Duration:
			b = binary.AppendVarint(append(b, aSpan), int64(v))
		case Moment:
			b = appendMoment(append(b, aMoment), v)
		default:
			panic("phrase: a value is neither a string, a Phrase, an int, a Moment, a Size nor a time.Duration")
		}
	}
	return b
}

// appendMoment writes what is needed to say it later: both moments and their zone's offsets. A zero time is written as no more than that.
func appendMoment(b []byte, m Moment) []byte {
	if m.T.IsZero() {
		return append(b, noMoment)
	}
	if m.Now.IsZero() {
		_, at := m.T.Zone()
		return binary.AppendVarint(binary.AppendVarint(append(b, settledMoment), m.T.Unix()), int64(at))
	}
	t := m.T.In(m.Now.Location())
	_, at := t.Zone()
	_, now := m.Now.Zone()
	b = binary.AppendVarint(append(b, relativeMoment), m.Now.Unix())
	b = binary.AppendVarint(b, int64(now))
	b = binary.AppendVarint(b, t.Unix())
	return binary.AppendVarint(b, int64(at))
}

// String is the phrase in English.
func (p Phrase) String() string { return English.Say(p) }

// MarshalText is the phrase in English: so it is in JSON.
func (p Phrase) MarshalText() ([]byte, error) {
	return p.AppendEnglish(make([]byte, 0, usual)), nil
}

// AppendEnglish appends what MarshalText gives.
func (p Phrase) AppendEnglish(b []byte) []byte {
	if p == "" || p[0] > verbatim {
		return append(b, English.text(string(p))...)
	}
	return English.say(b, string(p), deepest)
}

// UnmarshalText takes a text as it came: whoever reads it has the English.
func (p *Phrase) UnmarshalText(b []byte) error {
	*p = Phrase(b)
	if len(b) > 0 && b[0] <= verbatim {
		*p = Verbatim(string(b))
	}
	return nil
}
