package web

import (
	"net/http"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

// An alarm leads to what it is about, wherever that has a page.
func TestAlarmLeadsToItsSubject(t *testing.T) {
	w := fleet()
	m, p := w.machines[0].ID, w.patches[0].Patch.ID
	want := map[string]string{
		"feed/debian-bookworm": "/feeds", "catalog/" + string(sampleOS): "/catalogs/" + string(sampleOS), "detect/" + string(m): machineURL(m), "proof/" + string(m): machineURL(m),
		"updater/" + string(m) + "/packagekit": machineURL(m) + "#others", "suspect/" + string(m) + "/" + string(p): explainURL(m, p), "ring/" + string(p): "/rings", "notify/ops-mail": "/settings?channel=ops-mail",
		"disk": "", "payload/9f31c0de": "",
	}
	h := w.open(t)
	for key, address := range want {
		got := alarmURL(patch.Alarm{Key: key})
		if got != address {
			t.Errorf("%s leads to %q, not to %q", key, got, address)
		}
		if got != "" {
			if answer := ask(h, http.MethodGet, strings.Split(got, "#")[0], nil); answer.Code != http.StatusOK {
				t.Errorf("%s leads to %s: status %d", key, got, answer.Code)
			}
		}
	}
	if page := ask(h, http.MethodGet, "/alarms", nil).Body.String(); !strings.Contains(page, `<a href="/feeds">feed</a> ·`) {
		t.Error("an alarm about a feed does not lead to the feeds")
	}
}
