package web

import (
	"errors"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/auth"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/whatif"
)

var errChain error = &patch.Error{Kind: patch.Untrusted, What: "entry 12 does not follow from entry 11"}

func TestEveryRouteHasAPermission(t *testing.T) {
	c := &console{Config: newWorld().config()}
	public := map[string]bool{"GET /assets/{file}": true, "GET /sign-in": true, "POST /sign-in": true, "POST /sign-out": true, "POST /language": true}
	reads := map[string]bool{"POST /decide/preview": true, "POST /decide/pairs": true, "POST /labels/check": true, "POST /rules/check": true, "POST /what-if": true, "POST /views/{page}": true, "POST /views/{page}/remove": true} // views are one's own; the handler asks for more where they are not
	for _, r := range c.routes() {
		name := r.method + " " + r.path
		switch {
		case r.permission == "":
			t.Errorf("%s has no permission", name)
		case r.permission == Public && !public[name]:
			t.Errorf("%s is public", name)
		case r.method != http.MethodGet && r.permission == auth.Read && !reads[name]:
			t.Errorf("%s changes something and asks for no more than reading", name)
		}
	}
}

func TestARouteWithoutAPermissionDoesNotMount(t *testing.T) {
	w := newWorld()
	c := &console{Config: w.config()}
	var err error
	if c.tongues, err = tongues(words{now: c.Now, zone: c.Zone}); err != nil {
		t.Fatal(err)
	}
	h := c.mount([]route{{method: "GET", path: "/bare", handle: func(*visit) error { t.Error("it ran"); return nil }}})
	if got := ask(h, http.MethodGet, "/bare", nil); got.Code != http.StatusNotFound {
		t.Errorf("status %d", got.Code)
	}
}

// fillIn puts something into a route's holes.
func fillIn(path string) string {
	return strings.NewReplacer("{machine}", "m", "{patch...}", "a/b/c", "{label}", "all", "{os}", "debian-12-amd64", "{page}", "machines", "{deployment}", "d", "{token}", "t", "{file}", "console.css", "{$}", "", "{proposal}", "p").Replace(path)
}

func TestNobodyGetsInWithoutASession(t *testing.T) {
	w := fleet()
	h := w.open(t)
	for _, r := range (&console{Config: w.config()}).routes() {
		if r.permission == Public {
			continue
		}
		for _, cookie := range []string{"", auth.CookieName + "=wrong", auth.CookieName + "=" + strings.Repeat("x", 600)} {
			got := ask(h, r.method, fillIn(r.path), nil, "Cookie", cookie)
			if got.Code != http.StatusSeeOther || !strings.HasPrefix(got.Header().Get("Location"), "/sign-in") {
				t.Errorf("%s %s with %.20q: status %d to %q", r.method, r.path, cookie, got.Code, got.Header().Get("Location"))
			}
		}
	}
	if got := ask(h, http.MethodGet, "/deployments/d", nil, "Cookie", "", "HX-Request", "true"); got.Code != http.StatusUnauthorized || got.Header().Get("HX-Redirect") == "" {
		t.Errorf("a page that changes in place: status %d", got.Code)
	}
}

func TestAnAuditorChangesNothing(t *testing.T) {
	w := fleet()
	w.role = patch.Auditor
	h := w.open(t)
	for _, r := range (&console{Config: w.config()}).routes() {
		if r.permission == Public || r.permission == auth.Read || r.permission == auth.ReadAudit {
			continue
		}
		if got := ask(h, r.method, fillIn(r.path), nil); got.Code != http.StatusForbidden {
			t.Errorf("%s %s: status %d", r.method, r.path, got.Code)
		}
	}
	for _, a := range w.addresses() {
		if strings.HasPrefix(a, "/settings") {
			continue // administrators' alone, which the rows above prove
		}
		if got := ask(h, http.MethodGet, a, nil); got.Code != http.StatusOK && !strings.HasSuffix(a, "/halt") {
			t.Errorf("%s: status %d", a, got.Code)
		}
	}
}

