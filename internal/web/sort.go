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

// column is one that a list of T can be sorted by. Down is how it is looked at first.
type column[T any] struct {
	name  string
	word  phrase.Phrase
	class string
	order func(a, b T) int
	down  bool
}

var machineColumns = [...]column[ledger.MachineRow]{
	{"name", "Machine", "", func(a, b ledger.MachineRow) int { return strings.Compare(a.Name, b.Name) }, false},
	{"os", "OS", "", func(a, b ledger.MachineRow) int { return cmp.Compare(a.OS, b.OS) }, false},
	{"detect", "Newest complete detect", "", func(a, b ledger.MachineRow) int { return detected(a).Compare(detected(b)) }, false},
	{"need", "Need", "n", func(a, b ledger.MachineRow) int { return cmp.Compare(a.Needed, b.Needed) }, true},
	{"security", "Security", "n", func(a, b ledger.MachineRow) int { return cmp.Compare(a.Security, b.Security) }, true},
	{"undecided", "Undecided", "n", func(a, b ledger.MachineRow) int { return cmp.Compare(a.Undecided, b.Undecided) }, true},
	{"patched", "Patched", "n", func(a, b ledger.MachineRow) int {
		return cmp.Compare(a.Verdicts[patch.Patched], b.Verdicts[patch.Patched])
	}, true},
	{"errors", "Errors", "n", func(a, b ledger.MachineRow) int {
		return cmp.Compare(a.Verdicts[patch.Faulty], b.Verdicts[patch.Faulty])
	}, true},
	{"seen", "Seen", "", func(a, b ledger.MachineRow) int { return a.SeenAt.Compare(b.SeenAt) }, false},
}

func detected(m ledger.MachineRow) time.Time {
	if m.Receipt == nil {
		return time.Time{}
	}
	return m.Receipt.Ended
}

// sorted gives rows by a column, "need" or "-need" for the other way; by name where it is none. Equal ones stay by name.
func sorted(rows []ledger.MachineRow, by string) []ledger.MachineRow {
	name, down := strings.CutPrefix(by, "-")
	for _, c := range machineColumns {
		if c.name != name || by == "name" {
			continue
		}
		rows = slices.Clone(rows)
		slices.SortStableFunc(rows, func(a, b ledger.MachineRow) int {
			if down {
				return c.order(b, a)
			}
			return c.order(a, b)
		})
	}
	return rows
}

// heads leads each column's title to the list sorted by it, and from there to the other way round.
func (v *visit) heads(columns []column[ledger.MachineRow], by string) []title {
	if by == "" {
		by = "name"
	}
	var out []title
	for _, c := range columns {
		up, down := c.name, "-"+c.name
		h := title{Word: c.word, Class: c.class}
		switch {
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
