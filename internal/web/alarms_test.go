package web

import (
	"net/http"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/lint"
	"github.com/fettle-project/fettle/internal/patch"
)

// An alarm leads to what it is about, wherever that has a page.
func TestAlarmLeadsToItsSubject(t *testing.T) {
	w := fleet()
	m, p := w.machines[0].ID, w.patches[0].Patch.ID
	want := map[string]string{
		"feed/debian-bookworm": "/feeds", "catalog/" + string(sampleOS): "/catalogs/" + string(sampleOS), "detect/" + string(m): machineURL(m), "proof/" + string(m): machineURL(m),
		"updater/" + string(m) + "/packagekit": machineURL(m) + "#others", "suspect/" + string(m) + "/" + string(p): explainURL(m, p), "ring/" + string(p): "/rings", "notify/ops-mail": "/settings?channel=ops-mail",
		"restart/" + string(m): machineURL(m), "restart-loop/" + string(m): machineURL(m), "disk": "", "payload/9f31c0de": "",
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
	if page := ask(h, http.MethodGet, "/alarms", nil).Body.String(); !strings.Contains(page, `<strong><a href="/feeds">debian-bookworm-updates shrank`) {
		t.Error("an alarm about a feed does not lead to the feeds")
	}
}

// What a check finds leads to where it is mended.
func TestFindingLeadsToWhereItIsMended(t *testing.T) {
	w := fleet()
	p := w.patches[0].Patch.ID
	h := w.open(t)
	for _, f := range []struct{ code, subject, address string }{
		{lint.LabelGone, "gone", "/labels"}, {lint.LabelEmpty, "web", "/labels/web"}, {lint.MatchesNothing, "web", "/labels/web"},
		{lint.RingGone, "canary", "/rules"}, {lint.WordUnknown, "canary", "/rules"}, {lint.RulesClash, "canary", "/rules"}, {lint.MeetsNothing, "canary", "/rules"},
		{lint.NoFeed, string(sampleOS), "/feeds"}, {lint.NoCatalog, string(sampleOS), "/feeds"},
		{lint.NotScheduled, "all", "/calendar"}, {lint.NeverAgain, "rest", "/calendar"}, {lint.TooShort, "rest", "/calendar"}, {lint.ZoneUnknown, "rest", "/calendar"}, {lint.Swallowed, "rest", "/blackouts"},
		{lint.HoldEnding, string(p), patchURL(p)}, {lint.HoldEnded, string(p), patchURL(p)},
		{lint.Waiting, "all", "/patches?show=undecided"}, {lint.Exploited, "all", "/patches?show=needed&category=security"},
		{lint.NeverDetected, "all", "/machines?show=never"}, {lint.WaitsAdmission, "all", "/machines?show=pending"}, {lint.SecondPerson, "all", "/proposals"},
	} {
		if do := findingDo(lint.Finding{Code: f.code, Do: "what it says itself"}); strings.Contains(do.String(), "fettle ") || do == "" {
			t.Errorf("%s is to be mended by %q", f.code, do)
		}
		if got := findingURL(lint.Finding{Code: f.code, Subject: f.subject}); got != f.address {
			t.Errorf("%s leads to %q, not to %q", f.code, got, f.address)
		}
		if answer := ask(h, http.MethodGet, f.address, nil); answer.Code != http.StatusOK {
			t.Errorf("%s leads to %s: status %d", f.code, f.address, answer.Code)
		}
	}
	if page := ask(h, http.MethodGet, "/checks", nil).Body.String(); !strings.Contains(page, `<a href="/rules">The rule canary approves`) {
		t.Error("a finding about a rule does not lead to the rules")
	} else if strings.Contains(page, "fettle rules") || !strings.Contains(page, "Narrow one of them.<") {
		t.Error("a finding that a page mends advises a command")
	}
}

// Settings count only those who may sign in, and channels that are not paused.
func TestSettingsCountWhoMaySignIn(t *testing.T) {
	p := settingsPage{Users: []patch.User{{Name: "in"}, {Name: "out", Disabled: true}}, Channels: []patch.Channel{{Name: "mail"}, {Name: "chat", Paused: true}}}
	if p.MaySignIn() != 1 || p.Told() != 1 {
		t.Errorf("%d may sign in, %d channels are told", p.MaySignIn(), p.Told())
	}
}