func TestAnotherSiteCannotSendAForm(t *testing.T) {
	w := fleet()
	h := w.open(t)
	for _, r := range (&console{Config: w.config()}).routes() {
		if r.method == http.MethodGet {
			continue
		}
		for _, headers := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Sec-Fetch-Site", "", "Origin", "https://evil.example"}, {"Sec-Fetch-Site", "", "Origin", "null"}} {
			got := ask(h, r.method, fillIn(r.path), url.Values{"patches": {"a/b/c"}}, headers...)
			if got.Code != http.StatusForbidden || !strings.Contains(got.Body.String(), "sent by another site") {
				t.Errorf("%s %s with %v: status %d", r.method, r.path, headers, got.Code)
			}
		}
	}
	if len(w.asked) > 0 {
		t.Errorf("a decision was taken: %v", w.asked)
	}
}

func TestEveryAnswerHasThePolicy(t *testing.T) {
	w := fleet()
	h := w.open(t)
	answers := map[string]*httptest.ResponseRecorder{
		"a page": ask(h, "GET", "/machines", nil), "no page": ask(h, "GET", "/nowhere", nil), "no machine": ask(h, "GET", "/machines/none", nil), "an asset": ask(h, "GET", "/assets/console.css", nil),
		"no asset": ask(h, "GET", "/assets/none.js", nil), "sign-in": ask(h, "GET", "/sign-in", nil, "Cookie", ""), "to sign-in": ask(h, "GET", "/", nil, "Cookie", ""), "another site": ask(h, "POST", "/decide", nil, "Sec-Fetch-Site", "cross-site"),
		"a bad method": ask(h, "DELETE", "/machines", nil), "a bad filter": ask(h, "GET", machineURL(w.machines[0].ID)+"?verdict=x", nil), "a long form": ask(h, "POST", "/decide", url.Values{"patches": {strings.Repeat("x", maxForm+1)}}),
	}
	for name, a := range answers {
		if got := a.Header().Get("Content-Security-Policy"); got != policy {
			t.Errorf("%s: the policy is %q", name, got)
		}
		for k, v := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer"} {
			if a.Header().Get(k) != v {
				t.Errorf("%s: %s is %q", name, k, a.Header().Get(k))
			}
		}
		if name != "an asset" && a.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s may be stored", name)
		}
	}
	if answers["no machine"].Code != http.StatusNotFound || answers["a bad filter"].Code != http.StatusBadRequest || answers["a long form"].Code != http.StatusBadRequest || answers["no asset"].Code != http.StatusNotFound {
		t.Error("an error has another status than its kind's")
	}
}

func TestSignIn(t *testing.T) {
	h := newWorld().open(t)
	form := func(name, password, next string) *httptest.ResponseRecorder {
		return ask(h, "POST", "/sign-in", url.Values{"name": {name}, "password": {password}, "next": {next}}, "Cookie", "")
	}
	good := form("m.keller", goodPassword, "/machines?show=pending")
	if good.Code != http.StatusSeeOther || good.Header().Get("Location") != "/machines?show=pending" {
		t.Fatalf("status %d to %q", good.Code, good.Header().Get("Location"))
	}
	cookies := good.Result().Cookies()
	if len(cookies) != 1 {
		t.Fatalf("%d cookies", len(cookies))
	}
	k := cookies[0]
	if k.Name != "__Host-fettle" || !k.Secure || !k.HttpOnly || k.SameSite != http.SameSiteStrictMode || k.Path != "/" || k.Domain != "" {
		t.Errorf("the cookie is %s", k)
	}
	wrong := form("<m.keller>", "pass-word-typed", "/machines")
	if wrong.Code != http.StatusUnauthorized || len(wrong.Result().Cookies()) != 0 {
		t.Errorf("a wrong password: status %d", wrong.Code)
	}
	body := wrong.Body.String()
	if !strings.Contains(body, "&lt;m.keller&gt;") || !strings.Contains(body, `value="/machines"`) || strings.Contains(body, "pass-word-typed") {
		t.Error("the form does not keep the name and the way back, or keeps the password")
	}
	if slow := form("slow", "x", ""); slow.Code != http.StatusTooManyRequests || !strings.Contains(slow.Body.String(), "28 seconds") {
		t.Errorf("a back-off: status %d", slow.Code)
	}
}

