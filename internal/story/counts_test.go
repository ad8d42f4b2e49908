package story_test

import (
	"cmp"
	"context"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/auth"
	"github.com/fettle-project/fettle/internal/calendar"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/lint"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/updater"
	pages "github.com/fettle-project/fettle/internal/web"
)

// open is a door that everybody has passed who has a session.
type open struct {
	pages.Door
	who patch.Caller
}

func (d open) Caller(context.Context, string, string, string) (patch.Caller, error) {
	return d.who, nil
}

// overdue is an allowance that is over for every patch.
func overdue() patch.Allowance { return patch.Allowance{patch.NotGiven: -1} }

// press reports how a site stands.
type press struct{ *site }

func (p press) Compliance(ctx context.Context) ([]patch.Compliance, error) {
	sizes, err := p.book.Sizes(ctx)
	if err != nil {
		return nil, err
	}
	var labels []string
	for _, l := range sizes {
		labels = append(labels, l.Label.Name)
	}
	return p.ledger.Compliance(ctx, labels, overdue())
}
func (p press) ComplianceKnown() bool { return true }
func (p press) Exposed(ctx context.Context, label string, of patch.Severity) ([]ledger.Exposed, error) {
	return p.ledger.Exposed(ctx, label, of, overdue())
}
func (p press) History(context.Context, string, time.Time) ([]patch.Compliance, error) {
	return nil, nil
}
func (p press) Lint(context.Context) ([]lint.Finding, error)      { return nil, nil }
func (p press) Exploited(context.Context) (patch.Exploits, error) { return p.kev, nil }

// console is the console over a site's own stages.
func (s *site) console() http.Handler {
	chain := func(context.Context) (pages.Chain, error) { return pages.Chain{At: s.now}, nil }
	h, err := pages.New(pages.Config{Roll: s.ledger.Roll, Chain: chain, Ledger: s.ledger, Explainer: s.ledger, Approvals: s.desk, Planner: s.planner, Deployments: s.deploy, Labels: s.book, Beside: s.ledger, Beyond: s.ledger, Stuck: s.deploy,
		Updaters: s.updaters(), Calendar: s.calendar(), Freezes: s.calendar(), Rings: s.rings, Reporter: press{s}, Records: s.store,
		Door: open{who: s.admin}, Now: func() time.Time { return s.now }, Zone: time.UTC, Log: slog.New(slog.DiscardHandler)})
	s.must(err)
	return h
}

func (s *site) updaters() *updater.Desk {
	return &updater.Desk{Store: s.store, Labels: s.book, Key: s.approver, Now: func() time.Time { return s.now }}
}

// reader reads pages as a browser does that is signed in.
type reader struct {
	*site
	console http.Handler
}

func (r reader) page(address string) string {
	r.t.Helper()
	w := r.ask(http.MethodGet, address, nil)
	if w.Code != http.StatusOK {
		r.t.Fatalf("%s: status %d: %s", address, w.Code, w.Body)
	}
	_, main, _ := strings.Cut(w.Body.String(), "<main")
	return main
}

func (r reader) ask(method, address string, form url.Values) *httptest.ResponseRecorder {
	req := httptest.NewRequest(method, "https://fettle.example"+address, strings.NewReader(form.Encode()))
	req.AddCookie(&http.Cookie{Name: auth.CookieName, Value: "signed-in"})
	req.Header.Set("Origin", "https://fettle.example")
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	w := httptest.NewRecorder()
	r.console.ServeHTTP(w, req)
	return w
}

var (
	countLink = regexp.MustCompile(`<a (?:class="[^"]*" )?href="([^"]+)"[^>]*>(?:<span class="mark[^>]*>.*?</span>)?(?:[^<]*\s)?(?:<b>)?([0-9]+(?:,[0-9]{3})*)(?:</b>| [^<]*)?</a>`)
	tables    = regexp.MustCompile(`(?s)<table class="rows" data-keys>.*?</table>`)
	noList    = regexp.MustCompile(`^/(labels/|explain/|deployments/new|reports/installed\?from=[-0-9]+&until=[-0-9]+$)`)
	nextPage  = regexp.MustCompile(`<a href="([^"]+)" rel="next"`)
)

