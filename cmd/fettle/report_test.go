package main

import (
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/patch"
)

func sampleReport() []api.Complying {
	c := patch.Compliance{Label: "=web", At: time.Date(2026, 11, 26, 8, 0, 0, 0, time.UTC), Machines: 4, Confirmed: 2, Needing: 1, Never: 1,
		Exposures: []patch.Exposure{{Severity: patch.Critical, Patches: 1, Machines: 1, Pairs: 1, OldestDays: 20, MedianDays: 20, Allowed: 7, Overdue: 1}, {Patches: 2, Machines: 1, Pairs: 2, OldestDays: 3, MedianDays: 3}}}
	return []api.Complying{{Compliance: c, Low: c.Low(), High: c.High()}, {Compliance: patch.Compliance{Label: "none", At: c.At, Exposures: []patch.Exposure{}}, Low: 1, High: 1}}
}

func TestReportShowsAnIntervalWhereSomethingIsNotKnown(t *testing.T) {
	var b strings.Builder
	printReport(&b, 0, sampleReport(), false)
	for _, want := range []string{"50.0–75.0 %", "not given", "20 days", "7 days"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing in:\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "100.0 %") {
		t.Errorf("a label that nobody carries looks compliant:\n%s", b.String())
	}
}

func TestReportAsCSVIsNoFormula(t *testing.T) {
	var b strings.Builder
	if err := writeCSV(&b, sampleReport()); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if len(lines) != 4 || !strings.HasPrefix(lines[1], "'=web,2026-11-26T08:00:00Z,4,2,1,") || !strings.HasSuffix(lines[2], ",not given,2,1,2,3,3,0,0") || strings.Count(lines[3], ",") != strings.Count(lines[0], ",") {
		t.Errorf("%s", b.String())
	}
}