func TestSignInLeadsOnlyHome(t *testing.T) {
	for _, s := range []string{"https://evil.example", "//evil.example", `/\evil.example`, "javascript:alert(1)", "", "/sign-out", "/x\r\nSet-Cookie: a=b", "/\t/evil.example"} {
		if got := ownPath(s); got != "/" {
			t.Errorf("%q leads to %q", s, got)
		}
	}
}

func TestASchedulePutPausedAndRemoved(t *testing.T) {
	w := newWorld()
	h := w.open(t)
	bad := ask(h, "POST", "/calendar", url.Values{"name": {"nightly"}, "label": {"all"}, "window": {"sometimes <at> night"}, "note": {"typed"}})
	if bad.Code != http.StatusBadRequest || !strings.Contains(bad.Body.String(), "sometimes &lt;at&gt; night") || !strings.Contains(bad.Body.String(), `value="typed"`) || len(w.coming) != 0 {
		t.Errorf("a bad window: status %d", bad.Code)
	}
	if good := ask(h, "POST", "/calendar", url.Values{"name": {"nightly"}, "label": {"all"}, "window": {"every day 22:00-04:00"}}); good.Code != http.StatusSeeOther || len(w.coming) != 1 {
		t.Fatalf("status %d, %v", good.Code, w.coming)
	}
	for _, paused := range []string{"yes", "no"} {
		ask(h, "POST", "/calendar/nightly/pause", url.Values{"paused": {paused}})
		if w.coming[0].Paused != (paused == "yes") || w.coming[0].Window == "" {
			t.Errorf("paused %s: %+v", paused, w.coming[0])
		}
	}
	if none := ask(h, "POST", "/calendar/none/pause", url.Values{"paused": {"yes"}}); none.Code != http.StatusNotFound {
		t.Errorf("no such schedule: status %d", none.Code)
	}
	named := url.Values{"name": {"nightly"}, "label": {"all"}, "window": {"every day 22:00-04:00"}, "hook_before": {"drain, stop"}, "hook_after": {"fill"}, "not_while": {"backup"}, "restart_service": {"nginx"}}
	ask(h, "POST", "/calendar", named)
	if m := w.coming[0].Manner; m == nil || !slices.Equal(m.Before, []string{"drain", "stop"}) || !slices.Equal(m.Services, []string{"nginx.service"}) {
		t.Fatalf("the manner is %+v", m)
	}
	if body := ask(h, "GET", "/calendar", nil).Body.String(); !strings.Contains(body, "Hooks before it: drain, stop") || !strings.Contains(body, "while one of these runs: backup") {
		t.Error("the page does not show the manner")
	}
	named.Set("hook_before", "../etc/passwd")
	if bad := ask(h, "POST", "/calendar", named); bad.Code != http.StatusBadRequest || !strings.Contains(bad.Body.String(), `value="../etc/passwd"`) || !slices.Equal(w.coming[0].Manner.Before, []string{"drain", "stop"}) {
		t.Errorf("a hook that is not a name: status %d", bad.Code)
	}
	ask(h, "POST", "/calendar/nightly/remove", url.Values{})
	if len(w.coming) != 0 {
		t.Errorf("%v", w.coming)
	}
}

func TestARuleIsLookedAtBeforeItIsSaved(t *testing.T) {
	w := fleet()
	h := w.open(t)
	before := len(w.ruleList)
	typed := url.Values{"name": {"mine"}, "label": {"all"}, "verb": {"decline"}, "expr": {"true"}, "soak": {"3"}, "note": {"because <x>"}}
	look := ask(h, "POST", "/rules/check", typed)
	if look.Code != http.StatusOK || len(w.ruleList) != before || !strings.Contains(look.Body.String(), "11 are decided already") || !strings.Contains(look.Body.String(), "because &lt;x&gt;") {
		t.Errorf("status %d, %d rules", look.Code, len(w.ruleList))
	}
	typed.Set("soak", "three")
	if bad := ask(h, "POST", "/rules", typed); bad.Code != http.StatusBadRequest || len(w.ruleList) != before || !strings.Contains(bad.Body.String(), "not a number of days") {
		t.Errorf("status %d, %d rules", bad.Code, len(w.ruleList))
	}
	typed.Set("soak", "3")
	ask(h, "POST", "/rules", typed)
	if n := len(w.ruleList); n != before+1 || w.ruleList[before].SoakDays != 3 || w.ruleList[before].Verb != patch.Decline {
		t.Fatalf("%+v", w.ruleList)
	}
	ask(h, "POST", "/rules/mine/remove", url.Values{})
	if len(w.ruleList) != before {
		t.Errorf("%+v", w.ruleList)
	}
}

