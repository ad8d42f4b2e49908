package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/deploy"
	"github.com/fettle-project/fettle/internal/patch"
)

// A plan for many machines is told patch by patch, and reasons once; one for few, or with --rows, machine by machine.
func TestAPlanIsReadable(t *testing.T) {
	p := patch.Plan{Hash: "abc"}
	for i := range 300 {
		m := patch.MachinePlan{Name: fmt.Sprintf("web-%03d", i)}
		if i%3 == 0 {
			m.Items = []patch.PlanItem{{Patch: "perl/1.0-2", Outcome: patch.WillInstall, Packages: []patch.PlanPackage{{Name: "perl", Arch: "amd64", Version: "1.0-2", Size: 1000}, {Name: "perl-base", Arch: "amd64", Version: "1.0-2", Size: 1000}}}}
			m.Expected = patch.Expected{Seconds: 60 + i, Restart: i == 0}
		} else {
			m.Left = []patch.LeftOut{{Patch: "perl/1.0-2", Outcome: patch.IsBlocked, Text: "was last seen long ago"}}
		}
		p.Machines = append(p.Machines, m)
	}
	said := func(p patch.Plan, rows bool) string {
		var b strings.Builder
		printPlan(&b, 0, p, rows)
		return b.String()
	}
	want := `1 patch on 100 of 300 machines: 200 packages, 200.0 kB to install.
PATCH       MACHINES  PACKAGES      SIZE
perl/1.0-2       100       200  200.0 kB

The slowest machine takes about 5m57s; 1 machine restarts.
  blocked on 200 machines: perl/1.0-2: was last seen long ago
    web-001, web-002, web-004, web-005, web-007, …
What ends it, for each that is blocked, and who must act, for example: fettle explain web-001 perl/1.0-2
What each machine gets: --rows, or --json.
Plan abc
`
	if got := said(p, false); got != want {
		t.Errorf("%s\nnot\n%s", got, want)
	}
	if got := said(p, true); strings.Count(got, "perl-base:amd64") != 100 || strings.Count(got, "left out on ") != 200 {
		t.Errorf("not every machine is named:\n%.2000s", got)
	}
	p.Machines = p.Machines[:2]
	if got := said(p, false); !strings.Contains(got, "1 patch on 1 of 2 machines") || !strings.Contains(got, "left out on web-001") {
		t.Errorf("a small plan:\n%s", got)
	}
	p.Machines[1].Left = append(p.Machines[1].Left, patch.LeftOut{Patch: "vim/2", Outcome: patch.IsPatched, Text: "it is installed"}, patch.LeftOut{Patch: "curl/3", Outcome: patch.IsPatched, Text: "it is installed"})
	if got := said(p, false); !strings.Contains(got, "  already patched: 2 approved patches on 1 machine\n") || strings.Contains(got, "vim/2") {
		t.Errorf("what is there already is told line by line:\n%s", got)
	}
	if got := said(p, true); !strings.Contains(got, "left out on web-001 (already patched): vim/2: it is installed") {
		t.Errorf("asked for, it is not told:\n%s", got)
	}
	if got := said(p, false); !strings.Contains(got, "What ends it, for each that is blocked, and who must act, for example: fettle explain web-001 ") {
		t.Errorf("a person is not told where to ask what ends it:\n%s", got)
	}
	if got := said(patch.Plan{Label: "web"}, false); !strings.HasPrefix(got, "Nothing to install: no machine that it is for has an approved patch.") {
		t.Errorf("a plan for machines for which nothing is approved:\n%s", got)
	}
	var moving strings.Builder
	printProgress(&moving, 200, api.Watched{Progress: deploy.Progress{Machines: []deploy.MachineProgress{{Name: "web-001", Items: []deploy.ItemProgress{{Text: "fetches the files",
		Attempt: patch.Attempt{Patch: "curl/3", State: patch.ExecDownloading, Bytes: 12_000_000, TotalBytes: 31_500_000}}}}}}})
	if !strings.Contains(moving.String(), "fetches the files, 12.0 MB of 31.5 MB") {
		t.Errorf("how far the files are is not told:\n%s", moving.String())
	}
	p.Machines[1].Left[0].Next = "a newer patch comes after it"
	if got := said(p, false); !strings.Contains(got, "\n    what ends it: a newer patch comes after it\n") {
		t.Errorf("a plan that knows what ends it does not say so:\n%s", got)
	}
	p.Machines = p.Machines[1:]
	if got := said(p, false); !strings.HasPrefix(got, "Nothing to install on 1 machine.") {
		t.Errorf("an empty plan:\n%s", got)
	}
}
