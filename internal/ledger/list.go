package ledger

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// MachineQuestion narrows a list of machines, and sorts it.
type MachineQuestion struct {
	patch.MachineFilter
	Show string // one of MachineShows; "" does not narrow
	Text string // part of a name or of an address, or the beginning of an id
	Sort string // one of MachineOrders, with "-" before it the other way round; "" is by name
}

// ListMachines answers a question about machines: a page of the rows, and how many match. 0 is no limit.
func (l *Ledger) ListMachines(ctx context.Context, q MachineQuestion, offset, limit int) ([]MachineRow, int, error) {
	if q.Show == "" && q.Text == "" && (q.Sort == "" || q.Sort == "name") {
		return l.MachinesPage(ctx, q.MachineFilter, offset, limit)
	}
	keep, order := Shows(q.Show, l.World.Now()), OrderOfMachines(q.Sort)
	switch {
	case keep == nil:
		return nil, 0, patch.Errorf(patch.Invalid, "no list of machines is called %q; there are: %s", q.Show, strings.Join(MachineShows(), ", "))
	case order == nil:
		return nil, 0, patch.Errorf(patch.Invalid, "machines cannot be sorted by %q, but by: %s", q.Sort, strings.Join(MachineOrders(), ", "))
	}
	rows, _, err := l.MachinesPage(ctx, q.MachineFilter, 0, 0)
	if err != nil {
		return nil, 0, err
	}
	rows = slices.DeleteFunc(rows, func(m MachineRow) bool { return q.Show != "" && !keep(&m) || !m.Matches(q.Text) })
	slices.SortStableFunc(rows, func(a, b MachineRow) int { return order(&a, &b) })
	total := len(rows)
	rows = rows[min(offset, total):]
	if limit > 0 {
		rows = rows[:min(limit, len(rows))]
	}
	return rows, total, nil
}

// MachineShows are the ways to narrow a list of machines, as Shows knows them.
func MachineShows() []string {
	return []string{"confirmed", "needing", "person", "compliant", "lacking", "erring", "stuck", "exhausted", "pending", "never", "behind", "stale", "silent", "failed", "reboot", "revoked"}
}

// Shows says which machines a way to narrow keeps; "" keeps all that are not shut out. It is nil where there is no such way.
func Shows(show string, now time.Time) func(*MachineRow) bool {
	switch show {
	case "":
		return func(m *MachineRow) bool { return m.State != patch.Revoked }
	case "confirmed":
		return func(m *MachineRow) bool {
			return m.Freshness == Fresh && m.Verdicts[patch.NotPatched]+m.Verdicts[patch.Faulty]+m.Verdicts[patch.Unknown] == 0
		}
	case "needing":
		return func(m *MachineRow) bool { return m.State == patch.Admitted && m.Freshness == Fresh && m.Needed > 0 }
	case "person":
		return func(m *MachineRow) bool { return m.State == patch.Admitted && m.Person }
	case "compliant":
		return func(m *MachineRow) bool { return m.Freshness == Fresh && m.Security == 0 && m.Unjudged == 0 }
	case "erring":
		return func(m *MachineRow) bool { return m.Freshness == Fresh && m.Security == 0 && m.Unjudged > 0 }
	case "lacking":
		return func(m *MachineRow) bool { return m.State == patch.Admitted && m.Freshness == Fresh && m.Security > 0 }
	case "stuck":
		return (*MachineRow).Stuck
	case "exhausted":
		return func(m *MachineRow) bool { return m.State == patch.Admitted && m.Exhausted > 0 }
	case "never":
		return ofFreshness(Never)
	case "behind":
		return ofFreshness(Behind)
	case "stale":
		return ofFreshness(Stale)
	case "silent":
		return func(m *MachineRow) bool { return m.Silent(now) }
	case "failed":
		return ofFreshness(Failed)
	case "reboot":
		return func(m *MachineRow) bool { return m.State == patch.Admitted && m.RebootOwed }
	case string(patch.Pending), string(patch.Revoked):
		return func(m *MachineRow) bool { return string(m.State) == show }
	}
	return nil
}

func ofFreshness(f Freshness) func(*MachineRow) bool {
	return func(m *MachineRow) bool { return m.State == patch.Admitted && m.Freshness == f }
}

// LongSilent is for how long a machine has said nothing before people are told of it by itself.
const LongSilent = 7 * 24 * time.Hour

// Silent says whether a machine takes part and has said nothing for long.
func (m *MachineRow) Silent(now time.Time) bool {
	return m.State == patch.Admitted && patch.Quiet(m.SeenAt, now) > LongSilent
}

// Stuck says whether a machine takes part and yet has no detect to go by, or one with errors.
func (m *MachineRow) Stuck() bool {
	return m.State == patch.Admitted && (m.Freshness != Fresh && m.Freshness != Behind || m.Verdicts[patch.Faulty] > 0)
}

// Matches says whether a text is part of a machine's name or address, or the beginning of its id; an empty one always is.
func (m *MachineRow) Matches(text string) bool {
	text = strings.ToLower(text)
	return text == "" || strings.Contains(strings.ToLower(m.Name), text) || strings.HasPrefix(string(m.ID), text) || strings.Contains(m.Address, text)
}

// MachineOrders are the columns that a list of machines can be sorted by, as OrderOfMachines knows them.
func MachineOrders() []string {
	return []string{"name", "os", "detect", "need", "security", "undecided", "patched", "errors", "seen"}
}

// OrderOfMachines compares two machines by a column, "need" or "-need" for the other way round; "" is by name. It is nil where there is no such column.
func OrderOfMachines(by string) func(a, b *MachineRow) int {
	name, down := strings.CutPrefix(by, "-")
	order := columnOfMachines(name)
	if order == nil || !down {
		return order
	}
	return func(a, b *MachineRow) int { return order(b, a) }
}

func columnOfMachines(name string) func(a, b *MachineRow) int {
	number := func(of func(*MachineRow) int) func(a, b *MachineRow) int {
		return func(a, b *MachineRow) int { return cmp.Compare(of(a), of(b)) }
	}
	switch name {
	case "", "name":
		return func(a, b *MachineRow) int { return strings.Compare(a.Name, b.Name) }
	case "os":
		return func(a, b *MachineRow) int { return cmp.Compare(a.OS, b.OS) }
	case "detect":
		return func(a, b *MachineRow) int { return a.detected().Compare(b.detected()) }
	case "need":
		return number(func(m *MachineRow) int { return m.Needed })
	case "security":
		return number(func(m *MachineRow) int { return m.Security })
	case "undecided":
		return number(func(m *MachineRow) int { return m.Undecided })
	case "patched":
		return number(func(m *MachineRow) int { return m.Verdicts[patch.Patched] })
	case "errors":
		return number(func(m *MachineRow) int { return m.Verdicts[patch.Faulty] })
	case "seen":
		return func(a, b *MachineRow) int { return a.SeenAt.Compare(b.SeenAt) }
	}
	return nil
}

func (m *MachineRow) detected() time.Time {
	if m.Receipt == nil {
		return time.Time{}
	}
	return m.Receipt.Ended
}
