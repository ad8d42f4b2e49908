package translation_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
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
