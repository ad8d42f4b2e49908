package web

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// patchesPage lists the patches of one host OS with their numbers over its machines.
type patchesPage struct {
	Fleet          ledger.Fleet
	OS             patch.HostOS
	OSStatus       ledger.OSStatus
	Rows           []ledger.PatchCount
	Heads          []title
	Tabs           []tab
	Pager          pager
	Text, Category string
	Severity       string
	Show, Sort     string
	Total          int
	Labels         []string
	Views          viewsPart
	Waiting        []waitingOS // where machines have several host OSes
}

// waitingOS is how many patches of a host OS wait for a decision.
type waitingOS struct {
	OS    patch.HostOS
	Count int
}

const patchesSize = 50

// patchShows are the ways to narrow the patches, in the order of their tabs.
var patchShows = [...]struct {
	name   string
	word   phrase.Phrase
	mark   string
	filter ledger.RowFilter
}{
	{"needed", "Needed", "not-patched", ledger.RowFilter{Verdicts: []patch.Verdict{patch.NotPatched}}},
	{"undecided", "Undecided and needed", "undecided", ledger.RowFilter{Verdicts: []patch.Verdict{patch.NotPatched}, Stands: []patch.Stand{patch.Undecided}}},
	{"approved", "Approved", "approved", ledger.RowFilter{Stands: []patch.Stand{patch.Approved}}},
	{"declined", "Declined", "declined", ledger.RowFilter{Stands: []patch.Stand{patch.Declined}}},
	{"held", "Held", "held", ledger.RowFilter{Stands: []patch.Stand{patch.HeldBack}}},
	{"patched", "Patched somewhere", "patched", ledger.RowFilter{Verdicts: []patch.Verdict{patch.Patched}}},
	{"error", "Errors", "error", ledger.RowFilter{Verdicts: []patch.Verdict{patch.Faulty}}},
	{"all", "Every patch", "", ledger.RowFilter{Closed: true}},
}

func (c *console) patches(v *visit) error {
	p := patchesPage{OS: patch.HostOS(v.get("os")), Text: v.get("q"), Category: v.get("category"), Severity: v.get("severity"), Show: v.get("show"), Sort: v.get("sort")}
	if p.Show == "" {
		p.Show = "needed"
	}
	roll, err := c.Roll(v.ctx)
	if err != nil {
		return err
	}
	p.Fleet = roll.Fleet
	if p.OS == "" {
		p.OS = mainOS(p.Fleet)
	}
	for _, os := range p.Fleet.OSes {
		if os.OS == p.OS {
			p.OSStatus = os
		}
		if n := len(roll.Waiting[os.OS]); n > 0 && len(p.Fleet.OSes) > 1 {
			p.Waiting = append(p.Waiting, waitingOS{os.OS, n})
		}
	}
	if p.OS != "" {
		if err := c.patchRows(v, &p, roll.Waiting); err != nil && patch.KindOf(err) != patch.NotFound { // an OS that no catalog is published for has none
			return err
		}
	}
	if p.Labels, err = c.labelNames(v); err != nil {
		return err
	}
	if p.Views, err = c.viewsOf(v, "patches"); err != nil {
		return err
	}
	return show(c, v, "patches", "patches", "Patches", p)
}

func (c *console) patchRows(v *visit, p *patchesPage, waiting ledger.Waiting) error {
	filters := make([]ledger.RowFilter, len(patchShows))
	for i, s := range patchShows {
		filters[i] = s.filter
		filters[i].Waiting = waiting
		filters[i].Text, filters[i].Category, filters[i].Severity = p.Text, patch.Category(p.Category), patch.Severity(p.Severity)
	}
	totals, err := c.Ledger.PatchTotals(v.ctx, p.OS, filters)
	if err != nil {
		return err
	}
	at := v.offset(patchesSize)
	for i, s := range patchShows {
		p.Tabs = append(p.Tabs, tab{Word: s.word, Mark: s.mark, URL: v.with("show", s.name), Count: totals[i], Current: s.name == p.Show})
		if s.name != p.Show {
			continue
		}
		f := filters[i]
		f.Sort, f.Quick, f.Limit, f.Offset = patch.PatchSort(p.Sort), true, patchesSize, at
		if p.Rows, p.Total, err = c.Ledger.PatchCounts(v.ctx, p.OS, f); err != nil {
			return err
		}
		p.Pager = v.pager(at, patchesSize, len(p.Rows), p.Total)
	}
	p.Heads = v.heads(patchHeadings[:], cmp.Or(p.Sort, "-"+string(patch.ByNeed)))
	return nil
}

// mainOS is the host OS that most machines have.
func mainOS(f ledger.Fleet) patch.HostOS {
	var os ledger.OSStatus
	for _, o := range f.OSes {
		if os.OS == "" || o.Machines > os.Machines {
			os = o
		}
	}
	return os.OS
}

// patchPage is one patch over all machines.
type patchPage struct {
	Patch    patch.PatchRow
	Rows     []ledger.Row
	Summary  ledger.Summary
	Verdicts []tab
	Policies []tab
	Filter   rowQuery
	Pager    pager
	History  []patch.Decision
	Standing []patch.Decision // the newest per label, those taken back left out
	Payloads []patch.StoredPayload
	Files    pager // of Payloads
	Labels   []string
	KEV      patch.Exploits // CVEs that are known to be exploited
	Chain    []link         // the patches of its source that replace each other, newest first
	Asked    bool           // for the chain
}

