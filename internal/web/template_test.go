package web

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/jba/templatecheck"

	"github.com/fettle-project/fettle/internal/auth"
	"github.com/fettle-project/fettle/internal/gate"
)

// bodies names every page's body, so that a field that a template names and a page lacks fails here and not in front of a person.
func bodies() map[string]map[string]any {
	return map[string]map[string]any{
		"sign-in": {"layout": view[signInForm]{}}, "kept": {"layout": view[keptForm]{}}, "error": {"layout": view[faultPage]{}, "fault": view[faultPage]{}},
		"home": {"layout": view[homePage]{}, "shares": view[homePage]{}}, "machines": {"layout": view[machinesPage]{}}, "bulk": {"layout": view[bulkPage]{}}, "machine": {"layout": view[machinePage]{}},
		"patches": {"layout": view[patchesPage]{}}, "patch": {"layout": view[patchPage]{}, "chain": view[patchPage]{}},
		"decide": {"layout": view[decidePage]{}, "consequence": view[decidePage]{}, "change": view[decidePage]{}, "says": view[decidePage]{}}, "decided": {"layout": view[decidedPage]{}},
		"proposals": {"layout": view[proposalsPage]{}}, "what-if": {"layout": view[whatIfPage]{}, "diff": view[whatIfPage]{}},
		"labels": {"layout": view[labelsPage]{}, "try": view[labelsPage]{}}, "label": {"layout": view[labelPage]{}},
		"deployments": {"layout": view[deploymentsPage]{}}, "plan": {"layout": view[planPage]{}, "part": view[planPage]{}},
		"deployment": {"layout": view[deploymentPage]{}, "live": view[deploymentPage]{}}, "waiting": {"layout": view[waitingPage]{}}, "halt": {"layout": view[deploymentPage]{}}, "restart": {"layout": view[restartPage]{}, "part": view[restartPage]{}}, "rollback": {"layout": view[rollbackPage]{}, "part": view[rollbackPage]{}},
		"pairs": {"layout": view[pairsPage]{}}, "exposure": {"layout": view[exposurePage]{}}, "rings": {"layout": view[ringsPage]{}, "live": view[ringsPage]{}}, "rollout": {"layout": view[rolloutPage]{}},
		"explain": {"layout": view[explainPage]{}}, "ineligible": {"layout": view[ineligiblePage]{}}, "ineligible-group": {"layout": view[ineligibleGroupPage]{}}, "installations": {"layout": view[installationsPage]{}}, "explain-label": {"layout": view[explainLabelPage]{}, "part": view[explainLabelPage]{}}, "explain-group": {"layout": view[explainGroupPage]{}}, "search": {"layout": view[searchPage]{}},
		"calendar": {"layout": view[calendarPage]{}}, "blackouts": {"layout": view[blackoutsPage]{}}, "rules": {"layout": view[rulesPage]{}}, "updaters": {"layout": view[updatersPage]{}}, "updater": {"layout": view[updaterPage]{}}, "reports": {"layout": view[reportsPage]{}}, "installed": {"layout": view[installedPage]{}}, "checks": {"layout": view[checksPage]{}},
		"start": {"layout": view[startPage]{}, "steps": view[startPage]{}}, "settings": {"layout": view[settingsPage]{}},
		"feeds": {"layout": view[feedsPage]{}}, "diff": {"layout": view[diffPage]{}}, "alarms": {"layout": view[alarmsPage]{}}, "audit": {"layout": view[auditPage]{}}, "enrol": {"layout": view[enrolPage]{}},
	}
}

func TestTemplatesFitTheirPages(t *testing.T) {
	cfg := newWorld().config()
	all, err := tongues(words{now: cfg.Now, zone: cfg.Zone})
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		t.Run(one.Tag, func(t *testing.T) { fit(t, one.pages) })
	}
}

func fit(t *testing.T, all pages) {
	want := bodies()
	for name, ready := range all {
		page, err := ready()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		parts, ok := want[name]
		if !ok {
			t.Errorf("page %s has no body here: add it", name)
		}
		for part, body := range parts {
			if err := templatecheck.CheckHTML(page.Lookup(part), body); err != nil {
				t.Errorf("%s, %s: %v", name, part, err)
			}
		}
		delete(want, name)
	}
	for name := range want {
		t.Errorf("there is no page %s", name)
	}
}

