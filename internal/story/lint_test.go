package story_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/approval"
	"github.com/fettle-project/fettle/internal/lint"
	"github.com/fettle-project/fettle/internal/patch"
)

func (s *site) linter() *lint.Linter {
	return &lint.Linter{World: s.planner.World, Store: s.store, Clash: s.rules().Clash, Reach: s.rules().Reach, PatchLabels: s.book,
		KEV: func(context.Context) (patch.Exploits, error) { return s.kev, nil }, Controlled: s.desk.TwoPerson.Labels}
}

func (s *site) hand(label string, members ...patch.MachineID) {
	s.t.Helper()
	s.must(s.book.Put(s.ctx(), s.admin, patch.Label{Name: label, Members: members, CreatedAt: s.now}))
}

func TestLintFinds(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*site, *box)
		level  lint.Level
		code   string
		about  string
	}{
		"a label that is gone": {func(s *site, _ *box) {
			s.hand("few", "id-web-1")
			s.decide(patch.Approve, "few", curl)
			s.must(s.book.Remove(s.ctx(), s.admin, "few"))
		}, lint.Problem, lint.LabelGone, "few"},
		"a label that nobody carries": {func(s *site, _ *box) {
			s.hand("few", "id-web-1")
			s.schedule(s.calendar(), patch.Schedule{Name: "nightly", Label: "few", Window: "every day 22:00-04:00"})
			s.hand("few")
		}, lint.Notice, lint.LabelEmpty, "few"},
		"an OS without a feed": {func(s *site, _ *box) { s.enrol("old-1", trixie) }, lint.Problem, lint.NoFeed, string(trixie)},
		"an OS whose feed never ran": {func(s *site, _ *box) {
			s.enrol("old-1", trixie)
			s.must(s.store.PutFeed(s.ctx(), s.admin, patch.Feed{Name: "trixie", Kind: "apt", Suite: "trixie", OS: trixie}))
		}, lint.Problem, lint.NoCatalog, string(trixie)},
		"an approval that matches nothing": {func(s *site, _ *box) {
			s.decide(patch.Approve, "all", curl)
			s.publish(bookworm, story()[0])
		}, lint.Notice, lint.MatchesNothing, "all"},
		"rules that contradict each other": {func(s *site, _ *box) {
			s.rule(s.rules(), patch.Rule{Name: "yes", Label: "all", Verb: patch.Approve})
			s.rule(s.rules(), patch.Rule{Name: "no", Label: "all", Verb: patch.Decline, Expr: `patch.source == "curl"`})
		}, lint.Problem, lint.RulesClash, "yes"},
		"approvals that nothing deploys": {func(s *site, _ *box) { s.decide(patch.Approve, "all", curl) }, lint.Notice, lint.NotScheduled, "all"},
		"a window that is over": {func(s *site, _ *box) {
			s.must(s.store.PutSchedule(s.ctx(), s.admin, patch.Schedule{Name: "once", Label: "all", Window: "every day 22:00-04:00 except 2020-01-01..2099-12-31", CreatedAt: s.now}))
		}, lint.Problem, lint.NeverAgain, "once"},
		"a window in which nothing can begin": {func(s *site, _ *box) {
			s.schedule(s.calendar(), patch.Schedule{Name: "blink", Label: "all", Window: "every day 22:00-22:04"})
		}, lint.Problem, lint.TooShort, "blink"},
		"a freeze that takes a schedule's only window": {func(s *site, _ *box) {
			s.schedule(s.calendar(), patch.Schedule{Name: "monthly", Label: "all", Window: "second tuesday 22:00-04:00"})
			s.freeze("books", "2026-12-08", "2026-12-09", "")
		}, lint.Problem, lint.Swallowed, "monthly"},
		"a freeze of a label that is gone": {func(s *site, _ *box) {
			s.hand("few", "id-web-1")
			s.freeze("books", "2026-12-08", "2026-12-09", "few")
			s.must(s.book.Remove(s.ctx(), s.admin, "few"))
		}, lint.Problem, lint.LabelGone, "few"},
		"a rule of a label of patches that is gone": {func(s *site, _ *box) {
			s.patchLabel("few", "", curl)
			s.rule(s.rules(), patch.Rule{Name: "few", Label: "all", Verb: patch.Approve, Patches: "few"})
			s.rule(s.rules(), patch.Rule{Name: "no", Label: "all", Verb: patch.Decline, Expr: "false"})
			s.must(s.book.Remove(s.ctx(), s.admin, "few"))
		}, lint.Problem, lint.LabelGone, "few"},
		"a rule of patches that there are none of": {func(s *site, _ *box) {
			s.patchLabel("few", "false")
			s.rule(s.rules(), patch.Rule{Name: "few", Label: "all", Verb: patch.Approve, Patches: "few"})
		}, lint.Notice, lint.LabelEmpty, "few"},
		"a rule with a severity that there is not": {func(s *site, _ *box) {
			s.rule(s.rules(), patch.Rule{Name: "odd", Label: "all", Verb: patch.Approve, Expr: `patch.severity == "urgent"`})
		}, lint.Problem, lint.MeetsNothing, "odd"},
		"a rule for a package that no feed has": {func(s *site, _ *box) {
			s.rule(s.rules(), patch.Rule{Name: "odd", Label: "all", Verb: patch.Approve, Expr: `patch.source == "perll" && patch.age_days > 3`})
		}, lint.Notice, lint.MeetsNothing, "odd"},
		"a rule with one word too many": {func(s *site, _ *box) {
			s.rule(s.rules(), patch.Rule{Name: "odd", Label: "all", Verb: patch.Approve, Expr: `patch.category in ["security", "secruity"]`})
		}, lint.Problem, lint.WordUnknown, "odd"},
		"an exploited CVE that nobody mends": {func(s *site, _ *box) { s.exploit(curl) }, lint.Problem, lint.Exploited, "all"},
		"an exploited CVE that is held back": {func(s *site, _ *box) { s.exploit(curl); s.decide(patch.Hold, "all", curl) }, lint.Problem, lint.Exploited, "all"},
		"what waits for a second person": {func(s *site, _ *box) {
			s.desk.TwoPerson.On = true
			s.submit(s.admin, patch.Approve, "all", curl)
		}, lint.Notice, lint.SecondPerson, "all"},
		"a ring that a rule waits for": {func(s *site, _ *box) {
			_, err := s.rings.Put(s.ctx(), s.admin, patch.Ring{Name: "first", Label: "all", Position: 1})
			s.must(err)
			s.rule(s.rules(), patch.Rule{Name: "proven", Label: "all", Verb: patch.Approve, AfterRing: "first"})
			s.must(s.rings.Remove(s.ctx(), s.admin, "first"))
		}, lint.Problem, lint.RingGone, "first"},
		"a label that two persons were to guard": {func(s *site, _ *box) { s.desk.TwoPerson = approval.TwoPerson{On: true, Labels: []string{"prod"}} }, lint.Problem, lint.LabelGone, "prod"},
		"machines without a time zone": {func(s *site, _ *box) {
			s.schedule(s.calendar(), patch.Schedule{Name: "own", Label: "all", Window: "daily 1:00-2:00 machine"})
		}, lint.Notice, lint.ZoneUnknown, "own"},
		"approvals that a schedule only detects for": {func(s *site, _ *box) {
			s.decide(patch.Approve, "all", curl)
			s.schedule(s.calendar(), patch.Schedule{Name: "own", Label: "all", Window: "daily 1:00-2:00", Detect: true})
		}, lint.Notice, lint.NotScheduled, "all"},
		"a hold that ends soon":         {func(s *site, _ *box) { s.decide(patch.Hold, "all", curl) }, lint.Notice, lint.HoldEnding, string(curl)},
		"a hold that has ended":         {func(s *site, _ *box) { s.decide(patch.Hold, "all", curl); s.later(25 * time.Hour) }, lint.Notice, lint.HoldEnded, string(curl)},
		"what nobody has decided":       {func(*site, *box) {}, lint.Notice, lint.Waiting, "all"},
		"a machine that never detected": {func(s *site, _ *box) { s.enrol("new-1", bookworm) }, lint.Problem, lint.NeverDetected, "all"},
		"a machine to be admitted": {func(s *site, _ *box) {
			token := patch.Token{Name: "t", Hash: patch.Hash(strings.Repeat("a", 64)), Uses: 1, ExpiresAt: s.now.Add(time.Hour), CreatedAt: s.now}
			s.must(s.store.PutToken(s.ctx(), s.admin, token))
			_, err := s.store.RedeemToken(s.ctx(), token.Hash, s.now, patch.Machine{ID: "id-new", Name: "new-1"})
			s.must(err)
		}, lint.Notice, lint.WaitsAdmission, "all"},
	} {
		t.Run(name, func(t *testing.T) {
			s, b := ready(t)
			c.change(s, b)
			found, err := s.linter().Lint(t.Context())
			s.must(err)
			if !slices.ContainsFunc(found, func(f lint.Finding) bool {
				return f.Level == c.level && f.Code == c.code && f.Subject == c.about && f.Text != "" && f.Do != ""
			}) {
				t.Errorf("%+v", found)
			}
			for _, f := range found {
				if regexp.MustCompile(`fettle [a-z -]+ [A-Z]{2,}`).MatchString(f.Do.String()) {
					t.Errorf("it is known what this is about, and not said: %s", f.Do)
				}
			}
			if !slices.IsSortedFunc(found, func(a, b lint.Finding) int {
				return map[lint.Level]int{lint.Problem: 0, lint.Notice: 1}[a.Level] - map[lint.Level]int{lint.Problem: 0, lint.Notice: 1}[b.Level]
			}) {
				t.Errorf("problems do not come first: %+v", found)
			}
		})
	}
}