// rows counts the rows of a list through all its pages.
func (r reader) rows(address string) (n int) {
	r.t.Helper()
	for address != "" {
		address, _, _ = strings.Cut(address, "#")
		page := r.page(address)
		for _, table := range tables.FindAllString(page, -1) {
			_, body, _ := strings.Cut(table, "<tbody>")
			n += strings.Count(body, "<tr>")
		}
		address = ""
		if next := nextPage.FindStringSubmatch(page); next != nil {
			address = html.UnescapeString(next[1])
		}
	}
	return n
}

// follow follows every count of a page, and holds that it leads to so many rows. It says how many there were.
func (r reader) follow(address string) (followed int) {
	r.t.Helper()
	for _, m := range countLink.FindAllStringSubmatch(r.page(address), -1) {
		to := html.UnescapeString(m[1])
		if strings.HasPrefix(to, "#") || noList.MatchString(to) && !strings.Contains(to, "left=") {
			continue // a part of this page, a thing whose name has a number, or a plan, which is more than a list
		}
		want, err := strconv.Atoi(strings.ReplaceAll(m[2], ",", ""))
		r.must(err)
		if got := r.rows(to); got != want {
			r.t.Errorf("%s says %q, which leads to %d rows: %s", address, m[0], got, to)
		}
		followed++
	}
	return followed + r.press(address)
}

var (
	countButton = regexp.MustCompile(`<button class="link count[^"]*" formaction="([^"]+)"[^>]* name="([^"]+)" value="([^"]*)"[^>]*>([0-9,]+)</button>`)
	typedList   = regexp.MustCompile(`(?s)<textarea name="patches"[^>]*>(.*?)</textarea>`)
	chosen      = regexp.MustCompile(`(?s)<select class="moves" name="(verb|label)">.*?<option(?: value="([^"]*)")? selected>([^<]*)<`)
)

// press presses every count that is a button, which sends the page's form, and holds the same.
func (r reader) press(address string) (pressed int) {
	r.t.Helper()
	page := r.page(address)
	for _, m := range countButton.FindAllStringSubmatch(page, -1) {
		form := url.Values{m[2]: {html.UnescapeString(m[3])}}
		if list := typedList.FindStringSubmatch(page); list != nil {
			form.Set("patches", html.UnescapeString(list[1]))
		}
		for _, c := range chosen.FindAllStringSubmatch(page, -1) {
			form.Set(c[1], cmp.Or(c[2], c[3]))
		}
		want, err := strconv.Atoi(strings.ReplaceAll(m[4], ",", ""))
		r.must(err)
		sent := r.ask(http.MethodPost, m[1], form)
		if sent.Code != http.StatusSeeOther {
			r.t.Fatalf("%s: status %d: %s", form.Encode(), sent.Code, sent.Body)
		}
		if got := r.rows(sent.Header().Get("Location")); got != want {
			r.t.Errorf("%s says %q, which leads to %d rows: %s", address, m[0], got, form.Encode())
		}
		pressed++
	}
	return pressed
}

