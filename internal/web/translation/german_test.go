package translation_test

import (
	"errors"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/expr"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// The glossary at the top of de.po has one word for one thing. These are the other words that have crept in for it before.
func TestGermanHasOneWordForOneThing(t *testing.T) {
	raw, err := os.ReadFile("de.po")
	if err != nil {
		t.Fatal(err)
	}
	other := map[string]*regexp.Regexp{}
	for word, instead := range map[string]string{
		"Maschine": `Rechner|Computer`, "Appliance": `dieses Servers`, "Prüfung": `Erkennung|Erfassung`, "Freigabe": `[Gg]enehmig`, "Zurückstellung": `[Zz]urückhalt|zurückgehalten`,
		"Sperrzeit": `Änderungssperre|Sperrfenster`, "Wartungsfenster": `\bFensters?\b`, "Alarm": `\bWarnung`, "Schlüsselbund": `Schlüsselring`, "Signatur": `[Uu]nterschr`,
		"Update-Dienst": `Updater|Patchdienst`, "Compliance": `Erfüllung|Konformität`, "installiert": `gepatcht`, "nachgewiesen": `bewiesen|Bewiesen`, "gescheitert": `[Ff]ehlgeschlagen`,
		"Betriebssystem": `\bOS\b`, "„…“": `[”»«]`,
	} {
		other[word] = regexp.MustCompile(instead)
	}
	for line := range strings.Lines(string(raw)) {
		_, said, ok := strings.Cut(strings.TrimSpace(line), ` "`)
		if !ok || !strings.HasPrefix(line, "msgstr") {
			continue
		}
		for word, instead := range other {
			if found := instead.FindString(said); found != "" {
				t.Errorf("%q says %q, where this catalogue says %q", strings.TrimSuffix(said, `"`), found, word)
			}
		}
	}
}

// What is wrong with an expression is said in German, with its place; the marks under the place are nobody's words.
func TestFaultsOfExpressionsAreSaidInGerman(t *testing.T) {
	type thing struct {
		Name string `cel:"name"`
		Size int64  `cel:"size"`
	}
	l := expr.Language{What: "a smart label", Example: "true", Variables: []expr.Variable{{Name: "thing", Type: reflect.TypeFor[thing]()}}}
	for text, want := range map[string]string{
		`thing.nam == "x"`:        "Zeile 1, Zeichen 6: es gibt kein Feld „nam“\n  thing.nam == \"x\"\n       ^\nes gibt thing.name, thing.size",
		`thing.size == "x"`:       "Zeile 1, Zeichen 12: „==“ passt nicht zu: ganze Zahl, Text\n  thing.size == \"x\"\n             ^",
		`thing.size > 1 and true`: "Zeile 1, Zeichen 16: „and“ ist hier kein Wort: && heißt und, || heißt oder, ! heißt nicht\n  thing.size > 1 and true\n                 ^",
		`thng.size > 1`:           "Zeile 1, Zeichen 1: „thng“ ist nicht bekannt; ist „thing“ gemeint?\n  thng.size > 1\n  ^",
		`thing.size > 1 &&`:       "Zeile 1, Zeichen 18: der Ausdruck endet zu früh\n  thing.size > 1 &&\n                   ^",
		`thing.size`:              "er ergibt nicht Ja oder Nein, sondern: ganze Zahl",
	} {
		_, err := l.Compile(text)
		var fault *patch.Error
		if !errors.As(err, &fault) {
			t.Fatalf("%s: %v", text, err)
		}
		de := german(t)
		if d := cmp.Diff(want, de.Say(fault.Why)); d != "" || de.Say(fault.What) != "dieser Ausdruck ist als dynamisches Label nicht verwendbar" {
			t.Errorf("%s: %s\n%s", text, de.Say(fault.What), d)
		}
	}
}

// Agents send what Windows says by a number, and lists that were cut, as English text within their sentences.
func TestWhatWindowsSaysIsKnownAgain(t *testing.T) {
	s, de := source{t, map[string]*entry{}}, german(t)
	s.agent("internal/agent/host/updatecode.go")
	if len(s.texts) < 100 {
		t.Fatalf("only %d meanings are found", len(s.texts))
	}
	for meaning := range s.texts {
		const before, after = "the installer of Contoso 5.1 failed with exit code -5", "; to remove what it may have left: msiexec /x {4}"
		want := "das Installationsprogramm von Contoso 5.1 endete mit Exit-Code -5: " + de.Say(phrase.Phrase(meaning))
		if got := de.Say(phrase.Recall(before + ": " + meaning)); got != want {
			t.Errorf("%q is %q, want %q", meaning, got, want)
		}
		if got, want := de.Say(phrase.Recall(before+": "+meaning+after)), want+"; um Reste zu entfernen: msiexec /x {4}"; got != want {
			t.Errorf("%q with how to remove it is %q, want %q", meaning, got, want)
		}
	}
	for said, want := range map[string]string{
		"a, b, c and 2 more restart now, and 4 of the ring web may at once; it is number 2 of 3 that wait": "a, b, c und 2 weitere starten gerade neu, und vom Ring web dürfen 4 zugleich; sie ist Nummer 2 von 3 wartenden",
	} {
		if got := de.Say(phrase.Recall(said)); got != want {
			t.Errorf("%q is %q, want %q", said, got, want)
		}
	}
}