// addresses is every page that a world has.
func (w *world) addresses() []string {
	out := []string{"/", "/start", "/settings", "/settings?channel=ops-mail", "/machines", "/patches", "/patches?show=all&q=l&category=security", "/labels", "/deployments", "/rings", "/deployments/new?label=all", "/deployments/new?machine=web-01", "/feeds", "/alarms", "/audit", "/enrol", "/calendar", "/blackouts", "/rules", "/updaters", "/updaters?service=packagekit", "/updaters?service=packagekit&state=on", "/proposals", "/reports", "/reports/installed", "/reports/exposure?label=all&exposed=critical", "/reports/exposure?label=all&exposed=high&show=overdue", "/machines?exposed=none", "/machines?ring=canary&count=failed&patch=p", "/machines?schedule=nightly&window=zoneless", "/reports/installed?from=2026-10-01&until=2026-10-31", "/audit?from=2026-10-01&until=2026-11-30&q=e", "/checks", "/ineligible", "/ineligible?show=pairs&gate=prerequisites&code=not-installed", "/ineligible?show=patches&gate=prerequisites&code=not-installed", "/machines?ineligible=never-detected&gate=snapshot", "/reports/installed?from=2026-10-01&until=2026-10-31&show=each", "/ineligible?label=web&code=stale", "/search", "/search?q=" + url.QueryEscape("web perl"), "/decide"}
	for _, s := range machineShows {
		out = append(out, "/machines?show="+s.name)
	}
	for _, s := range patchShows {
		out = append(out, "/patches?show="+s.name)
	}
	for _, m := range w.machines {
		out = append(out, machineURL(m.ID), machineURL(m.ID)+"?verdict=not-patched&policy=undecided&q=e")
	}
	for _, l := range w.labels {
		out = append(out, labelURL(l.Label.Name), "/machines?label="+url.QueryEscape(l.Label.Name))
	}
	for _, n := range w.patches {
		out = append(out, patchURL(n.Patch.ID), patchURL(n.Patch.ID)+"?part=chain", "/decide?verb=hold&patch="+url.QueryEscape(string(n.Patch.ID)), "/decide/pairs?verb=approve&label=all&group=eligible&patches="+url.QueryEscape(string(n.Patch.ID)))
	}
	if len(w.hoops) > 0 {
		out = append(out, "/rings/decide?verb=halt&patch="+url.QueryEscape(string(w.hoops[0].Patches[2].Patch)))
	}
	if len(w.machines) > 0 {
		out = append(out, "/restart?label=all", "/restart?reboot=ask&deadline=x&machine="+url.QueryEscape(string(w.machines[0].ID)))
	}
	for _, p := range w.progress {
		out = append(out, deploymentURL(p.Deployment.ID), deploymentURL(p.Deployment.ID)+"?state=failed", deploymentURL(p.Deployment.ID)+"?part=why", deploymentURL(p.Deployment.ID)+"?wait="+gate.CodeNotYet+"&gate="+string(gate.Window), deploymentURL(p.Deployment.ID)+"/halt", "/rollback?deployment="+url.QueryEscape(p.Deployment.ID))
	}
	if len(w.revisions) > 0 {
		out = append(out, "/catalogs/"+string(sampleOS), "/catalogs/"+string(sampleOS)+"?from=none")
	}
	if len(w.rows) > 0 {
		out = append(out, explainURL(w.machines[0].ID, w.patches[0].Patch.ID), "/explain-label/all/"+segments(string(w.patches[0].Patch.ID)))
		for _, g := range w.byLabel.Groups {
			out = append(out, explainLabelPage{LabelExplanation: w.byLabel}.Which(g))
		}
	}
	return out
}