// About is what the patch's title says beside its name and version, which the page's first line says already.
func (p patchPage) About() string {
	return strings.TrimPrefix(p.Patch.Title, p.Patch.Source+" "+p.Patch.Version+": ")
}

// link is one patch of a chain in which each replaces those after it.
type link struct {
	patch.PatchRow
	Here bool // it is the one that the page is about
}

// chainOf joins what a patch replaces and what replaces it, newest first; one alone is no chain.
func chainOf(row patch.PatchRow, all []patch.PatchRow) []link {
	byID, replacedBy := map[patch.ID]patch.PatchRow{row.ID: row}, map[patch.ID]patch.ID{}
	for _, r := range all {
		byID[r.ID] = r
		for _, old := range r.Supersedes {
			replacedBy[old] = r.ID
		}
	}
	seen := map[patch.ID]bool{row.ID: true}
	chain := []link{{row, true}}
	for id := replacedBy[row.ID]; id != "" && !seen[id]; id = replacedBy[id] {
		seen[id] = true
		chain = append([]link{{byID[id], false}}, chain...)
	}
	for next := row.Supersedes; len(next) > 0; {
		id := next[0]
		next = next[1:]
		if old, ok := byID[id]; ok && !seen[id] {
			seen[id] = true
			chain = append(chain, link{old, false})
			next = append(next, old.Supersedes...)
		}
	}
	if len(chain) == 1 {
		return nil
	}
	return chain
}

func (c *console) patch(v *visit) error {
	id := patch.ID(v.r.PathValue("patch"))
	row, err := c.Records.FindPatch(v.ctx, id)
	if patch.KindOf(err) == patch.NotFound { // or a source package, or a CVE
		if row, err = c.Explainer.ResolvePatch(v.ctx, string(id), ""); err == nil {
			return v.meant(patchURL(row.ID))
		}
	}
	if err != nil {
		return err
	}
	p := patchPage{Patch: row, Filter: v.rowQuery()}
	f, err := p.Filter.filter()
	if err != nil {
		return err
	}
	if p.KEV, err = c.Reporter.Exploited(v.ctx); err != nil {
		return err
	}
	at := v.offset(rowsSize)
	f.Limit, f.Offset = rowsSize, at
	if p.Rows, p.Summary, err = c.Ledger.PatchRows(v.ctx, id, f); err != nil {
		return err
	}
	p.Pager = v.pager(at, rowsSize, len(p.Rows), p.Summary.Matching)
	p.Verdicts, p.Policies = v.verdictTabs(p.Summary, p.Filter), v.policyTabs(p.Summary, p.Filter)
	if p.History, err = c.Records.DecisionHistory(v.ctx, id); err != nil {
		return err
	}
	p.Standing = standing(p.History)
	// All patches of its source are searched: a page that is looked at for something else does not wait for it.
	if p.Asked = v.get("part") == "chain"; p.Asked && row.Source != "" {
		kin, _, err := c.Records.SearchPatches(v.ctx, patch.PatchFilter{OS: row.OS, Text: row.Source, IncludeGone: true, Limit: kinLooked})
		if err != nil {
			return err
		}
		p.Chain = chainOf(row, kin)
	}
	if p.Asked && v.partial() {
		return showPart(c, v, "patch", "chain", p)
	}
	if err := c.patchFiles(v, &p); err != nil {
		return err
	}
	if p.Labels, err = c.labelNames(v); err != nil {
		return err
	}
	return show(c, v, "patch", "patches", phrase.Verbatim(row.Source+" "+row.Version), p)
}

// filesSize is how many of a patch's files are on a page: some have hundreds, and few read more of them than that they are there.
const filesSize = 20

// patchFiles lists a patch's files, those that failed and those that are not there yet first.
func (c *console) patchFiles(v *visit, p *patchPage) error {
	all, err := c.Records.ListPayloads(v.ctx, patch.PayloadFilter{Patch: p.Patch.ID})
	if err != nil {
		return err
	}
	rank := map[patch.PayloadState]int{patch.PayloadFailed: -1, patch.PayloadReady: 1}
	all = slices.SortedStableFunc(slices.Values(all), func(a, b patch.StoredPayload) int { return cmp.Compare(rank[a.State], rank[b.State]) })
	number, err := strconv.Atoi(v.get("files"))
	if last := (len(all) + filesSize - 1) / filesSize; err != nil || number < 1 || number > last {
		number = 1
	}
	from := (number - 1) * filesSize
	p.Payloads = page(all, from, filesSize)
	if len(all) <= filesSize {
		return nil
	}
	at := func(number int) string { return v.with("files", strconv.Itoa(number)) + "#payloads" }
	p.Files = pager{From: from + 1, To: from + len(p.Payloads), Total: len(all)}
	if number > 1 {
		p.Files.Prev = at(number - 1)
	}
	if p.Files.To < len(all) {
		p.Files.Next = at(number + 1)
	}
	return nil
}

// kinLooked bounds how many patches of one source are looked at for what replaces what.
const kinLooked = 500

// standing is the newest decision per label of a history that is newest first; what was taken back does not stand.
func standing(history []patch.Decision) []patch.Decision {
	seen := map[string]bool{}
	var out []patch.Decision
	for _, d := range history {
		if seen[d.Label] {
			continue
		}
		seen[d.Label] = true
		if d.Verb != patch.Clear {
			out = append(out, d)
		}
	}
	return out
}
