package web

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

// Restarts alone are looked at first, machine by machine, and applied as they were looked at; pages of machines that owe one lead there.
func TestRestartsAreLookedAtFirst(t *testing.T) {
	w := fleet()
	h := w.open(t)
	page := ask(h, "GET", "/restart?label=web&reboot=ask&deadline=4", nil).Body.String()
	hash := regexp.MustCompile(`name="hash" value="([0-9a-f]{64})"`).FindStringSubmatch(page)
	if hash == nil || !strings.Contains(page, "Restart them? 2 machines would restart.") || !strings.Contains(page, "it owes no restart") || !strings.Contains(page, machineURL(w.machines[1].ID)) {
		t.Fatalf("the page is %s", page)
	}
	form := url.Values{"label": {"web"}, "reboot": {"ask"}, "deadline": {"4"}, "hash": {hash[1]}}
	for change, says := range map[string]string{"hash": "has changed since you looked", "deadline": "is not a number of hours"} {
		other := url.Values{}
		for k, v := range form {
			other[k] = v
		}
		other.Set(change, strings.Repeat("x", 64))
		if got := ask(h, "POST", "/restart", other); got.Code == http.StatusSeeOther || !strings.Contains(got.Body.String(), says) {
			t.Errorf("%s: status %d", change, got.Code)
		}
	}
	if len(w.restarted) != 0 {
		t.Fatalf("%+v", w.restarted)
	}
	if got := ask(h, "POST", "/restart", form); got.Code != http.StatusSeeOther {
		t.Errorf("status %d: %s", got.Code, got.Body)
	}
	if p := w.restarted; len(p) != 1 || p[0].Reboot.Mode != patch.RebootAsk || p[0].Reboot.Deadline != 240 {
		t.Errorf("%+v", p)
	}
	for _, m := range w.machines {
		page, offers := ask(h, "GET", machineURL(m.ID), nil).Body.String(), `href="/restart?machine=`+url.QueryEscape(string(m.ID))
		if strings.Contains(page, offers) != m.RebootOwed {
			t.Errorf("%s owes a restart: %v", m.Name, m.RebootOwed)
		}
	}
	if page := ask(h, "GET", "/machines?show=reboot", nil).Body.String(); !strings.Contains(page, `href="/restart?label=all"`) {
		t.Errorf("the page is %s", page)
	}
}