func TestALabelThatNobodyCarriesHasNoShare(t *testing.T) {
	body := ask(fleet().open(t), "GET", "/reports", nil).Body.String()
	if !strings.Contains(body, "36.4–63.6 %") || !strings.Contains(body, "no machine") || !strings.Contains(body, "31.8–50.0 %") {
		t.Errorf("%s", body)
	}
}

func TestSignOutEndsTheCookie(t *testing.T) {
	got := ask(newWorld().open(t), "POST", "/sign-out", nil)
	if k := got.Result().Cookies(); len(k) != 1 || k[0].MaxAge >= 0 || k[0].Value != "" || !k[0].Secure {
		t.Errorf("the cookies are %v", k)
	}
}

func TestDecideKeepsWhatWasTyped(t *testing.T) {
	w := fleet()
	h := w.open(t)
	id := string(w.patches[1].Patch.ID)
	got := ask(h, "POST", "/decide", url.Values{"patches": {id}, "verb": {"decline"}, "label": {"web"}, "why": {"refuse"}, "seen": {"decline 1 for web"}})
	body := got.Body.String()
	if got.Code != http.StatusConflict || !strings.Contains(body, "the label is gone") || !strings.Contains(body, `value="refuse"`) || !strings.Contains(body, `value="decline" selected`) {
		t.Errorf("status %d, %s", got.Code, body)
	}
	got = ask(h, "POST", "/decide", url.Values{"patches": {id}, "verb": {"hold"}, "label": {"web"}, "until": {"soon"}, "seen": {"hold 1 for web until soon"}})
	if got.Code != http.StatusBadRequest || !strings.Contains(got.Body.String(), "Cannot read the time") {
		t.Errorf("a bad time: status %d", got.Code)
	}
	if got = ask(h, "POST", "/decide", url.Values{"verb": {"approve"}, "seen": {"approve 0 for all"}}); got.Code != http.StatusBadRequest {
		t.Errorf("no patch: status %d", got.Code)
	}
}

func TestDecideAndUndo(t *testing.T) {
	w := fleet()
	h := w.open(t)
	ids := string(w.patches[1].Patch.ID) + "\n" + string(w.patches[2].Patch.ID)
	got := ask(h, "POST", "/decide", url.Values{"patches": {ids}, "verb": {"approve"}, "label": {"web"}, "why": {" now "}, "seen": {"approve 2 for web"}})
	if got.Code != http.StatusSeeOther || len(w.asked) != 1 || len(w.asked[0].Patches) != 2 || w.asked[0].Why != "now" {
		t.Fatalf("status %d, asked %v", got.Code, w.asked)
	}
	page := ask(h, "GET", got.Header().Get("Location"), nil).Body.String()
	if !strings.Contains(page, "2 patches are approved") || !strings.Contains(page, `name="verb" value="clear"`) || strings.Count(html.UnescapeString(page), ids+"\n") != 1 {
		t.Errorf("the page is %s", page)
	}
	if got = ask(h, "POST", "/decide", url.Values{"patches": {ids}, "verb": {"clear"}, "label": {"web"}}); got.Code != http.StatusSeeOther || w.asked[1].Verb != patch.Clear {
		t.Errorf("undo: status %d", got.Code)
	}
}

func TestNothingIsDecidedUnseen(t *testing.T) {
	w := fleet()
	h := w.open(t)
	got := ask(h, "POST", "/decide", url.Values{"patches": {string(w.patches[1].Patch.ID)}, "verb": {"approve"}, "label": {"all"}, "seen": {"approve 1 for web"}})
	if got.Code != http.StatusConflict || len(w.asked) != 0 || !strings.Contains(got.Body.String(), "nothing was decided yet") {
		t.Errorf("status %d, decided %v", got.Code, w.asked)
	}
}