// counted is a fleet that stands in many ways, more of them alike than a page holds.
func counted(t *testing.T) (s *site, deployment string) {
	s = newSite(t)
	s.publish(bookworm, story()...)
	s.publish(trixie, src{"trixie", "curl", "100", []string{"curl"}})
	stale := s.enrol("stale", bookworm, "curl=1", "perl-base=1")
	stale.detect()
	s.later(80 * time.Hour)
	s.enrol("never", bookworm)
	s.enrol("other", trixie, "curl=1").detect()
	held := s.enrol("held", bookworm, "perl-base=5.36.0-7", "curl=7.88.1-10!")
	held.detect()
	clean := s.enrol("clean", bookworm, "bash=5.2.15-2")
	clean.detect()
	services := s.updaters()
	var many []*box
	members := []patch.MachineID{stale.id, held.id}
	for i := range 60 {
		b := s.enrol(fmt.Sprintf("web-%02d", i), bookworm, "perl-base=5.36.0-7", "curl=7.88.1-10", "bash=5.2.15-1")
		machine, err := s.store.FindMachine(t.Context(), b.id)
		s.must(err)
		s.must(services.Note(t.Context(), machine, patch.Inventory{Services: []patch.UpdaterState{{Name: patch.UnattendedUpgrades, Enabled: i%3 == 0}}}))
		b.detect()
		many, members = append(many, b), append(members, b.id)
	}
	s.hand("web", members...)
	s.decide(patch.Approve, "web", perl, openssl)
	s.decide(patch.Decline, "all", bash)
	s.fetch(bookworm, perl)
	d := s.roll()
	for i, b := range many {
		switch {
		case i >= 55:
			continue
		case i >= 52:
			b.fails[perl] = patch.FailPatch
		}
		b.work()
	}
	s.decide(patch.Approve, "all", curl)
	s.must(s.store.PutZone(s.ctx(), many[0].id, "Europe/Berlin"))
	s.schedule(s.calendar(), patch.Schedule{Name: "nightly", Label: "web", Window: "daily 22:00-04:00"})
	s.schedule(s.calendar(), patch.Schedule{Name: "own", Label: "all", Window: "daily 22:00-04:00 machine"})
	_, err := s.calendar().PutBlackout(s.ctx(), s.admin, calendar.BlackoutDraft{Name: "fair", From: "2026-12-01", Until: "2026-12-05", Label: "web", Reason: "a fair"})
	s.must(err)
	return s, d.ID
}

// about is a decision as the address of its page has it.
func about(label string, ids ...patch.ID) string {
	q := url.Values{"label": {label}}
	for _, id := range ids {
		q.Add("patch", string(id))
	}
	return q.Encode()
}

// Every count of the console leads to exactly so many rows.
func TestEveryCountLeadsToItsRows(t *testing.T) {
	s, d := counted(t)
	r := reader{s, s.console()}
	for address, least := range map[string]int{
		"/machines": 10, "/machines?label=web": 8, "/machines/id-web-58": 6, "/machines/id-stale": 3,
		"/patches/" + string(perl): 8, "/patches?show=all": 10, "/explain-label/all/" + string(perl): 6, "/explain-label/web/" + string(perl): 4, "/explain-label/all/" + string(bash): 4,
		"/deployments": 4, "/deployments/" + d + "?part=why": 14, "/deployments/new?part=plan&label=all": 1, "/labels": 2, "/labels/web": 20, "/reports": 20, "/ineligible": 10, "/ineligible?label=web&gate=snapshot&code=stale&show=patches": 3, "/reports/installed": 6, "/reports/exposure?label=all&exposed=none": 4, "/calendar": 100, "/": 8,
		"/decide?" + about("web", nginx): 4, "/decide?" + about("all", openssl, curl, bash): 20, "/updaters": 3, "/search?q=web": 1,
	} {
		if n := r.follow(address); n < least {
			t.Errorf("%s has %d counts that lead somewhere, want at least %d", address, n, least)
		}
	}
}

// A ring's numbers lead to their machines, while a patch goes through it and when it is halted.
func TestEveryCountOfARingLeadsToItsRows(t *testing.T) {
	s, _, canary, early, rest := ringed(t, nil)
	r := reader{s, s.console()}
	for i, b := range canary {
		if i == 0 {
			b.fails[perl] = patch.FailPatch
		}
		b.work()
	}
	s.hours(1, canary, early, rest)
	if n := r.follow("/rings"); n < 4 {
		t.Errorf("%d counts lead somewhere", n)
	}
	canary[0].facts.Packages = nil
	s.hours(30, early, rest)
	if n := r.follow("/rings"); n < 4 {
		t.Errorf("%d counts lead somewhere when it is halted", n)
	}
}
