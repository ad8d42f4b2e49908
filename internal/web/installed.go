package web

import (
	"bytes"
	"net/url"
	"time"

	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/workbook"
)

// installedPage proves what Fettle installed in a time: of each patch on how many machines, who approved it, and what detects said of it.
type installedPage struct {
	period
	Months   []month
	Rows     []installedRow
	Total    patch.InstalledPatch // Machines and Verified are installations here, each of a patch on a machine
	Patches  int
	Chain    Chain
	CSV, Log string // addresses: each installation, and what people did in the same time
}

// Month is the name of the month that the page is about, where it is one that can be chosen.
func (p installedPage) Month() phrase.Phrase {
	for _, m := range p.Months {
		if m.Current {
			return m.Word
		}
	}
	return ""
}

// Unproven are installations of which no complete detect says yet that they hold.
func (p installedPage) Unproven() int { return p.Total.Machines - p.Total.Verified }

// installedRow is one patch under one approval.
type installedRow struct {
	patch.InstalledPatch
	Approval patch.Decision // without ID where it is no longer on record
}

// period is a time of whole days, the last one included.
type period struct {
	From, Until string // as typed: 2026-10-01
}

// month is a month that can be chosen.
type month struct {
	Word    phrase.Phrase
	URL     string
	Current bool
}

const monthsShown = 6

// monthOf is the month that began ago months before now's.
func monthOf(now time.Time, ago int) (period, phrase.Phrase) {
	first := time.Date(now.Year(), now.Month()-time.Month(ago), 1, 0, 0, 0, 0, now.Location())
	return period{From: first.Format(typedDay), Until: first.AddDate(0, 1, -1).Format(typedDay)}, phrase.Month(first)
}

// months are the newest ones, as links to a page's address.
func (c *console) months(address string, p period) (list []month) {
	for ago := range monthsShown {
		m, name := monthOf(c.Now().In(c.Zone), ago)
		list = append(list, month{Word: name, URL: address + "?" + m.query(), Current: m == period{From: p.From, Until: p.Until}})
	}
	return list
}

func (p period) query() string {
	return url.Values{"from": {p.From}, "until": {p.Until}}.Encode()
}

// span reads a period, this month where none is given; its end is exclusive.
func (c *console) span(v *visit) (p period, from, until time.Time, err error) {
	p = period{From: v.get("from"), Until: v.get("until")}
	if p.From == "" && p.Until == "" {
		p, _ = monthOf(c.Now().In(c.Zone), 0)
	}
	days := [2]time.Time{}
	for i, s := range []string{p.From, p.Until} {
		if days[i], err = time.ParseInLocation(typedDay, s, c.Zone); err != nil {
			return p, from, until, &patch.Error{Kind: patch.Invalid, What: "cannot read the time that is asked for", Why: "its first and its last day must be dates such as 2026-12-01"}
		}
	}
	if days[1].Before(days[0]) {
		return p, from, until, &patch.Error{Kind: patch.Invalid, What: "this time ends before it begins"}
	}
	return p, days[0], days[1].AddDate(0, 0, 1), nil
}

// Each is the address of the installations that a number of the page counts: of all, or of one row's; proof is "proven", "unproven" or empty.
func (p installedPage) Each(of patch.InstalledPatch, proof string) string {
	q := url.Values{"from": {p.From}, "until": {p.Until}, "show": {"each"}}
	if of.Patch != "" {
		q.Set("patch", string(of.Patch))
		q.Set("decision", of.Decision)
	}
	if proof != "" {
		q.Set("proof", proof)
	}
	return "/reports/installed?" + q.Encode()
}

// installationsPage lists the installations that a number counts, each of a patch on a machine.
type installationsPage struct {
	period
	Patch patch.ID // of the one row that is meant
	Proof string
	Rows  []installationRow
	Pager pager
	Back  string
}

type installationRow struct {
	patch.Installation
	Name string // the machine's
}

const installationsSize = 100

func (c *console) installations(v *visit) error {
	f := patch.InstalledFilter{Patch: patch.ID(v.get("patch")), Decision: v.get("decision"), Proof: v.get("proof")}
	p := installationsPage{Patch: f.Patch, Proof: f.Proof}
	var err error
	if p.period, f.From, f.Until, err = c.span(v); err != nil {
		return err
	}
	p.Back = "/reports/installed?" + p.query()
	at := v.offset(installationsSize)
	page, total, err := c.Records.InstalledOn(v.ctx, f, at, installationsSize)
	if err != nil {
		return err
	}
	names, err := c.machineNames(v)
	if err != nil {
		return err
	}
	for _, x := range page {
		p.Rows = append(p.Rows, installationRow{x, names[x.Machine]})
	}
	p.Pager = v.pager(at, installationsSize, len(page), total)
	return show(c, v, "installations", "reports", "What was installed", p)
}

// machineNames is what every machine is called.
func (c *console) machineNames(v *visit) (map[patch.MachineID]string, error) {
	roll, err := c.Roll(v.ctx)
	if err != nil {
		return nil, err
	}
	names := make(map[patch.MachineID]string, len(roll.Machines))
	for i := range roll.Machines {
		names[roll.Machines[i].ID] = roll.Machines[i].Name
	}
	return names, nil
}

func (c *console) installed(v *visit) error {
	if v.get("show") == "each" {
		return c.installations(v)
	}
	p := installedPage{}
	var from, until time.Time
	var err error
	if p.period, from, until, err = c.span(v); err != nil {
		return err
	}
	all, err := c.Records.InstalledPatches(v.ctx, from, until)
	if err != nil {
		return err
	}
	approvals, patches := ledger.Approvals{Find: c.Records.FindDecision}, map[patch.ID]bool{}
	for _, x := range all {
		row := installedRow{InstalledPatch: x}
		if row.Approval, err = approvals.Of(v.ctx, x.Decision); err != nil {
			return err
		}
		p.Rows = append(p.Rows, row)
		patches[x.Patch] = true
		p.Total.Machines += x.Machines
		p.Total.Verified += x.Verified
	}
	p.Patches = len(patches)
	if p.Chain, err = c.Chain(v.ctx); err != nil {
		return err
	}
	p.Months = c.months("/reports/installed", p.period)
	p.CSV, p.Log = "/reports/installed.csv?"+p.query(), "/audit?"+p.query()
	return show(c, v, "installed", "reports", "What was installed", p)
}

// exportInstalled writes a line for every installation of a time.
func (c *console) exportInstalled(v *visit) error {
	p, from, until, err := c.span(v)
	if err != nil {
		return err
	}
	all, err := c.Records.Installations(v.ctx, from, until)
	if err != nil {
		return err
	}
	names, err := c.machineNames(v)
	if err != nil {
		return err
	}
	approvals := ledger.Approvals{Find: c.Records.FindDecision}
	for _, x := range all {
		if _, err := approvals.Of(v.ctx, x.Decision); err != nil {
			return err
		}
	}
	var b bytes.Buffer
	if err := workbook.WriteCSV(&b, ledger.InstalledSheet(all, names, approvals.Known)); err != nil {
		return err
	}
	return v.download(b.Bytes(), "installed-"+p.From+"-"+p.Until+".csv", "text/csv; charset=utf-8")
}
