package gate

import (
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/phrase"
)

// A gate's words are English for JSON and the command line, and can be said in another language, values and nested texts with them.
func TestGatesCanBeSaidInAnotherLanguage(t *testing.T) {
	w := good()
	w.Revision = nil
	a := Walk(w)
	german := phrase.NewLanguage("de", map[string][]string{
		"no catalog is published for {1}": {"für {1} ist kein Katalog veröffentlicht"},
		`approved for "{1}", but {2}`:     {"für „{1}“ freigegeben, aber {2}"},
	}, nil)
	if got, want := a.Sentence.String(), `Approved for "web", but no catalog is published for debian-12-amd64.`; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	if got, want := german.Say(a.Sentence), "Für „web“ freigegeben, aber für debian-12-amd64 ist kein Katalog veröffentlicht."; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	if feed := Walk(good()).Gate(Feed).Text; !strings.Contains(feed.String(), "brings it, last good ") {
		t.Errorf("the feed gate says %q", feed)
	}
}