// What a rule could never meet is told with what was looked at; what may yet come true is not.
func TestLintSaysWhyARuleMeetsNothing(t *testing.T) {
	s, _ := ready(t)
	for name, expr := range map[string]string{
		"odd":       `patch.severity == "urgent" && patch.suite == "bookworm-security"`,
		"exploited": `patch.exploited`,
		"old":       `patch.age_days > 3000`,
		"new":       `patch.age_days < 1`,
		"other":     `patch.severity != "low" || patch.category == "update"`,
	} {
		s.rule(s.rules(), patch.Rule{Name: name, Label: "all", Verb: patch.Approve, Expr: expr})
	}
	paused := patch.Rule{Name: "paused", Label: "all", Verb: patch.Approve, Expr: "false", Paused: true}
	s.rule(s.rules(), paused)
	shelf, err := s.planner.World.Records().Shelf(t.Context(), bookworm, "")
	s.must(err)
	found, err := s.linter().Lint(t.Context())
	s.must(err)
	n := 0
	for _, f := range found {
		if f.Code == lint.MeetsNothing || f.Code == lint.WordUnknown {
			n++
			want := fmt.Sprintf(`none of the %d patches that there are for it can ever meet its conditions; no patch has the severity "urgent"`, len(shelf.List.Patches()))
			if f.Subject != "odd" || !strings.Contains(f.Text.String(), want) {
				t.Errorf("%+v", f)
			}
		}
	}
	if n != 1 {
		t.Errorf("%d findings in %+v", n, found)
	}
}

