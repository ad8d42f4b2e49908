package rpmdb

import (
	"slices"
	"strings"
	"time"
)

// Kit is one transaction of PackageKit that changed packages.
type Kit struct {
	Start, End time.Time
	User       int64
	Role       string // "update-packages"
	Names      []string
}

// PackageKit reads PackageKit's own record of what it did, oldest first, on whatever system: its transactions.db. Only the newest are given.
func PackageKit(open func(name string) (File, error), name string) ([]Kit, error) {
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
	var out []Kit
	err = d.table("transactions", 7, func(_ int64, c []column) error {
		at, err := time.Parse(time.RFC3339Nano, text(c[1], 64))
		k := Kit{Start: at.UTC(), User: c[6].number, Role: text(c[4], 64), Names: kitNames(text(c[5], 1<<16))}
		if err != nil || len(k.Names) == 0 {
			return nil
		}
		// The time is that of the request; the duration, in milliseconds, that of the work.
		k.End = k.Start.Add(time.Duration(min(max(c[2].number, 0), 1<<32)) * time.Millisecond)
		if out = append(out, k); len(out) >= 2*maxTransactions {
			out = slices.Delete(out, 0, maxTransactions)
		}
		return nil
	})
	slices.SortStableFunc(out, func(a, b Kit) int { return a.Start.Compare(b.Start) })
	return out[max(0, len(out)-maxTransactions):], err
}

// kitNames are the packages in a transaction's data: lines of "updating<TAB>name;version;arch;repository<TAB>summary".
func kitNames(data string) (out []string) {
	for line := range strings.Lines(data) {
		what, rest, _ := strings.Cut(line, "\t")
		name, _, ok := strings.Cut(rest, ";")
		if ok && name != "" && slices.Contains([]string{"installing", "updating", "removing", "obsoleting", "downgrading", "reinstalling"}, what) {
			out = append(out, name)
		}
	}
	return out
}
