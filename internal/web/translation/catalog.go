package translation

import (
	"embed"
	"fmt"
	"path"
	"strings"

	"github.com/leonelquinteros/gotext"
	"github.com/leonelquinteros/gotext/plurals"

	"github.com/fettle-project/fettle/internal/phrase"
)

//go:embed *.po
var catalogs embed.FS

// Catalog is one language's texts.
type Catalog struct {
	*phrase.Language
	texts   map[string][]string // by English text, a context before it
	plurals string              // the rule as catalogues write it; empty for English
	forms   int
}

// Read makes the languages: English first, then one for each catalogue.
func Read() ([]*Catalog, error) {
	all := []*Catalog{{Language: phrase.English, forms: 2}}
	names, err := catalogs.ReadDir(".")
	if err != nil {
		return nil, err
	}
	for _, n := range names {
		raw, err := catalogs.ReadFile(n.Name())
		if err != nil {
			return nil, err
		}
		c, err := Parse(strings.TrimSuffix(n.Name(), path.Ext(n.Name())), raw)
		if err != nil {
			return nil, fmt.Errorf("cannot read catalogue %s: %w", n.Name(), err)
		}
		all = append(all, c)
	}
	return all, nil
}

// Parse reads a catalogue. A translation that has not the same places and links as its English text is left out, so that its text is said in English.
func Parse(tag string, raw []byte) (*Catalog, error) {
	po := gotext.NewPo()
	po.Parse(raw)
	domain := po.GetDomain()
	rule := domain.PluralForms
	var count int
	if _, err := fmt.Sscanf(strings.TrimSpace(rule), "nplurals=%d;", &count); err != nil {
		return nil, fmt.Errorf("it says nothing about plural forms: %w", err)
	}
	_, formula, _ := strings.Cut(rule, "plural=")
	formula = strings.TrimSuffix(strings.TrimSpace(formula), ";")
	plural, err := plurals.Compile(formula)
	if err != nil {
		return nil, fmt.Errorf("cannot understand its plural forms: %w", err)
	}
	c := &Catalog{texts: map[string][]string{}, plurals: rule, forms: count}
	for id, t := range domain.GetTranslations() {
		c.add("", id, t)
	}
	for context, texts := range domain.GetCtxTranslations() {
		for id, t := range texts {
			c.add(context+contextEnd, id, t)
		}
	}
	c.Language = phrase.NewLanguage(tag, c.texts, func(n int) int { return plural.Eval(uint32(max(n, -n))) })
	return c, nil
}

// contextEnd is between a context and its text.
const contextEnd = "\x04"

func (c *Catalog) add(context, id string, t *gotext.Translation) {
	if id == "" {
		return
	}
	want, forms := placesOf(id), 1
	if t.PluralID != "" {
		forms = c.forms
	}
	var said []string
	for i := range forms {
		s := t.Trs[i]
		if s == "" || !fits(s, want, t.PluralID != "") {
			return
		}
		said = append(said, s)
	}
	c.texts[context+id] = said
}

// Has says whether the catalogue has a text, by its key.
func (c *Catalog) Has(key string) bool { return c.texts[key] != nil }
