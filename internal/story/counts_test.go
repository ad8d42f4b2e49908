package story_test

import (
	"context"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/auth"
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
	return p.ledger.Compliance(ctx, labels, nil)
}
func (p press) History(context.Context, string, time.Time) ([]patch.Compliance, error) {
	return nil, nil
}
func (p press) Lint(context.Context) ([]lint.Finding, error)      { return nil, nil }
func (p press) Exploited(context.Context) (patch.Exploits, error) { return p.kev, nil }

// console is the console over a site's own stages.
func (s *site) console() http.Handler {
	h, err := pages.New(pages.Config{Roll: s.ledger.Roll, Ledger: s.ledger, Explainer: s.ledger, Planner: s.planner, Deployments: s.deploy, Labels: s.book, Beside: s.ledger, Beyond: s.ledger, Stuck: s.deploy,
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
	req := httptest.NewRequest(http.MethodGet, "https://fettle.example"+address, nil)
	req.AddCookie(&http.Cookie{Name: auth.CookieName, Value: "signed-in"})
	w := httptest.NewRecorder()
	r.console.ServeHTTP(w, req)
	if w.Code != http.StatusOK {
		r.t.Fatalf("%s: status %d: %s", address, w.Code, w.Body)
	}
	_, main, _ := strings.Cut(w.Body.String(), "<main")
	return main
}

var (
	countLink = regexp.MustCompile(`<a (?:class="[^"]*" )?href="([^"]+)"[^>]*>(?:<span class="mark[^>]*>.*?</span>)?(?:[^<]*\s)?(?:<b>)?([0-9]+(?:,[0-9]{3})*)(?:</b>| [^<]*)?</a>`)
	tables    = regexp.MustCompile(`(?s)<table class="rows" data-keys>.*?</table>`)
	noList    = regexp.MustCompile(`^/(labels/|explain/|deployments/new)`)
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
	return followed
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
	return s, d.ID
}

// Every count of the console leads to exactly so many rows.
func TestEveryCountLeadsToItsRows(t *testing.T) {
	s, d := counted(t)
	r := reader{s, s.console()}
	for address, least := range map[string]int{
		"/machines": 10, "/machines?label=web": 8, "/machines/id-web-58": 6, "/machines/id-stale": 3,
		"/patches/" + string(perl): 8, "/patches?show=all": 10, "/explain-label/all/" + string(perl): 6, "/explain-label/web/" + string(perl): 4, "/explain-label/all/" + string(bash): 4,
		"/deployments": 4, "/deployments/" + d + "?part=why": 14, "/deployments/new?part=plan&label=all": 1, "/labels": 2, "/labels/web": 20, "/reports": 14, "/updaters": 3, "/search?q=web": 1,
	} {
		if n := r.follow(address); n < least {
			t.Errorf("%s has %d counts that lead somewhere, want at least %d", address, n, least)
		}
	}
}