func TestLintIsQuietWhereAllIsWell(t *testing.T) {
	s, b := ready(t)
	s.rule(s.rules(), patch.Rule{Name: "all", Label: "all", Verb: patch.Approve})
	s.schedule(s.calendar(), patch.Schedule{Name: "nightly", Label: "all", Window: "every day 22:00-04:00"})
	s.until(22)
	b.detect()
	s.must(s.calendar().Act(t.Context()))
	for b.work() {
	}
	found, err := s.linter().Lint(t.Context())
	s.must(err)
	if len(found) != 0 {
		t.Errorf("%+v", found)
	}
}

// exploit makes a patch of the newest list mend a CVE that is known to be exploited.
func (s *site) exploit(id patch.ID) {
	s.t.Helper()
	for i := range s.cat.newest[bookworm].patches {
		if p := &s.cat.newest[bookworm].patches[i]; p.ID == id {
			p.CVEs, p.Category = []string{"CVE-2026-4242"}, patch.Security
			s.kev = patch.Exploits{"CVE-2026-4242": {CVE: "CVE-2026-4242", Due: s.now.AddDate(0, 0, -3)}}
			return
		}
	}
	s.t.Fatalf("%s is not on the list", id)
}

func TestExploitedVulnerabilitiesComeFirst(t *testing.T) {
	s, _ := ready(t)
	report := func() patch.Compliance {
		all, err := s.ledger.Compliance(t.Context(), []string{"all"}, patch.DefaultAllowance())
		s.must(err)
		return all[0]
	}
	if e := report().Exposures; len(e) == 0 || e[0].Severity == patch.Exploited {
		t.Fatalf("%+v", e)
	}
	s.exploit(curl)
	if e := report().Exposures; e[0].Severity != patch.Exploited || e[0].Pairs != 1 || e[0].Overdue != 1 || e[0].Machines != 1 {
		t.Errorf("%+v", e)
	}
	s.kev["CVE-2026-4242"] = patch.Exploit{CVE: "CVE-2026-4242", Due: s.now}
	if e := report().Exposures; e[0].Overdue != 0 {
		t.Errorf("overdue on the day itself: %+v", e)
	}
	s.patchLabel("hot", `patch.exploited`)
	s.rule(s.rules(), patch.Rule{Name: "hot", Label: "all", Verb: patch.Approve, Expr: `patch.exploited`})
	ids, err := s.book.Patches(t.Context(), "hot")
	s.must(err)
	if got := s.standing("all"); len(got) != 1 || got[curl] == "" || !slices.Equal(ids, []patch.ID{curl}) {
		t.Errorf("%v %v", got, ids)
	}
}