func TestDecideTakesEverythingThatAFilterMatches(t *testing.T) {
	w := fleet()
	got := ask(w.open(t), "GET", "/decide?verb=approve&os="+string(sampleOS)+"&show=undecided&category=security", nil).Body.String()
	if !strings.Contains(got, "<strong>5 patches</strong>") {
		t.Errorf("the page is %s", got)
	}
}

func TestApplyRefusesAPlanThatMoved(t *testing.T) {
	w := fleet()
	h := w.open(t)
	got := ask(h, "POST", "/deployments", url.Values{"label": {"web"}, "hash": {strings.Repeat("0", 64)}})
	if got.Code != http.StatusConflict || !strings.Contains(got.Body.String(), "has changed since you looked") {
		t.Errorf("another plan: status %d", got.Code)
	}
	got = ask(h, "POST", "/deployments", url.Values{"label": {"web"}, "hash": {string(w.plan.Hash)}})
	if got.Code != http.StatusSeeOther {
		t.Errorf("the same plan: status %d", got.Code)
	}
}

func TestQuestions(t *testing.T) {
	for text, want := range map[string]asked{
		"why is perl not on web-14":                  {"perl", "web-14"},
		"Why isn't perl deployed on web-14?":         {"perl", "web-14"},
		"why perl on web-14":                         {"perl", "web-14"},
		"perl not on web-14 ":                        {"perl", "web-14"},
		"Warum ist perl nicht auf web-14?":           {"perl", "web-14"},
		"warum fehlt perl auf web-14":                {"perl", "web-14"},
		"why is bookworm/perl/5.36 not listed for m": {"bookworm/perl/5.36", "m"},
		"why is perl 5.36.0-7 not on web-14":         {"perl 5.36.0-7", "web-14"},
	} {
		if got, ok := question(text); !ok || got != want {
			t.Errorf("%q is read as %v, %v", text, got, ok)
		}
	}
	for _, text := range []string{"perl", "CVE-2026-1", "web-14", "why", "", "on", "all the web servers"} {
		if got, ok := question(text); ok {
			t.Errorf("%q is read as the question %v", text, got)
		}
	}
}

func TestSearchLeadsToTheExplanation(t *testing.T) {
	w := fleet()
	got := ask(w.open(t), "GET", "/search?q="+url.QueryEscape("why is perl not on web-01"), nil)
	if want := explainURL(w.machines[0].ID, w.patches[1].Patch.ID); got.Header().Get("Location") != want {
		t.Errorf("it leads to %q, not %q", got.Header().Get("Location"), want)
	}
}

func TestAFaultOfOurOwnShowsNoDetail(t *testing.T) {
	p := faultOf(errors.New("open /var/lib/secret: permission denied"))
	if p.Status != 500 || strings.Contains(p.What.String()+p.Why.String()+p.Do.String(), "secret") {
		t.Errorf("the page says %+v", p)
	}
}

func TestFormats(t *testing.T) {
	w := newWorld()
	words := words{now: func() time.Time { return w.now }, zone: w.now.Location(), lang: phrase.English}
	num, size := words.num, words.lang.Size
	for got, want := range map[string]string{num(63440): "63,440", num(0): "0", num(-1234): "−1,234", num(999): "999", size(7_410_000): "7.4 MB", size(999): "999 B", size(0): "0 B", size(1_999_999_999): "2.0 GB",
		words.when(w.now.AddDate(0, 0, -1)): "yesterday 08:40", words.when(w.now.AddDate(0, 0, 1)): "tomorrow 08:40", words.when(w.now): "today 08:40", words.when(w.now.AddDate(0, 0, -3)): "Fri 08:40", words.when(w.now.AddDate(-1, 0, 0)): "23 Nov 2025", words.when(time.Time{}): "never",
		patchURL("a/b c/1:2+3~#?"): "/patches/a/b%20c/1:2+3~%23%3F"} {
		if got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
}

func TestAnExpressionIsTakenApart(t *testing.T) {
	h := fleet().open(t)
	body := ask(h, "POST", "/labels/check", url.Values{"expr": {"a && b"}}, "HX-Request", "true").Body.String()
	for _, want := range []string{"It holds for 1 of 22 machines now; 1 could not be judged", "all of", "&#34;db-02&#34;", "its inventory has not arrived yet", `class="d1"`} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is not in %s", want, body)
		}
	}
	if bad := ask(h, "POST", "/labels/check", url.Values{"expr": {"nonsense"}}).Body.String(); !strings.Contains(bad, "<pre>undeclared reference") {
		t.Error(bad)
	}
}

