package agent

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// Blocker is a program during whose running the machine's owner has some packages, or all, left alone.
type Blocker struct {
	Program  string
	Packages []string // names, as package path matches them; empty: all
}

// readBlocker reads the rest of a line "not-while PROGRAM [PACKAGE…]".
func readBlocker(rest string) (Blocker, bool) {
	words := strings.Fields(rest)
	if len(words) == 0 || !patch.ValidProgram(words[0]) {
		return Blocker{}, false
	}
	for _, p := range words[1:] {
		if _, err := path.Match(p, "x"); err != nil {
			return Blocker{}, false
		}
	}
	return Blocker{Program: words[0], Packages: words[1:]}, true
}

func (b Blocker) concerns(item wire.OrderItem) bool {
	return len(b.Packages) == 0 || slices.ContainsFunc(item.Packages, func(p patch.PlanPackage) bool {
		return slices.ContainsFunc(b.Packages, func(pattern string) bool {
			ok, err := path.Match(pattern, p.Name)
			return ok || err != nil
		})
	})
}

// blocked names a program that runs and keeps an item from being installed, as the order, the patch's own definition or the machine's owner has it.
// Not being told what runs is no permission.
func (r *run) blocked(item wire.OrderItem) error {
	names, by := slices.Clone(r.manner().Blockers), map[string]string{}
	for _, n := range patch.MustClose(item.Packages) {
		names = append(names, n)
		by[n] = "it is not installed while %s runs, as the definition of the patch has it: it must be closed first"
	}
	for _, b := range r.cfg.policy().Blockers {
		if b.concerns(item) {
			names = append(names, b.Program)
			by[b.Program] = "it is not installed while %s runs, as the owner of this machine has it in its local policy file"
		}
	}
	who, err := r.cfg.Runs(names)
	switch {
	case err != nil:
		return &host.Failure{Cause: patch.FailBlocker, Text: "whether it may be installed now cannot be told: " + err.Error()}
	case who != "":
		name, _, _ := strings.Cut(who, " (pid ")
		return &host.Failure{Cause: patch.FailBlocker, Text: fmt.Sprintf(cmp.Or(by[name], "it is not installed while %s runs"), who)}
	}
	return nil
}
