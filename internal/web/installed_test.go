package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/calendar"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/schedule"
)

func TestWhatWasInstalledIsProven(t *testing.T) {
	h := fleet().open(t)
	october := "?from=2026-10-01&until=2026-10-31"
	page := ask(h, http.MethodGet, "/reports/installed"+october, nil).Body.String()
	for _, want := range []string{"October 2026: 34 installations of 3 patches, 33 proven by a detect, 1 not proven", "m.keller", "/reports/installed.csv" + strings.ReplaceAll(october, "&", "&amp;"), `href="/audit` + strings.ReplaceAll(october, "&", "&amp;")} {
		if !strings.Contains(visible(page)+page, want) {
			t.Errorf("the page of October does not say %q", want)
		}
	}
	csv := ask(h, http.MethodGet, "/reports/installed.csv"+october, nil)
	if !strings.HasPrefix(csv.Body.String(), "machine,machine id,patch") || strings.Count(csv.Body.String(), "\n") != 4 || !strings.Contains(csv.Body.String(), "web-01,") {
		t.Errorf("as CSV: %s", csv.Body)
	}
	if page := ask(h, http.MethodGet, "/reports/installed", nil).Body.String(); !strings.Contains(page, "Fettle installed nothing") {
		t.Error("this month, in which nothing was installed, is not said to be empty")
	}
	for _, bad := range []string{"?from=yesterday&until=2026-10-31", "?from=2026-10-31&until=2026-10-01", "?from=2026-10-31"} {
		if got := ask(h, http.MethodGet, "/reports/installed"+bad, nil); got.Code != http.StatusBadRequest {
			t.Errorf("%s: %d", bad, got.Code)
		}
	}
}

// visible is a page's text with its elements taken out and its white space made one.
func visible(html string) string {
	return strings.Join(strings.Fields(tags.ReplaceAllString(strings.ReplaceAll(html, "</", "<x"), "")), " ")
}

func TestAuditLeadsToWhatItIsAbout(t *testing.T) {
	w := fleet()
	m := w.machines[0]
	w.entries = []patch.AuditEntry{{Seq: 1, At: w.now, Who: "m.keller", Action: "machine.admit", Object: string(m.ID)}, {Seq: 2, At: w.now, Who: "m.keller", Action: "decide.approve", Object: string(w.patches[1].Patch.ID)},
		{Seq: 3, At: w.now, Who: "machine:" + string(m.ID), Action: "machine.enrol", Object: string(m.ID)}, {Seq: 4, At: w.now.AddDate(0, -2, 0), Who: "j.ortiz", Action: "token.put", Object: "rack-9"}}
	h := w.open(t)
	page := ask(h, http.MethodGet, "/audit", nil).Body.String()
	for _, want := range []string{`<a href="` + machineURL(m.ID) + `"><bdi>` + m.Name, `<a href="/patches/bookworm-security/perl/5.36.0-7`, "admitted the machine", "enrolled"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not have %s", want)
		}
	}
	if strings.Contains(page, "rack-9") {
		t.Error("an entry of two months ago is shown where nobody asked for it")
	}
	if page := ask(h, http.MethodGet, "/audit?from=2026-09-01&until=2026-09-30&q=RACK", nil).Body.String(); !strings.Contains(page, "set a token") {
		t.Error("an entry of September is not found")
	}
}

func TestWhoRestartsAMachineAndWhen(t *testing.T) {
	w := fleet()
	policy := func(m patch.RebootMode) *patch.RebootPolicy { return &patch.RebootPolicy{Mode: m} }
	at := func(h int) schedule.Occurrence {
		return schedule.Occurrence{Start: w.now.Add(time.Duration(h) * time.Hour), End: w.now.Add(time.Duration(h+1) * time.Hour)}
	}
	w.coming = []calendar.Coming{{Schedule: patch.Schedule{Name: "never", Label: "web", Reboot: policy(patch.RebootNever)}, Next: at(1)}, {Schedule: patch.Schedule{Name: "quiet", Label: "web"}, Next: at(1)},
		{Schedule: patch.Schedule{Name: "paused", Label: "web", Paused: true, Reboot: policy(patch.RebootForce)}, Next: at(1)}, {Schedule: patch.Schedule{Name: "late", Label: "web", Reboot: policy(patch.RebootAsk)}, Next: at(9)},
		{Schedule: patch.Schedule{Name: "soon", Label: "web", Reboot: policy(patch.RebootIfNeeded)}, Next: at(3)}, {Schedule: patch.Schedule{Name: "theirs", Label: "db", Reboot: policy(patch.RebootForce)}, Next: at(2)}}
	c := &console{Config: w.config()}
	got, err := c.restarts(&visit{ctx: t.Context()}, []*ledger.MachineRow{&w.machines[0], &w.machines[2]})
	if err != nil || got[w.machines[0].ID].Next.Name != "soon" || got[w.machines[2].ID].Next.Name != "" {
		t.Errorf("%v, %+v", err, got)
	}
}

func TestMachinesThatLackACVEsPatchAreCountedOnce(t *testing.T) {
	w := fleet()
	cve := w.patches[0].Patch.CVEs[0]
	page := visible(ask(w.open(t), http.MethodGet, "/search?q="+cve, nil).Body.String())
	if !strings.Contains(page, "machines lack a patch against "+cve) || strings.Contains(page, "0 machines, 0 patches") {
		t.Errorf("the page says %s", page)
	}
	p := searchPage{Counts: []ledger.PatchCount{{OS: "a", Verdicts: patch.Counts{0, 5}}, {OS: "a", Verdicts: patch.Counts{0, 7}}, {OS: "b", Verdicts: patch.Counts{0, 2}}}}
	if p.Exposed() != 9 || !p.AtLeast() {
		t.Errorf("%d machines are exposed, at least: %t", p.Exposed(), p.AtLeast())
	}
	p.whole, p.Lacking = true, make([]ledger.Row, 8)
	if p.Exposed() != 8 || p.AtLeast() {
		t.Errorf("%d machines are exposed, at least: %t", p.Exposed(), p.AtLeast())
	}
	if page := visible(ask(w.open(t), http.MethodGet, "/search?q=CVE-1999-1", nil).Body.String()); !strings.Contains(page, "No list that is published has a patch that mends") {
		t.Errorf("of an unknown CVE the page says %s", page)
	}
}