func TestWhatAChangeWouldDoIsShownBeforeItIsMade(t *testing.T) {
	w := fleet()
	w.changes.Label.Leave = whatif.Bucket{Count: 60, Names: []string{"db-01"}}
	h := w.open(t)
	for about, form := range map[string]url.Values{
		"decision": {"verb": {"approve"}, "label": {"all"}, "patches": {"a/b/c"}}, "label": {"name": {"web"}, "kind": {"smart"}, "expr": {"true"}},
		"rule": {"name": {"r"}, "label": {"all"}, "verb": {"approve"}}, "schedule": {"name": {"s"}, "label": {"all"}, "window": {"daily 1:00-2:00"}}, "remove-label": {"name": {"web"}}} {
		form.Set("about", about)
		got := ask(h, "POST", "/what-if", form, "HX-Request", "true")
		if body := got.Body.String(); got.Code != http.StatusOK || !strings.Contains(body, "1 in, 0 out") || !strings.Contains(body, "and 59 more") || !strings.Contains(body, "the schedule canary installs it") {
			t.Errorf("%s: %d %s", about, got.Code, body)
		}
	}
	if len(w.asked) != 0 {
		t.Errorf("it was decided: %+v", w.asked)
	}
	for about, form := range map[string]url.Values{"": {}, "label": {"name": {""}, "kind": {"smart"}, "expr": {"true"}}, "decision": {"verb": {"approve"}}} {
		form.Set("about", about)
		if got := ask(h, "POST", "/what-if", form); got.Code != http.StatusBadRequest {
			t.Errorf("%s: %d", about, got.Code)
		}
	}
}

func TestProposalsAreAnsweredInTheConsole(t *testing.T) {
	w := fleet()
	h := w.open(t)
	if body := ask(h, "GET", "/", nil).Body.String(); !strings.Contains(body, "1 decision waits</a>") && !strings.Contains(body, "1 decision waits for a second person") {
		t.Error("home does not tell")
	}
	body := ask(h, "GET", "/proposals", nil).Body.String()
	if !strings.Contains(body, `value="confirm"`) || !strings.Contains(body, "not now") {
		t.Error(body)
	}
	if bad := ask(h, "POST", "/proposals/none", url.Values{"answer": {"confirm"}}); bad.Code != http.StatusNotFound {
		t.Errorf("%d", bad.Code)
	}
	if bad := ask(h, "POST", "/proposals/p1", url.Values{"answer": {"perhaps"}}); bad.Code != http.StatusBadRequest || w.proposed[0].State != patch.Proposed {
		t.Errorf("%d", bad.Code)
	}
	if good := ask(h, "POST", "/proposals/p1", url.Values{"answer": {"confirm"}}); good.Code != http.StatusSeeOther || w.proposed[0].State != patch.Confirmed {
		t.Errorf("%d %+v", good.Code, w.proposed[0])
	}
	w.proposed[0].State, w.proposed[0].By = patch.Proposed, "m.keller"
	if body := ask(h, "GET", "/proposals", nil).Body.String(); strings.Contains(body, `value="confirm"`) || !strings.Contains(body, "Withdraw") {
		t.Error("whoever proposed it is offered to confirm it")
	}
}

func TestExploitedVulnerabilitiesStandOut(t *testing.T) {
	w := fleet()
	var id patch.ID
	for _, n := range w.patches {
		if len(n.Patch.CVEs) > 0 && n.Patch.Category == patch.Security {
			id, w.kev = n.Patch.ID, patch.Exploits{n.Patch.CVEs[0]: {CVE: n.Patch.CVEs[0], Due: w.now}}
		}
	}
	h := w.open(t)
	if body := ask(h, "GET", "/", nil).Body.String(); !strings.Contains(body, "exploited: CVE-") {
		t.Error("home does not tell")
	}
	if body := ask(h, "GET", patchURL(id), nil).Body.String(); !strings.Contains(body, "Known to be exploited") || !strings.Contains(body, "to be mended until") {
		t.Errorf("the page of %s does not tell", id)
	}
}
