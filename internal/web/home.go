package web

import (
	"cmp"
	"net/url"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/calendar"
	"github.com/fettle-project/fettle/internal/deploy"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
)

// homePage answers whether tonight needs somebody.
type homePage struct {
	Fleet   ledger.Fleet
	Decide  []ledger.PatchCount // undecided and needed, security first
	Risk    []ledger.PatchCount // security patches that machines lack, longest known first
	Running []deploy.Progress
	Recent  []deploy.Progress
	Stuck   []*ledger.MachineRow
	Silent  int // machines that were not seen for 7 days
	Pending []patch.Machine
	Waiting []osCounts // where machines have several host OSes: the numbers of each, which make the fleet's
	KEV     patch.Exploits
	Seconds []patch.Proposal // wait for a second person
	Feeds   []patch.FeedStatus
	Good    int              // of the feeds: read well at their newest run
	Tonight []calendar.Event // windows that open within a day
	Trends  []trend
	Later   bool // Trends come after the page
}

// osCounts are the patches of one host OS that wait for a decision, and its security patches that machines lack.
type osCounts struct {
	OS                  patch.HostOS
	Undecided, Security int
}

// trend is a label's confirmed share over the days that are kept, and now.
type trend struct {
	reportRow
	URL string
}

const (
	tonight    = 24 * time.Hour
	trendsMost = 6
)

const homeLines = 6

func (c *console) home(v *visit) error {
	if v.partial() && v.get("part") == "shares" {
		var p homePage
		if err := c.homeTrends(v, &p); err != nil {
			return err
		}
		return showPart(c, v, "home", "shares", p)
	}
	roll, err := c.Roll(v.ctx)
	if err != nil {
		return err
	}
	p := homePage{Fleet: roll.Fleet}
	for _, os := range p.Fleet.OSes {
		if err := c.homeCounts(v, os.OS, &p); err != nil {
			return err
		}
	}
	if len(p.Fleet.OSes) == 1 {
		p.Waiting = nil
	}
	p.Decide = head(homeLines, rank(p.Decide))
	if p.KEV, err = c.Reporter.Exploited(v.ctx); err != nil {
		return err
	}
	p.Risk = head(homeLines, oldest(p.Risk, p.KEV))
	p.addMachines(roll.Machines, c.Now())
	list, err := c.Deployments.List(v.ctx, 20)
	if err != nil {
		return err
	}
	for _, d := range list {
		if !d.Ended {
			p.Running = append(p.Running, d)
		} else if len(p.Recent) < 3 {
			p.Recent = append(p.Recent, d)
		}
	}
	if p.Seconds, err = c.Records.ListProposals(v.ctx, true); err != nil {
		return err
	}
	if p.Feeds, err = c.Records.ListFeeds(v.ctx); err != nil {
		return err
	}
	for _, f := range p.Feeds {
		if f.Good() {
			p.Good++
		}
	}
	if p.Tonight, err = c.Calendar.Between(v.ctx, c.Now(), c.Now().Add(tonight)); err != nil {
		return err
	}
	if p.Later = v.get("part") != "shares" && !c.Reporter.ComplianceKnown(); !p.Later {
		if err := c.homeTrends(v, &p); err != nil {
			return err
		}
	}
	return show(c, v, "home", "home", "Home", p)
}

// homeTrends draws the labels that have machines, the one of all first. Whatever labels ask of machines has to be read for it: after a start a page does
// not wait for that.
func (c *console) homeTrends(v *visit, p *homePage) error {
	all, err := c.Reporter.Compliance(v.ctx)
	if err != nil {
		return err
	}
	for _, one := range keep(all, func(x patch.Compliance) bool { return x.Machines > 0 }) {
		if len(p.Trends) == trendsMost {
			break
		}
		r := reportRow{Compliance: one}
		if r.Days, err = c.Reporter.History(v.ctx, one.Label, c.Now().AddDate(0, 0, -stripDays)); err != nil {
			return err
		}
		p.Trends = append(p.Trends, trend{r, "/machines?label=" + url.QueryEscape(one.Label)})
	}
	return nil
}

// homeCounts adds one OS's needed patches.
func (c *console) homeCounts(v *visit, os patch.HostOS, p *homePage) error {
	counts, _, err := c.Ledger.PatchCounts(v.ctx, os, ledger.RowFilter{Verdicts: []patch.Verdict{patch.NotPatched}, Quick: true})
	if err != nil && patch.KindOf(err) != patch.NotFound { // of an OS that no catalog is published for nothing is known
		return err
	}
	here := osCounts{OS: os}
	for _, n := range counts {
		if n.Undecided > 0 {
			p.Decide = append(p.Decide, n)
			here.Undecided++
		}
		if n.Patch.Category == patch.Security {
			p.Risk = append(p.Risk, n)
			here.Security++
		}
	}
	if here != (osCounts{OS: os}) {
		p.Waiting = append(p.Waiting, here)
	}
	return nil
}

func (p *homePage) addMachines(rows []ledger.MachineRow, now time.Time) {
	for i := range rows {
		m := &rows[i]
		if m.Silent(now) {
			p.Silent++
		}
		switch {
		case m.State == patch.Pending:
			p.Pending = append(p.Pending, m.Machine)
		case m.Stuck():
			p.Stuck = append(p.Stuck, m)
		}
	}
}

// rank puts security patches first, then those that most machines need.
func rank(list []ledger.PatchCount) []ledger.PatchCount {
	slices.SortStableFunc(list, func(a, b ledger.PatchCount) int {
		return cmp.Or(cmp.Compare(urgency(b), urgency(a)), cmp.Compare(b.Undecided, a.Undecided), cmp.Compare(a.Patch.ID, b.Patch.ID))
	})
	return list
}

func urgency(n ledger.PatchCount) int {
	if n.Patch.Category == patch.Security {
		return 1
	}
	return 0
}

// oldest puts patches for exploited CVEs first, then those that are known longest.
func oldest(list []ledger.PatchCount, kev patch.Exploits) []ledger.PatchCount {
	slices.SortStableFunc(list, func(a, b ledger.PatchCount) int {
		return cmp.Or(cmp.Compare(len(kev.Among(b.Patch.CVEs)), len(kev.Among(a.Patch.CVEs))), a.Patch.Released.Compare(b.Patch.Released), cmp.Compare(b.Verdicts[patch.NotPatched], a.Verdicts[patch.NotPatched]))
	})
	return list
}
