package web

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// title is a column's title, and where a click on it leads.
type title struct {
	Word       phrase.Phrase
	URL, Class string
	Order      string // ascending or descending where the list is sorted by it
}

// heading is a column that a list can be sorted by. Down is how it is looked at first.
type heading struct {
	name  string
	word  phrase.Phrase
	class string
	down  bool
}

var patchHeadings = [...]heading{
	{string(patch.ByName), "Patch", "", false},
	{string(patch.ByReleased), "Known since", "", true},
	{string(patch.ByNeed), "Not patched", "n", true},
	{"", "Undecided", "n", false},
	{string(patch.ByPatched), "Patched", "n", true},
	{string(patch.ByNotApplicable), "Not applicable", "n", true},
	{string(patch.ByUnsure), "Error or unknown", "n", true},
	{"", "Decisions", "", false},
}

// column is a heading of a list of T, and how two of them compare.
type column[T any] struct {
	heading
	order func(a, b T) int
}

var machineColumns = [...]column[*ledger.MachineRow]{
	{heading{"name", "Machine", "", false}, func(a, b *ledger.MachineRow) int { return strings.Compare(a.Name, b.Name) }},
	{heading{"os", "OS", "", false}, func(a, b *ledger.MachineRow) int { return cmp.Compare(a.OS, b.OS) }},
	{heading{"detect", "Newest complete detect", "", false}, func(a, b *ledger.MachineRow) int { return detected(a).Compare(detected(b)) }},
	{heading{"need", "Need", "n", true}, func(a, b *ledger.MachineRow) int { return cmp.Compare(a.Needed, b.Needed) }},
	{heading{"security", "Security", "n", true}, func(a, b *ledger.MachineRow) int { return cmp.Compare(a.Security, b.Security) }},
	{heading{"undecided", "Undecided", "n", true}, func(a, b *ledger.MachineRow) int { return cmp.Compare(a.Undecided, b.Undecided) }},
	{heading{"patched", "Patched", "n", true}, func(a, b *ledger.MachineRow) int {
		return cmp.Compare(a.Verdicts[patch.Patched], b.Verdicts[patch.Patched])
	}},
	{heading{"errors", "Errors", "n", true}, func(a, b *ledger.MachineRow) int {
		return cmp.Compare(a.Verdicts[patch.Faulty], b.Verdicts[patch.Faulty])
	}},
	{heading{"seen", "Seen", "", false}, func(a, b *ledger.MachineRow) int { return a.SeenAt.Compare(b.SeenAt) }},
}

func detected(m *ledger.MachineRow) time.Time {
	if m.Receipt == nil {
		return time.Time{}
	}
	return m.Receipt.Ended
}

// sorted gives rows by a column, "need" or "-need" for the other way; by name where it is none. Equal ones stay by name.
func sorted(rows []*ledger.MachineRow, by string) []*ledger.MachineRow {
	name, down := strings.CutPrefix(by, "-")
	for _, c := range machineColumns {
		if c.name != name || by == "name" {
			continue
		}
		rows = slices.Clone(rows)
		slices.SortStableFunc(rows, func(a, b *ledger.MachineRow) int {
			if down {
				return c.order(b, a)
			}
			return c.order(a, b)
		})
	}
	return rows
}

// machineHeads leads the titles of the list of machines to its orders.
func (v *visit) machineHeads(by string) []title {
	all := make([]heading, len(machineColumns))
	for i, c := range machineColumns {
		all[i] = c.heading
	}
	return v.heads(all, cmp.Or(by, "name"))
}

// heads leads each column's title to the list sorted by it, and from there to the other way round.
func (v *visit) heads(columns []heading, by string) []title {
	var out []title
	for _, c := range columns {
		up, down := c.name, "-"+c.name
		h := title{Word: c.word, Class: c.class}
		switch {
		case up == "":
		case by == up:
			h.Order, h.URL = "ascending", v.with("sort", down)
		case by == down:
			h.Order, h.URL = "descending", v.with("sort", up)
		case c.down:
			h.URL = v.with("sort", down)
		default:
			h.URL = v.with("sort", up)
		}
		out = append(out, h)
	}
	return out
}
