package web

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

var digestField = regexp.MustCompile(`name="digest" value="([0-9a-f]+)"`)

func TestTheListIsSortedByItsColumns(t *testing.T) {
	w := fleet()
	h := w.open(t)
	for by, want := range map[string]string{"": "web-01", "-name": "web-19", "-need": "db-20", "need": "mail-09", "seen": "edge-06", "-errors": "build-16", "detect": "db-14"} {
		got := ask(h, http.MethodGet, "/machines?show=&sort="+by, nil).Body.String()
		if first := regexp.MustCompile(`class="title" href="[^"]*"><bdi>([^<]*)`).FindStringSubmatch(got); by != "" && by != "need" && first[1] != want {
			t.Errorf("by %q the first is %s, want %s", by, first[1], want)
		}
		if by != "" && strings.Count(got, "aria-sort=") != 1 {
			t.Errorf("by %q no single column says that it is sorted", by)
		}
	}
}

func TestManyMachinesAreToldWhatWasCounted(t *testing.T) {
	w := fleet()
	h := w.open(t)
	n := w.showing("needing")
	whole := url.Values{"verb": {"detect"}, "whole": {"yes"}, "show": {"needing"}, "machine": {string(w.machines[0].ID)}}
	asked := ask(h, http.MethodPost, "/machines/act", whole)
	page := html.UnescapeString(asked.Body.String())
	if asked.Code != http.StatusOK || !strings.Contains(page, fmt.Sprintf("Have %d machines detect now?", n)) || len(w.detecting) > 0 {
		t.Fatalf("status %d, %d asked: %s", asked.Code, len(w.detecting), page)
	}
	whole.Set("digest", digestField.FindStringSubmatch(page)[1])
	w.machines[4].Needed = 0
	moved := ask(h, http.MethodPost, "/machines/act", whole)
	if moved.Code != http.StatusConflict || len(w.detecting) > 0 || !strings.Contains(moved.Body.String(), "have become others") {
		t.Fatalf("others than those counted: status %d, %d asked", moved.Code, len(w.detecting))
	}
	whole.Set("digest", digestField.FindStringSubmatch(moved.Body.String())[1])
	done := ask(h, http.MethodPost, "/machines/act", whole).Body.String()
	if len(w.detecting) != n-1 || !strings.Contains(done, fmt.Sprintf("%d machines were asked to detect: %d listen and do so now", n-1, n-2)) {
		t.Errorf("%d were asked: %s", len(w.detecting), done)
	}
}

func TestMachinesComeIntoALabelAndOutAgain(t *testing.T) {
	w := fleet()
	h := w.open(t)
	form := url.Values{"verb": {"label"}, "label_to": {"db"}, "machine": {string(w.machines[0].ID), string(w.machines[1].ID)}}
	page := ask(h, http.MethodPost, "/machines/act", form).Body.String()
	if !strings.Contains(page, "1 would come in, 1 is in it already") || !strings.Contains(page, "would become deployable") {
		t.Fatalf("it does not name the consequence: %s", page)
	}
	form.Set("digest", digestField.FindStringSubmatch(page)[1])
	done := ask(h, http.MethodPost, "/machines/act", form).Body.String()
	if len(w.labels[2].Label.Members) != 5 || !strings.Contains(done, "Take it out again") {
		t.Fatalf("members %v: %s", w.labels[2].Label.Members, done)
	}
	back := url.Values{"verb": {"unlabel"}, "label_to": {"db"}, "machine": {string(w.machines[0].ID)}}
	back.Set("digest", digestField.FindStringSubmatch(ask(h, http.MethodPost, "/machines/act", back).Body.String())[1])
	ask(h, http.MethodPost, "/machines/act", back)
	if got := w.labels[2].Label.Members; len(got) != 4 || got[0] != w.machines[1].ID {
		t.Errorf("afterwards it has %v", got)
	}
	for _, label := range []string{"web", "all", ""} {
		form := url.Values{"verb": {"label"}, "label_to": {label}, "machine": {string(w.machines[0].ID)}}
		if got := ask(h, http.MethodPost, "/machines/act", form).Body.String(); digestField.MatchString(got) || !strings.Contains(got, `role="alert"`) {
			t.Errorf("%q takes machines by hand", label)
		}
	}
}

func TestViewsAreKept(t *testing.T) {
	w := fleet()
	h := w.open(t)
	if got := ask(h, http.MethodGet, "/machines", nil).Body.String(); !strings.Contains(got, "worst first") || !strings.Contains(got, "stale web") {
		t.Error("the kept views are not there")
	}
	kept := ask(h, http.MethodPost, "/views/machines", url.Values{"name": {"mine"}, "query": {"show=stale&evil=%22&page=7&sort=-need"}})
	if kept.Header().Get("Location") != "/machines?show=stale&sort=-need" || len(w.views) != 3 || w.views[2].Query != "show=stale&sort=-need" {
		t.Errorf("to %s, kept %+v", kept.Header().Get("Location"), w.views)
	}
	if got := ask(h, http.MethodPost, "/views/machines/remove", url.Values{"owner": {"m.keller"}, "name": {"mine"}}); got.Code != http.StatusSeeOther || len(w.views) != 2 {
		t.Errorf("status %d, %d views", got.Code, len(w.views))
	}
	w.role = patch.Auditor
	for address, form := range map[string]url.Values{"/views/machines": {"name": {"x"}, "query": {"q=1"}, "shared": {"yes"}}, "/views/machines/remove": {"owner": {"j.ortiz"}, "name": {"worst first"}}} {
		if got := ask(h, http.MethodPost, address, form); got.Code != http.StatusForbidden {
			t.Errorf("a reader at %s: status %d", address, got.Code)
		}
	}
}
