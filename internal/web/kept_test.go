package web

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

func TestAFormOutlivesItsSession(t *testing.T) {
	w := fleet()
	h := w.open(t)
	typed := url.Values{"name": {"web"}, "expr": {"machine.name.startsWith(\"web-\")\n&& true"}, "note": {"<b>"}, "kind": {"smart"}, "password": {"hunter2"}}
	asked := ask(h, http.MethodPost, "/labels", typed, "Cookie", "")
	page := asked.Body.String()
	if asked.Code != http.StatusUnauthorized || !strings.Contains(page, "Your session has ended") || strings.Contains(page, "hunter2") || strings.Contains(page, "<b>") {
		t.Fatalf("status %d: %s", asked.Code, page)
	}
	wrong := ask(h, http.MethodPost, "/sign-in", fieldsOf(page, "name", "m.keller", "password", "wrong"), "Cookie", "").Body.String()
	good := ask(h, http.MethodPost, "/sign-in", fieldsOf(wrong, "name", "m.keller", "password", goodPassword), "Cookie", "")
	page = good.Body.String()
	if good.Code != http.StatusOK || len(good.Result().Cookies()) != 1 || !strings.Contains(page, `action="/labels"`) {
		t.Fatalf("status %d: %s", good.Code, page)
	}
	before := len(w.labels)
	again := fieldsOf(page)
	for name := range again {
		if name != "password" && again.Get(name) != typed.Get(name) {
			t.Errorf("%s became %q", name, again.Get(name))
		}
	}
	again.Set("name", "fresh")
	if got := ask(h, http.MethodPost, "/labels", again); got.Code != http.StatusSeeOther || len(w.labels) != before+1 {
		t.Errorf("sent again: status %d, %d labels", got.Code, len(w.labels))
	}
}

// fieldsOf is what a browser would send of a page's hidden fields, and what is typed besides.
func fieldsOf(page string, typed ...string) url.Values {
	out := url.Values{}
	for _, m := range regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		out.Add(html.UnescapeString(m[1]), html.UnescapeString(m[2]))
	}
	for i := 0; i+1 < len(typed); i += 2 {
		out.Set(typed[i], typed[i+1])
	}
	return out
}

func TestALivePartLeadsBackToItsPage(t *testing.T) {
	got := ask(fleet().open(t), http.MethodPost, "/labels/check", url.Values{"expr": {"x"}}, "Cookie", "", "HX-Request", "true", "HX-Current-URL", "https://fettle.example/labels?x=1")
	if got.Code != http.StatusUnauthorized || got.Header().Get("HX-Redirect") != "/sign-in?next=%2Flabels%3Fx%3D1" {
		t.Errorf("status %d to %s", got.Code, got.Header().Get("HX-Redirect"))
	}
}
