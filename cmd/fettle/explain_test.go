package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

func explained(closed gate.Gate, sentence, next phrase.Phrase, ts ...patch.Transition) string {
	g := gate.Gate{Name: gate.List, Title: "on this OS's list", State: gate.Open, Text: "debian-12-amd64"}
	e := ledger.Explanation{
		Machine: patch.Machine{Name: "web-14"}, Row: ledger.Row{Patch: patch.Patch{Source: "nginx", Version: "1.22"}}, Transitions: ts,
		Answer: gate.Answer{Gates: []gate.Gate{g, closed}, Closed: &closed, Standing: "a standing", Sentence: sentence, Next: next},
	}
	var b strings.Builder
	printExplanation(&b, 0, e)
	return b.String()
}

func TestAPatchThatIsThereIsExplainedCalmly(t *testing.T) {
	at := time.Date(2026, 11, 23, 1, 44, 0, 0, time.Local)
	got := explained(gate.Gate{Name: gate.InstalledTest, Title: "nothing left to install", State: gate.Closed, Code: gate.CodePatched, Text: "nginx is at 1.22",
		Evidence: "snapshot 2", Clauses: []patch.Clause{{Subject: "nginx", Expected: "1.22 or newer", Seen: "1.22"}}, Next: "every detect checks that it stays"},
		"Patched: the detect of today 01:44 says so.", "every detect checks that it stays",
		patch.Transition{From: patch.NotPatched, To: patch.Patched, At: at, Cause: patch.ByOther, Note: "upgrade of nginx"},
		patch.Transition{From: patch.Unknown, To: patch.NotPatched, At: at.Add(-2 * time.Minute), Cause: patch.FirstDetect})
	want := `nginx 1.22  on  web-14    a standing
Patched: the detect of today 01:44 says so.

  ● on this OS's list        debian-12-amd64
  ✓ nothing left to install  nginx is at 1.22
What happens next: every detect checks that it stays
History: 2026-11-23 01:44  not-patched → patched  by something else: upgrade of nginx
         2026-11-23 01:42  unknown → not-patched  first detect
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestALongListOfClausesIsCutAndSaidOnce(t *testing.T) {
	g := gate.Gate{Name: gate.Prerequisites, Title: "applies to this machine", State: gate.Closed, Code: patch.ReasonNotInstalled, Text: "none of its 15 packages is installed",
		Evidence: "snapshot 2", At: time.Date(2026, 11, 23, 1, 44, 0, 0, time.Local), Next: "nothing unless the machine changes"}
	for i := range 15 {
		g.Clauses = append(g.Clauses, patch.Clause{Subject: fmt.Sprintf("nginx-%02d", i), Expected: "installed", Seen: "not installed"})
	}
	got := explained(g, `Approved for "all", but none of its 15 packages is installed.`, g.Next)
	want := `nginx 1.22  on  web-14    a standing
Approved for "all", but none of its 15 packages is installed.

  ● on this OS's list        debian-12-amd64
  ○ applies to this machine  none of its 15 packages is installed   ← first closed gate
                             nginx-00: expected installed, seen not installed
                             nginx-01: expected installed, seen not installed
                             nginx-02: expected installed, seen not installed
                             nginx-03: expected installed, seen not installed
                             nginx-04: expected installed, seen not installed
                             and 10 more
                             evidence: snapshot 2, 2026-11-23 01:44
What happens next: nothing unless the machine changes
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestWhatAMachineHasNotSaidLeavesNoGap(t *testing.T) {
	if got := hardwareText(patch.Hardware{CPU: "AMD EPYC", Cores: 2, MemoryMB: 2048}); got != "AMD EPYC, 2 cores, 2.15 GB of memory" {
		t.Error(got)
	}
	if got := hardwareText(patch.Hardware{}); got != "" {
		t.Error(got)
	}
	if got := kernelText(patch.Kernel{Running: "6.1", Installed: "6.2"}); got != "6.1 runs, 6.2 is installed" {
		t.Error(got)
	}
}

func TestFleetStatus(t *testing.T) {
	f := ledger.Fleet{Sentence: "1,200 machines: 1,000 confirmed patched, 200 need patches.", Machines: 1200, Confirmed: 1000, Needing: 200, Undecided: 3,
		OSes:   []ledger.OSStatus{{OS: "debian-12-amd64", Revision: "bf59", Patches: 34589, Machines: 1199, MetadataDate: time.Date(2026, 11, 21, 2, 10, 0, 0, time.Local)}, {Machines: 1}},
		Alarms: []patch.Alarm{{Text: "the feed x was not taken over", Do: "Look."}}}
	var b strings.Builder
	printFleet(&b, 0, f)
	want := `1,200 machines: 1,000 confirmed patched, 200 need patches.

MACHINES
admitted           1,200  the whole that the numbers below are of
confirmed patched  1,000  complete and fresh detect, nothing missing
needing patches      200  complete and fresh detect, something missing

Patches that are needed and undecided: 3. Security patches that are needed: 0. Installs that a deployment would make now: 0.
debian-12-amd64, 1,199 machines: list bf59 with 34,589 patches, vendor's data of 2026-11-21 02:10.
1 machine of an OS that is not known yet.
! The feed x was not taken over. Look.
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}
