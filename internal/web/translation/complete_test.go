package translation_test

import (
	"os"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/web/translation"
)

// complete names every text that a language lacks, or whose translation has other places than the text.
func complete(t *testing.T, name string, texts map[string]*entry) {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	c, err := translation.Parse(strings.TrimSuffix(name, ".po"), raw)
	if err != nil {
		t.Fatal(err)
	}
	for key, e := range texts {
		if !c.Has(key) {
			t.Errorf("%s: %q has no translation with the same places and forms (in %s)", name, strings.ReplaceAll(key, "\x04", "::"), strings.Join(e.from, ", "))
		}
	}
}
