package phrase_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fettle-project/fettle/internal/phrase"
)

// saying is an error that can say itself.
type saying struct{ p phrase.Phrase }

func (s saying) Error() string         { return s.p.String() }
func (s saying) Phrase() phrase.Phrase { return s.p }

func TestFormatIsSprintfInEnglish(t *testing.T) {
	formats := []string{"the machine %s is %s", "no label is called %q", "%d of 100 %% of %s", "%.3q is none", "%[1]s twice", "%v: %w", "it waits %s", "%-8s|", "{1} and %s", "%T of %d"}
	rapid.Check(t, func(t *rapid.T) {
		format := rapid.SampledFrom(formats).Draw(t, "format")
		_, verbs := phrase.Places(format)
		values := make([]any, len(verbs))
		for i := range verbs {
			text := rapid.String().Draw(t, "text")
			values[i] = rapid.SampledFrom([]any{text, rapid.Int().Draw(t, "n"), errors.New(text), time.Minute, phrase.Verbatim("x" + text), saying{phrase.Of("a {1}", text)}}).Draw(t, "value")
			if _, is := values[i].(error); verbs[i] == "%w" && !is {
				values[i] = errors.New(text)
			}
		}
		if got, want := phrase.Format(format, values...).String(), fmt.Errorf(format, values...).Error(); got != want {
			t.Fatalf("%q, fmt says %q", got, want)
		}
	})
}

func TestFormatSaysItsValuesInTheLanguage(t *testing.T) {
	de := phrase.NewLanguage("de", map[string][]string{
		`no label is called "{1}"`: {"kein Label heißt „{1}“"}, "cannot plan: {1}": {"der Plan geht nicht: {1}"}, "it is {1}": {"es ist {1}"}, "late": {"spät"},
	}, nil)
	for want, p := range map[string]phrase.Phrase{
		`kein Label heißt „a\"b“`:       phrase.Format("no label is called %q", `a"b`),
		"der Plan geht nicht: es ist 5": phrase.Format("cannot plan: %s", saying{phrase.Format("it is %d", 5)}),
		"es ist spät":                   phrase.Format("it is %s", phrase.Phrase("late")),
		"der Plan geht nicht: EOF":      phrase.Format("cannot plan: %s", errors.New("EOF")),
	} {
		if got := de.Say(p); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}
