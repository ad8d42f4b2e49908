package translation_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/net/html"

	"github.com/fettle-project/fettle/internal/web/translation"
)

// unconverted are the templates whose texts do not stand in brackets yet. The list only gets shorter.
var unconverted = []string{}

// TestEveryVisibleTextIsTranslated finds words that a template shows and does not have in brackets.
func TestEveryVisibleTextIsTranslated(t *testing.T) {
	for name, raw := range templates(t) {
		bare, err := visible(raw)
		switch {
		case err != nil:
			t.Errorf("%s: %v", name, err)
		case !slices.Contains(unconverted, name):
			for _, s := range bare {
				t.Errorf("%s: %q is not in [[…]], so it stays English in every language", name, s)
			}
		case len(bare) == 0:
			t.Errorf("%s is converted: take it off the list", name)
		}
	}
}

func TestVisibleTextIsFound(t *testing.T) {
	for source, want := range map[string]string{
		`<p>[[Hello <b>you</b>]]</p>`:                               "",
		`<p>Hello</p>`:                                              "Hello",
		`<p>[[Hello]] you</p>`:                                      "you",
		`<a title="[[Go]]" href="/x">{{.Name}}</a>`:                 "",
		`<a title="Go" href="/x">{{.Name}}</a>`:                     "Go",
		`<td data-th="Seen">{{if .X}}<code>ls</code>{{end}}`:        "Seen",
		`<input placeholder="{{.X}} or so">`:                        "or so",
		`{{if .X}}open{{else}}[[closed]]{{end}}`:                    "open",
		`<p>{{num .N}} {{plural .N "patch" "patches"}}</p>`:         `{{plural .N "patch" "patches"}}`,
		`<pre>fettle login</pre><p translate="no">Fettle</p>`:       "",
		`<button>{{/* nothing */}}</button><!-- nothing either -->`: "",
	} {
		got, err := visible(source)
		if err != nil || strings.Join(got, "|") != want {
			t.Errorf("%s: %q, %v; want %q", source, got, err, want)
		}
	}
}

// visible lists the words that a template's source shows outside of its texts.
func visible(source string) ([]string, error) {
	rest, err := translation.Outside(source)
	if err != nil {
		return nil, err
	}
	var out []string
	actions := regexp.MustCompile(`(?s){{.*?}}`)
	for _, a := range actions.FindAllString(rest, -1) {
		if regexp.MustCompile(`\bplural\b`).MatchString(a) {
			out = append(out, a)
		}
	}
	rest = actions.ReplaceAllString(rest, " ")
	quiet, depth := "", 0 // the element whose words are not ours to translate, and how deep in others of its name we are
	for z := html.NewTokenizer(strings.NewReader(rest)); ; {
		switch z.Next() {
		case html.ErrorToken:
			return out, nil
		case html.TextToken:
			if s := words(string(z.Text())); s != "" && quiet == "" {
				out = append(out, html.UnescapeString(s))
			}
		case html.StartTagToken:
			tag := z.Token()
			out = append(out, shown(tag)...)
			if quiet == "" && untranslated(tag) {
				quiet = tag.Data
			}
			if tag.Data == quiet {
				depth++
			}
		case html.SelfClosingTagToken:
			out = append(out, shown(z.Token())...)
		case html.EndTagToken:
			if quiet != "" && z.Token().Data == quiet {
				if depth--; depth == 0 {
					quiet = ""
				}
			}
		}
	}
}

// shown lists the words in a tag's attributes that people see or hear.
func shown(tag html.Token) []string {
	var out []string
	if slices.Contains(tag.Attr, html.Attribute{Key: "translate", Val: "no"}) {
		return nil
	}
	for _, a := range tag.Attr {
		seen := slices.Contains([]string{"aria-label", "aria-description", "aria-roledescription", "title", "placeholder", "alt", "data-th", "data-empty", "data-some", "data-every", "label", "summary"}, a.Key) ||
			a.Key == "value" && tag.Data == "input" && slices.ContainsFunc(tag.Attr, func(x html.Attribute) bool { return x.Key == "type" && (x.Val == "submit" || x.Val == "button") })
		if s := words(a.Val); seen && s != "" {
			out = append(out, s)
		}
	}
	return out
}

// untranslated elements hold what people type, drawings, or what says so itself.
func untranslated(tag html.Token) bool {
	return slices.Contains([]string{"code", "pre", "kbd", "samp", "script", "style", "svg", "noscript"}, tag.Data) ||
		slices.ContainsFunc(tag.Attr, func(a html.Attribute) bool { return a.Key == "translate" && a.Val == "no" })
}

// words is a text with its spaces tidied; empty where it has no words, or only our own name.
func words(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if strings.IndexFunc(strings.ReplaceAll(s, "Fettle", ""), unicode.IsLetter) < 0 {
		return ""
	}
	return s
}
