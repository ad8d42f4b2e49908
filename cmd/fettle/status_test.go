package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
)

// An empty fleet teaches the next step; a fleet with a pending machine shows its numbers.
func TestFleetWithoutMachines(t *testing.T) {
	var empty, pending bytes.Buffer
	printFleet(&empty, 100, ledger.Fleet{Sentence: "No machine is enrolled yet."})
	if s := empty.String(); !strings.Contains(s, "fettle tokens add NAME") || strings.Contains(s, "MACHINES") {
		t.Errorf("an empty fleet reads %q", s)
	}
	printFleet(&pending, 100, ledger.Fleet{Pending: 1})
	if s := pending.String(); !strings.Contains(s, "fettle machines admit NAME") || strings.Contains(s, "tokens add") {
		t.Errorf("a fleet with a pending machine reads %q", s)
	}
}

// The fleet's past is one look a day: an answer says how far it is from the moment that was asked about, and claims nothing about two that share a look.
func TestLooksSayHowFarTheyAre(t *testing.T) {
	noon := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	for asked, want := range map[time.Time]string{
		noon:                                "",
		noon.Add(-59 * time.Minute):         ", 59 minutes AFTER the moment that you asked about",
		noon.Add(3*time.Hour + time.Minute): ", 3 hours 1 minute before the moment that you asked about",
		noon.Add(26 * time.Hour):            ", 1 day 2 hours before the moment that you asked about",
	} {
		if got := apart(noon, asked); got != want {
			t.Errorf("asked at %s: %q, not %q", asked, got, want)
		}
	}
	look := func(at time.Time, n int) api.Complying {
		return api.Complying{Compliance: patch.Compliance{Label: "all", At: at, Machines: n}}
	}
	for name, c := range map[string]struct {
		to   time.Time
		want string
		not  string
	}{
		"one look": {noon, "what changed between them is not known", "LABEL"},
		"two":      {noon.Add(24 * time.Hour), ", 2 hours AFTER the moment that you asked about, to that of", "not known"},
	} {
		var b bytes.Buffer
		printLooks(&b, 200, []labelDifference{{"all", look(noon, 3), look(c.to, 4)}}, noon.Add(-2*time.Hour), c.to)
		if s := b.String(); !strings.Contains(s, c.want) || strings.Contains(s, c.not) {
			t.Errorf("%s: %s", name, s)
		}
	}
}
