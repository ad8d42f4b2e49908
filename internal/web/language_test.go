package web

import (
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/web/translation"
)

func TestThePageIsInTheReadersLanguage(t *testing.T) {
	h := fleet().open(t)
	for _, c := range []struct{ accept, cookie, want string }{
		{"", "", "en"}, {"de", "", "de"}, {"de-AT,de;q=0.9,en;q=0.8", "", "de"}, {"en;q=0.5,de;q=0.7", "", "de"}, {"en-US,en;q=0.9,de;q=0.1", "", "en"}, {"fr,de;q=0.3", "", "de"}, {"de;q=0", "", "en"},
		{"de", "en", "en"}, {"en", "de", "de"}, {"", "xx", "en"}, {strings.Repeat("x;q=1,", 3000), "", "en"}, {"de;q=nan,de;q=x", "", "en"},
	} {
		headers := []string{"Accept-Language", c.accept}
		if c.cookie != "" {
			headers = append(headers, "Cookie", "__Host-fettle="+goodSecret+"; "+languageCookie+"="+c.cookie)
		}
		got := ask(h, http.MethodGet, "/machines", nil, headers...)
		if !strings.Contains(got.Body.String(), `<html lang="`+c.want+`"`) {
			t.Errorf("accepting %.40q with the cookie %q is not answered in %s", c.accept, c.cookie, c.want)
		}
		if v := strings.Join(got.Header().Values("Vary"), ", "); !strings.Contains(v, "Accept-Language") || !strings.Contains(v, "Cookie") {
			t.Errorf("the answer varies by %q", v)
		}
	}
}

func TestEveryPageInGerman(t *testing.T) {
	w := fleet()
	h := w.open(t)
	for _, a := range w.addresses() {
		got := ask(h, http.MethodGet, a, nil, "Accept-Language", "de")
		if got.Code != http.StatusOK || !strings.Contains(got.Body.String(), `<html lang="de"`) || !strings.Contains(got.Body.String(), "Zum Inhalt springen") {
			t.Errorf("%s: status %d: %.200s", a, got.Code, got.Body)
			continue
		}
		checkPage(t, a, got.Body.String())
	}
	home := ask(h, http.MethodGet, "/", nil, "Accept-Language", "de").Body.String()
	for _, want := range []string{"Zu entscheiden", "Maschinen</a>", "Neustart aus", "heute 0", "<title>Start · Fettle"} {
		if !strings.Contains(home, want) {
			t.Errorf("the German home page does not say %q", want)
		}
	}
}

func TestALanguageIsChosen(t *testing.T) {
	h := fleet().open(t)
	got := ask(h, http.MethodPost, "/language", url.Values{"language": {"de"}, "back": {"/machines?show=stuck"}})
	c := got.Result().Cookies()
	if got.Header().Get("Location") != "/machines?show=stuck" || len(c) != 1 || c[0].Name != languageCookie || c[0].Value != "de" || !c[0].Secure || !c[0].HttpOnly || c[0].SameSite != http.SameSiteStrictMode {
		t.Errorf("status %d to %s, cookies %v", got.Code, got.Header().Get("Location"), c)
	}
	if got = ask(h, http.MethodPost, "/language", url.Values{"language": {"xx"}, "back": {"//evil.example"}}); got.Header().Get("Location") != "/" || len(got.Result().Cookies()) > 0 {
		t.Errorf("a language that is none: to %s, cookies %v", got.Header().Get("Location"), got.Result().Cookies())
	}
}

// A translation is text, whatever is in it: it brings in no markup, no action and no other place than its English text has.
func TestATranslationIsNeverMoreThanText(t *testing.T) {
	const source = `{{define "x"}}<p title="[[Go, {{.Name}}]]">[[Hello {{.Name}}, see <a href="/x">this</a>.]] [[#.N|{n} thing|{n} things]] {{.Said}}</p>{{end}}`
	evil := `<script>alert(1)</script>" onclick="x" {{.Secret}} {{"{{"}} ]] `
	po := "msgid \"\"\nmsgstr \"Plural-Forms: nplurals=2; plural=(n != 1);\\n\"\n"
	for id, said := range map[string]string{"Go, {1}": evil + "{1}", "Hello {1}, see <2>this</2>.": evil + "<2>x</2> {1}", "Said": evil} {
		po += "\nmsgid \"" + id + "\"\nmsgstr \"" + strings.ReplaceAll(said, `"`, `\"`) + "\"\n"
	}
	po += "\nmsgid \"{n} thing\"\nmsgid_plural \"{n} things\"\nmsgstr[0] \"" + strings.ReplaceAll(evil, `"`, `\"`) + "\"\nmsgstr[1] \"{n} <b>x</b>\"\n"
	c, err := translation.Parse("xx", []byte(po))
	if err != nil {
		t.Fatal(err)
	}
	text, err := c.Template(source)
	if err != nil {
		t.Fatal(err)
	}
	w := words{lang: c.Language}
	page, err := template.New("").Funcs(w.funcs()).Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	saying(page)
	for _, n := range []int{1, 2} {
		var b strings.Builder
		err = page.ExecuteTemplate(&b, "x", map[string]any{"Name": evil, "N": n, "Secret": "the secret", "Said": phrase.Phrase("Said")})
		if err != nil {
			t.Fatal(err)
		}
		got := b.String()
		if strings.Count(got, "<") != 4 || strings.Contains(got, "the secret") || strings.Count(got, `"`) != 4 {
			t.Errorf("%d: the page is %s", n, got)
		}
	}
}
