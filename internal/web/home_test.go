package web

import (
	"net/http"
	"strings"
	"testing"
)

// Home does not wait for what only its last part shows while nobody has read that since the start; that part, and who has no scripts, does.
func TestHomeDoesNotWaitForItsLabels(t *testing.T) {
	const later, shares = `hx-get="/?part=shares" hx-trigger="load"`, `<h2 id="shares">`
	w := fleet()
	w.uncounted = true
	h := w.open(t)
	if got := ask(h, http.MethodGet, "/", nil).Body.String(); !w.uncounted || !strings.Contains(got, later) || !strings.Contains(got, `href="/?part=shares#shares"`) || strings.Contains(got, shares) {
		t.Error("Home waits for how labels stand, or does not say where that is")
	}
	if got := ask(h, http.MethodGet, "/?part=shares", nil, "HX-Request", "true").Body.String(); !strings.HasPrefix(strings.TrimSpace(got), "<section") || !strings.Contains(got, shares) || strings.Contains(got, later) || w.uncounted {
		t.Errorf("the part is %s", got)
	}
	w.uncounted = true
	if got := ask(h, http.MethodGet, "/?part=shares", nil).Body.String(); !strings.Contains(got, "<html") || !strings.Contains(got, shares) || strings.Contains(got, later) {
		t.Error("without scripts there is no way to how labels stand")
	}
	if got := ask(h, http.MethodGet, "/", nil).Body.String(); !strings.Contains(got, shares) || strings.Contains(got, later) {
		t.Error("what is known comes later all the same")
	}
}