func (w *world) open(t *testing.T) http.Handler {
	t.Helper()
	h, err := New(w.config())
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// ask sends a request of somebody who is signed in; what a page says has its blanks as they are written.
func ask(h http.Handler, method, address string, form url.Values, headers ...string) *httptest.ResponseRecorder {
	w := raw(h, method, address, form, headers...)
	w.Body = bytes.NewBuffer(bytes.ReplaceAll(w.Body.Bytes(), []byte("\u00a0"), []byte(" ")))
	return w
}

func raw(h http.Handler, method, address string, form url.Values, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "https://fettle.example"+address, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	r.AddCookie(&http.Cookie{Name: auth.CookieName, Value: goodSecret})
	for i := 0; i+1 < len(headers); i += 2 {
		if r.Header.Del(headers[i]); headers[i+1] != "" {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestEveryPageInEveryState(t *testing.T) {
	worlds := map[string]*world{"empty": newWorld(), "one": single(), "many": fleet(), "hostile": hostile(fleet(), 0)}
	for name, w := range worlds {
		t.Run(name, func(t *testing.T) {
			h := w.open(t)
			for _, a := range w.addresses() {
				got := ask(h, http.MethodGet, a, nil)
				if name == "hostile" && got.Code == http.StatusTemporaryRedirect {
					continue // an id with // or .. in it, which no catalog takes; the mux tidies the address first
				}
				if got.Code != http.StatusOK {
					t.Errorf("%s: status %d: %s", a, got.Code, got.Body)
					continue
				}
				checkPage(t, a, got.Body.String())
			}
		})
	}
}

// What html/template writes has no > and no " inside a value, so these see every tag whole.
var (
	tags     = regexp.MustCompile(`<[a-zA-Z][^>]*>`)
	quoted   = regexp.MustCompile(`"[^"]*"|'[^']*'`)
	handlers = regexp.MustCompile(`(?i)\son[a-z]+=|\shx-on`)
	links    = regexp.MustCompile(`(?:href|src|action|formaction|hx-get|hx-post)="([^"]*)"`)
)

func checkPage(t *testing.T, address, html string) {
	t.Helper()
	for _, want := range []string{`<html lang="`, `<main id="main"`, "<h1", "</html>"} {
		if !strings.Contains(html, want) {
			t.Errorf("%s: there is no %s", address, want)
		}
	}
	for _, bad := range []string{"ZgotmplZ", "<no value>", "%!"} {
		if strings.Contains(html, bad) {
			t.Errorf("%s: it has %q", address, bad)
		}
	}
	for _, tag := range tags.FindAllString(html, -1) {
		bare := quoted.ReplaceAllString(tag, `""`)
		if strings.HasPrefix(tag, "<style") || strings.Contains(bare, " style=") || handlers.MatchString(bare) || strings.HasPrefix(tag, "<script") && !strings.Contains(tag, ` src="/assets/`) {
			t.Errorf("%s: it has %s", address, tag)
		}
		for _, m := range links.FindAllStringSubmatch(tag, -1) {
			if !strings.HasPrefix(m[1], "/") && !strings.HasPrefix(m[1], "#") || strings.HasPrefix(m[1], "//") {
				t.Errorf("%s: it leads to %s", address, m[1])
			}
		}
	}
}

func TestAPartialAnswerIsNoWholePage(t *testing.T) {
	w := fleet()
	h := w.open(t)
	p := url.Values{"patches": {string(w.patches[1].Patch.ID)}, "verb": {"approve"}, "label": {"web"}}
	got := ask(h, http.MethodPost, "/decide/preview", p, "HX-Request", "true").Body.String()
	if strings.Contains(got, "<html") || !strings.Contains(got, "Approve 1 patch for label web") {
		t.Errorf("the preview is %s", got)
	}
	got = ask(h, http.MethodGet, "/deployments", nil, "HX-Request", "true").Body.String()
	if strings.Contains(got, "<html") || !strings.Contains(got, `data-topic="deployments"`) || !strings.Contains(got, `id="of-`+w.progress[0].Deployment.ID+`"`) {
		t.Errorf("the live list is %s", got)
	}
	got = ask(h, http.MethodGet, deploymentURL(w.progress[0].Deployment.ID), nil, "HX-Request", "true").Body.String()
	if strings.Contains(got, "<html") || !strings.Contains(got, `data-topic="deployments"`) {
		t.Errorf("the live view is %s", got)
	}
	got = ask(h, http.MethodGet, deploymentURL(w.progress[1].Deployment.ID), nil, "HX-Request", "true").Body.String()
	if strings.Contains(got, `data-topic="deployments"`) {
		t.Error("an ended deployment keeps on asking")
	}
}

func TestBrokenChainIsSaid(t *testing.T) {
	w := fleet()
	w.broken = errChain
	if got := ask(w.open(t), http.MethodGet, "/audit", nil).Body.String(); !strings.Contains(got, "does not verify") {
		t.Error("the page does not say that the chain is broken")
	}
}
