package rpmdb

import (
	"slices"
	"strconv"
	"time"
)

// Limits of a history: what is older than the newest transactions is not read.
const (
	maxTransactions = 500
	maxItems        = 20_000
)

// Transaction is one change of packages as dnf recorded it.
type Transaction struct {
	ID         int64
	Start, End time.Time // End is zero where dnf never wrote it: it was killed
	// User is the login UID of whoever asked for it; negative or 2^32-1 where nobody was logged in: a timer, a service.
	User    int64
	Command string // the command line without the program's name; empty for programs that give none
	Items   []Item

	at map[[2]string]int // by name and architecture: the place in Items
}

// Item is one package of a Transaction. Versions are "epoch:version-release", without an epoch of 0.
type Item struct {
	Action   string // "install", "upgrade", "downgrade", "remove", "reinstall"
	Name     string
	Arch     string
	From, To string
}

// History reads dnf's history, oldest first: history.sqlite of dnf 4, transaction_history.sqlite of dnf 5, whose tables have the same
// columns in the same places. Only the newest transactions are given. open opens the file and its log by name.
func History(open func(name string) (File, error), name string) ([]Transaction, error) {
	f, err := open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	src, err := newSource(f)
	if err != nil {
		return nil, err
	}
	d, done, err := openSQLite(src, name, open)
	if err != nil {
		return nil, err
	}
	defer done()
	return d.history()
}

// action is what happened to an item, before its names are known.
type action struct {
	transaction, item, code int64
}

func (d *database) history() ([]Transaction, error) {
	all, err := d.transactions()
	if err != nil || len(all) == 0 {
		return nil, err
	}
	var actions []action
	wanted := map[int64]bool{}
	err = d.table("trans_item", 7, func(_ int64, c []column) error {
		if a := (action{c[1].number, c[2].number, c[4].number}); a.transaction >= all[0].ID && len(actions) < maxItems {
			actions = append(actions, a)
			wanted[a.item] = true
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	five := d.has("pkg_names")
	packages, err := d.packages(wanted, five)
	if err != nil {
		return nil, err
	}
	for _, a := range actions {
		i, ok := slices.BinarySearchFunc(all, a.transaction, func(t Transaction, id int64) int { return int(t.ID - id) })
		if p, named := packages[a.item]; ok && named {
			all[i].add(actionOf(a.code, five), p)
		}
	}
	for i := range all {
		all[i].settle()
	}
	return all, nil
}

// settle ends what add left open: an old package without a new one of its name was replaced by another package.
func (t *Transaction) settle() {
	t.at = nil
	for i := range t.Items {
		if t.Items[i].Action == replaced {
			t.Items[i].Action = "remove"
		}
	}
}

func (d *database) transactions() ([]Transaction, error) {
	var all []Transaction
	err := d.table("trans", 8, func(row int64, c []column) error {
		t := Transaction{ID: row, Start: moment(c[1]), End: moment(c[2]), User: c[6].number, Command: text(c[7], 4096)}
		if all = append(all, t); len(all) >= 2*maxTransactions {
			all = slices.Delete(all, 0, maxTransactions)
		}
		return nil
	})
	return all[max(0, len(all)-maxTransactions):], err
}

// latest is a moment that no honest history has reached: the year 9999.
const latest = 253_402_300_799

func moment(c column) time.Time {
	if c.kind != 'i' || c.number <= 0 || c.number > latest {
		return time.Time{}
	}
	return time.Unix(c.number, 0).UTC()
}

func text(c column, limit int) string {
	if c.kind != 't' {
		return ""
	}
	return string(c.bytes[:min(len(c.bytes), limit)])
}

// has reports whether there is such a table.
func (d *database) has(table string) bool {
	_, err := d.tableRoot(table)
	return err == nil
}

// pkg is a row of the table rpm.
type pkg struct{ name, arch, version string }

func (d *database) packages(wanted map[int64]bool, five bool) (map[int64]pkg, error) {
	names, arches := map[int64]string{}, map[int64]string{}
	if five {
		for table, to := range map[string]map[int64]string{"pkg_names": names, "archs": arches} {
			err := d.table(table, 2, func(row int64, c []column) error {
				if len(to) < maxPackages {
					to[row] = text(c[1], 256)
				}
				return nil
			})
			if err != nil {
				return nil, err
			}
		}
	}
	out := map[int64]pkg{}
	return out, d.table("rpm", 6, func(_ int64, c []column) error {
		if !wanted[c[0].number] {
			return nil
		}
		p := pkg{name: text(c[1], 256), arch: text(c[5], 64), version: text(c[3], 256) + "-" + text(c[4], 256)}
		if five {
			p.name, p.arch = names[c[1].number], arches[c[5].number]
		}
		if c[2].number != 0 {
			p.version = strconv.FormatInt(c[2].number, 10) + ":" + p.version
		}
		if p.name != "" {
			out[c[0].number] = p
		}
		return nil
	})
}

// replaced stands for the old package of an upgrade or downgrade.
const replaced = "replaced"

// actionOf names dnf's codes: libdnf's TransactionItemAction, and libdnf5's.
func actionOf(code int64, five bool) string {
	four := map[int64]string{1: "install", 2: "downgrade", 3: replaced, 5: "remove", 6: "upgrade", 7: replaced, 8: "remove", 9: "reinstall"}
	if five {
		four = map[int64]string{1: "install", 2: "upgrade", 3: "downgrade", 4: "reinstall", 5: "remove", 6: replaced}
	}
	return four[code]
}

// add puts an action into its transaction: the old and the new package of an upgrade become one item.
func (t *Transaction) add(what string, p pkg) {
	if what == "" {
		return
	}
	old := what == replaced
	key := [2]string{p.name, p.arch}
	if i, ok := t.at[key]; ok {
		x := &t.Items[i]
		switch {
		case old && x.From == "" && (x.Action == "upgrade" || x.Action == "downgrade"):
			x.From = p.version
			return
		case x.Action == replaced && (what == "upgrade" || what == "downgrade"):
			x.Action, x.To = what, p.version
			return
		}
	}
	x := Item{Action: what, Name: p.name, Arch: p.arch, To: p.version}
	if old || what == "remove" {
		x.From, x.To = p.version, ""
	}
	if t.at == nil {
		t.at = map[[2]string]int{}
	}
	t.at[key] = len(t.Items)
	t.Items = append(t.Items, x)
}
