package host

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/rpmdb"
)

// dnfHistories are the places of dnf's own record, by generation.
var dnfHistories = [...]struct{ dir, name string }{{"usr/lib/sysimage/libdnf5", "transaction_history.sqlite"}, {"var/lib/dnf", "history.sqlite"}}

// rpmChanges reads what dnf recorded, and the runs in it that a service of dnf's own made; where there is no record, what dnf's log says.
func rpmChanges(root string) (out []patch.PkgChange, services []debian.Run) {
	users := readUsers(root)
	for _, h := range dnfHistories {
		all, err := rpmdb.History(opener(root, h.dir), h.name)
		if err != nil {
			continue // what is not there, or damaged, is not listed
		}
		for _, t := range all {
			r := runOf(t, users, "/"+h.dir+"/"+h.name)
			if r.By == "" {
				services = append(services, debian.Run{Start: r.Start, End: r.End, By: patch.DNFAutomatic, Who: patch.DoerService, Evidence: "neither a command line nor a login"})
			}
			for _, x := range t.Items {
				out = append(out, changeOf(r.Start, x, r))
			}
		}
	}
	if len(out) > 0 {
		return out, services
	}
	return loggedChanges(root), nil
}

// runOf says who made a transaction. dnf records the login that stands behind it, through sudo too, and the command line of its own command.
func runOf(t rpmdb.Transaction, users users, file string) debian.Run {
	r := debian.Run{Start: t.Start, End: t.End, Evidence: fmt.Sprintf("%s: transaction %d", file, t.ID)}
	command, person := tidy(t.Command, 120), users.name(t.User)
	if command != "" {
		r.By = "dnf " + command
		r.Evidence += ": " + command
	}
	switch {
	case strings.Contains(t.Command, "fettle"):
		r.By, r.Who = "fettle", patch.DoerFettle
	case person != "":
		r.By, r.Who = strings.TrimSpace(r.By+" by "+person), patch.DoerPerson
	}
	return r
}

func changeOf(at time.Time, x rpmdb.Item, r debian.Run) patch.PkgChange {
	return patch.PkgChange{At: at, Action: x.Action, Name: tidy(x.Name, 200), Arch: tidy(x.Arch, 40), From: tidy(x.From, 200), To: tidy(x.To, 200),
		By: r.By, Who: r.Who, Evidence: r.Evidence}
}

func loggedChanges(root string) (out []patch.PkgChange) {
	for _, name := range rotated("var/log/dnf.rpm.log") {
		older := readLog(root, name, rpmdb.ParseLog)
		found := make([]patch.PkgChange, 0, len(older))
		for _, x := range older {
			found = append(found, changeOf(x.At, x.Item, debian.Run{}))
		}
		if out = append(found, out...); len(out) >= maxChanges {
			break
		}
	}
	return out
}

func opener(root, dir string) func(string) (rpmdb.File, error) {
	return func(name string) (rpmdb.File, error) {
		f, err := openIn(root, dir+"/"+name)
		if err != nil {
			return nil, err
		}
		return f, nil
	}
}

// openKit is how long after its own account of it a transaction of PackageKit may still have changed packages.
const openKit = time.Minute

// kitRuns are PackageKit's own transactions, oldest first.
func kitRuns(root string) []debian.Run {
	all, err := rpmdb.PackageKit(opener(root, "var/lib/PackageKit"), "transactions.db")
	if err != nil {
		return nil
	}
	users := readUsers(root)
	out := make([]debian.Run, 0, len(all))
	for _, k := range all {
		r := debian.Run{Start: k.Start, End: k.End.Add(openKit), By: patch.PackageKit, Who: patch.DoerService,
			Evidence: fmt.Sprintf("/var/lib/PackageKit/transactions.db: %s", tidy(k.Role, 60))}
		if name := users.name(k.User); name != "" {
			r.Evidence += " for " + name
		}
		for _, n := range k.Names {
			r.Names = append(r.Names, tidy(n, 200))
		}
		out = append(out, r)
	}
	return out
}

// users are a machine's accounts by number.
type users map[int64]string

// nobody is the login UID of what no person started.
const nobody = 1<<32 - 1

// name is "ann (1000)"; empty where nobody was logged in.
func (u users) name(id int64) string {
	if id < 0 || id >= nobody {
		return ""
	}
	if n := u[id]; n != "" {
		return n + " (" + strconv.FormatInt(id, 10) + ")"
	}
	return "user " + strconv.FormatInt(id, 10)
}

func readUsers(root string) users {
	u := users{}
	b, err := readLimited(root, "etc/passwd", maxSmall)
	if err != nil {
		return u
	}
	for line := range strings.Lines(string(b)) {
		f := strings.Split(line, ":")
		if len(f) < 3 {
			continue
		}
		if id, err := strconv.ParseInt(f[2], 10, 64); err == nil && u[id] == "" {
			u[id] = tidy(f[0], 64)
		}
	}
	return u
}
