package web

import (
	"cmp"
	"slices"

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

// machineHeadings are the columns of the list of machines, as ledger.OrderOfMachines knows them.
var machineHeadings = [...]heading{
	{"name", "Machine", "", false},
	{"os", "OS", "", false},
	{"detect", "Newest complete detect", "", false},
	{"need", "Need", "n", true},
	{"security", "Security", "n", true},
	{"undecided", "Undecided", "n", true},
	{"patched", "Patched", "n", true},
	{"errors", "Errors", "n", true},
	{"seen", "Seen", "roomy", false},
}

// sorted gives rows, which are by name, by another column, "need" or "-need" for the other way; as they are where it is none.
func sorted(rows []*ledger.MachineRow, by string) []*ledger.MachineRow {
	order := ledger.OrderOfMachines(by)
	if order == nil || by == "" || by == "name" {
		return rows
	}
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, order)
	return rows
}

// machineHeads leads the titles of the list of machines to its orders.
func (v *visit) machineHeads(by string) []title {
	return v.heads(machineHeadings[:], cmp.Or(by, "name"))
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
