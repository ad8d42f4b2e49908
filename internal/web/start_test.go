package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

// A new appliance leads to its first steps; one that has judged a machine does not, and they can still be opened.
func TestTheFirstStepsLeadAndDisappear(t *testing.T) {
	w := newWorld()
	w.offers = []Offer{{Release: "bookworm", Lines: []string{"deb https://a.example bookworm main", "deb https://a.example bookworm-security main"}}}
	h := w.open(t)
	in := url.Values{"name": {"m.keller"}, "password": {goodPassword}}
	if got := ask(h, http.MethodPost, "/sign-in", in); got.Header().Get("Location") != "/start" {
		t.Errorf("the first sign-in leads to %q", got.Header().Get("Location"))
	}
	if got := ask(h, http.MethodGet, "/", nil).Body.String(); !strings.Contains(got, `href="/start"`) {
		t.Error("the rail does not lead to the first steps")
	}
	if got := ask(h, http.MethodGet, "/start", nil).Body.String(); !strings.Contains(got, `value="bookworm" checked`) || strings.Count(got, "to do") != 5 {
		t.Errorf("the first page is %s", got)
	}
	old := fleet()
	old.machines[0].Receipt = &patch.Receipt{Seq: 1}
	h = old.open(t)
	if got := ask(h, http.MethodPost, "/sign-in", in); got.Header().Get("Location") != "/" {
		t.Errorf("a later sign-in leads to %q", got.Header().Get("Location"))
	}
	if got := ask(h, http.MethodGet, "/", nil).Body.String(); strings.Contains(got, `href="/start"`) {
		t.Error("the rail still leads to the first steps")
	}
	got := ask(h, http.MethodGet, "/start", nil).Body.String()
	if !strings.Contains(got, "Ask it anything") || !strings.Contains(got, `href="/explain/`) || strings.Contains(got, "to do") {
		t.Errorf("opened again the page is %s", got)
	}
}

func TestTheFirstStepsAreTaken(t *testing.T) {
	w := newWorld()
	w.offers = []Offer{{Release: "bookworm", Lines: []string{"deb https://a.example bookworm main", "deb https://a.example bookworm-security main"}}, {Release: "trixie", Lines: []string{"deb https://a.example trixie main"}}}
	h := w.open(t)
	if got := ask(h, http.MethodPost, "/start/feeds", url.Values{}); got.Code != http.StatusBadRequest || !strings.Contains(got.Body.String(), "Nothing is chosen") {
		t.Errorf("nothing chosen is %d", got.Code)
	}
	got := ask(h, http.MethodPost, "/start/feeds", url.Values{"release": {"bookworm", "made-up"}, "line": {" deb https://b.example stable main "}})
	if got.Code != http.StatusSeeOther || !slices.Equal(w.subscribed, []string{"deb https://a.example bookworm main", "deb https://a.example bookworm-security main", "deb https://b.example stable main"}) {
		t.Errorf("%d, subscribed to %q", got.Code, w.subscribed)
	}
	w.feeds = fleet().feeds
	text := ask(h, http.MethodPost, "/start/token", url.Values{"admit": {"yes"}}).Body.String()
	if strings.Count(text, "fettle1.c2VjcmV0LXNlY3JldC1zZWNyZXQ") != 3 || !strings.Contains(text, "it is admitted at once") {
		t.Errorf("the lines are in %s", text)
	}
	if text := ask(h, http.MethodGet, "/start", nil).Body.String(); strings.Contains(text, "fettle1.") {
		t.Error("the token is shown again")
	}
	part := ask(h, http.MethodGet, "/start", nil, "HX-Request", "true").Body.String()
	if strings.Contains(part, "<html") || !strings.Contains(part, `data-topic="machines catalog"`) {
		t.Errorf("the live part is %s", part)
	}
}

func TestSettingsKeepWhatWasTypedAndShowNoSecret(t *testing.T) {
	w := fleet()
	h := w.open(t)
	const mark = "s3cr3t-mark"
	mail := url.Values{"name": {"ops"}, "kind": {"mail"}, "server": {"mail.example.org:25"}, "user": {"u"}, "secret": {mark}, "from": {"f@example.org"}, "about": {"halt", "feed"}, "window": {"30"}, "quiet": {"22:00-07:00"}}
	got := ask(h, http.MethodPost, "/settings/channels", mail)
	text := got.Body.String()
	if got.Code != http.StatusBadRequest || !strings.Contains(text, "1 to 50 addresses") || !strings.Contains(text, "mail.example.org:25") || !strings.Contains(text, `value="feed" checked`) || strings.Contains(text, mark) {
		t.Errorf("%d: %s", got.Code, text)
	}
	mail.Set("to", "a@example.org, b@example.org")
	if got := ask(h, http.MethodPost, "/settings/channels", mail); got.Code != http.StatusSeeOther {
		t.Errorf("a good channel is %d", got.Code)
	}
	put := w.put[len(w.put)-1]
	if put.Key != mark || !slices.Equal(put.To, []string{"a@example.org", "b@example.org"}) || put.Window != 30 || len(put.Subjects) != 2 {
		t.Errorf("put was %+v", put)
	}
	hook := ask(h, http.MethodPost, "/settings/channels", url.Values{"name": {"h"}, "kind": {"webhook"}, "url": {"https://example.org/" + mark}}).Body.String()
	if !strings.Contains(hook, "whsec_") || strings.Contains(hook, mark) {
		t.Errorf("a webhook's page is %s", hook)
	}
	if text := ask(h, http.MethodPost, "/settings/channels/chat/test", nil).Body.String(); !strings.Contains(text, "did not arrive") || !strings.Contains(text, "403 Forbidden") {
		t.Errorf("a failed test is %s", text)
	}
	if got := ask(h, http.MethodPost, "/settings/people", url.Values{"name": {"new"}, "role": {"operator"}, "password": {mark}}); got.Code != http.StatusBadRequest || strings.Contains(got.Body.String(), mark) || !strings.Contains(got.Body.String(), `value="new"`) {
		t.Errorf("a short password is %d", got.Code)
	}
	if got := ask(h, http.MethodPost, "/settings/people", url.Values{"name": {"new"}, "role": {"operator"}, "password": {"a fine long password"}}); got.Code != http.StatusSeeOther {
		t.Errorf("a good person is %d", got.Code)
	}
}

func TestSettingsAreAdministrators(t *testing.T) {
	for _, role := range []patch.Role{patch.Operator, patch.Auditor} {
		w := fleet()
		w.role = role
		h := w.open(t)
		for _, r := range [][2]string{{http.MethodGet, "/settings"}, {http.MethodPost, "/settings/people"}, {http.MethodPost, "/settings/channels"}, {http.MethodPost, "/settings/channels/chat/test"}, {http.MethodPost, "/settings/channels/chat/remove"}} {
			if got := ask(h, r[0], r[1], nil); got.Code != http.StatusForbidden {
				t.Errorf("%s %s answers an %s with %d", r[0], r[1], role, got.Code)
			}
		}
		if strings.Contains(ask(h, http.MethodGet, "/", nil).Body.String(), `href="/settings"`) {
			t.Errorf("an %s is led to the settings", role)
		}
	}
}
