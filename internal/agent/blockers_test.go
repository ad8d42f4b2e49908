package agent

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

func TestBlockers(t *testing.T) {
	for name, c := range map[string]struct {
		order, policy string
		err           error
		perl, xz      string // why each is not installed; empty: it is
	}{
		"nothing is said":             {},
		"the order names it":          {order: "backup", perl: "it is not installed while backup (pid 9) runs", xz: "it is not installed while backup (pid 9) runs"},
		"the order names another":     {order: "other"},
		"the owner names it":          {policy: "not-while backup # nightly", perl: "as the owner of this machine has it", xz: "as the owner"},
		"the owner names it for some": {policy: "no-reboot\nnot-while backup perl* libc6", perl: "not installed while backup (pid 9) runs, as the owner"},
		"the owner misspelt it":       {policy: "not-while ../backup", perl: "forbids deploys", xz: "forbids deploys"},
		"the owner's pattern is bad":  {policy: "not-while backup [", perl: "forbids deploys", xz: "forbids deploys"},
		"nobody can tell":             {order: "backup", err: errors.New("no /proc"), perl: "cannot be told: no /proc", xz: "cannot be told"},
	} {
		t.Run(name, func(t *testing.T) {
			k, b := newKeys(t), newBox("perl", "xz")
			cfg := enrolled(t, k, b, nowhere)
			cfg.Runs = func(names []string) (string, error) {
				if slices.Contains(names, "backup") {
					return "backup (pid 9)", c.err
				}
				return "", nil
			}
			must(t, os.WriteFile(cfg.PolicyFile, []byte(c.policy+"\n"), 0o600))
			perl, xz := newDeb("perl", "1.0-1", "1.0-2"), newDeb("xz", "1.0-1", "1.0-2")
			stock(t, cfg, perl, xz)
			o := newOrder(1, perl, xz)
			if c.order != "" {
				o.Manner = &patch.Manner{Blockers: []string{c.order}}
			}
			s := open(t, cfg)
			must(t, s.acceptOrder(k.seal(t, o)))
			s.carryOut(t.Context())
			for attempt, want := range map[string]string{"A1-0": c.perl, "A1-1": c.xz} {
				r, _ := lastOf(s.journal.unsent(100), attempt)
				if want == "" && r.State != patch.ExecDone || want != "" && (r.State != patch.ExecFailed || r.Cause.UsesUp() || !strings.Contains(r.Text, want)) {
					t.Errorf("%s: %+v", attempt, r)
				}
				if want != "" && !strings.Contains(want, "forbids") && r.Cause != patch.FailBlocker {
					t.Errorf("%s: %+v", attempt, r)
				}
			}
		})
	}
	p := Policy{Words: []string{"no-reboot"}, Blockers: []Blocker{{Program: "backup", Packages: []string{"perl*"}}, {Program: "x"}}}
	if s := p.String(); s != "no-reboot,not-while backup perl*,not-while x" {
		t.Error(s)
	}
}

// What a patch's own definition wants closed keeps it alone from being installed, as long as a real process of that name runs; the order's own list
// adds to it.
func TestProgramsOfTheDefinitionMustBeClosed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "scribbler.exe")
	b, err := os.ReadFile("/bin/sleep")
	must(t, err)
	must(t, os.WriteFile(file, b, 0o755))
	cmd := exec.Command(file, "60")
	must(t, cmd.Start())
	k := newKeys(t)
	cfg := enrolled(t, k, newBox("perl"), nowhere)
	cfg.Runs = host.Runs
	app := func(blockers ...string) wire.OrderItem {
		return wire.OrderItem{Packages: []patch.PlanPackage{{Name: "setup.msi", Setup: &patch.Setup{Kind: patch.SetupMSI, Blockers: blockers}}}}
	}
	r := &run{session: open(t, cfg)}
	var f *host.Failure
	if err := r.blocked(app("pot.exe", "scribbler.exe")); !errors.As(err, &f) || f.Cause != patch.FailBlocker || f.Cause.UsesUp() ||
		!strings.Contains(f.Text, fmt.Sprintf("scribbler.exe (pid %d) runs, as the definition of the patch has it", cmd.Process.Pid)) {
		t.Errorf("%v", err)
	}
	for _, item := range []wire.OrderItem{app("pot.exe"), app(), {Packages: []patch.PlanPackage{{Name: "perl"}}}} {
		if err := r.blocked(item); err != nil {
			t.Errorf("%+v: %v", item, err)
		}
	}
	r.order.Manner = &patch.Manner{Blockers: []string{"scribbler.exe"}}
	if err := r.blocked(app("pot.exe")); !errors.As(err, &f) || f.Cause != patch.FailBlocker {
		t.Errorf("the order's own list: %v", err)
	}
	must(t, cmd.Process.Kill())
	_ = cmd.Wait()
	if err := r.blocked(app("scribbler.exe")); err != nil {
		t.Errorf("after its end: %v", err)
	}
}
