package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/deploy"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Logs are found by machine, patch and how it ended, and nothing in them steers a terminal.
func TestLogsOfADeployment(t *testing.T) {
	at := func(id, log string, state patch.Execution) deploy.ItemProgress {
		return deploy.ItemProgress{Attempt: patch.Attempt{ID: id, Patch: patch.ID("s/" + id + "/1"), Log: log, State: state}, Text: phrase.Verbatim("how " + id + " went")}
	}
	w := api.Watched{Progress: deploy.Progress{Machines: []deploy.MachineProgress{
		{Machine: "m-1", Name: "web-1", Items: []deploy.ItemProgress{at("curl", "fine\n", patch.ExecDone), at("perl", "one\n\x1b[2Jtwo\n", patch.ExecFailed), at("bash", "", patch.ExecWithdrawn)}},
		{Machine: "m-2", Name: "web-2", Items: []deploy.ItemProgress{at("nano", "oh\n", patch.ExecFailed)}},
	}}}
	for _, c := range []struct {
		ask  deployLogCmd
		want string
	}{{deployLogCmd{}, "curl perl nano"}, {deployLogCmd{Failed: true}, "perl nano"}, {deployLogCmd{Machine: []string{"m-2"}}, "nano"}, {deployLogCmd{Machine: []string{"web-1"}, Patch: []string{"perl", "bash"}}, "perl"},
		{deployLogCmd{Patch: []string{"vim"}}, ""}} {
		var got []string
		for _, l := range c.ask.pick(w) {
			got = append(got, l.Attempt.ID)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%+v: %v, want %q", c.ask, got, c.want)
		}
	}
	var out bytes.Buffer
	printLogs(&out, deployLogCmd{Failed: true}.pick(w))
	if got := out.String(); strings.Contains(got, "\x1b") || !strings.Contains(got, "how perl went\none\n\\u001b[2Jtwo\n\nweb-2") {
		t.Errorf("%q", got)
	}
}

// A plan says when its machines install and restart, and is a "no" where nothing of it fits.
func TestPlansSayTheirTerms(t *testing.T) {
	night := time.Date(2026, 11, 27, 22, 0, 0, 0, time.Local)
	p := patch.Plan{Window: patch.Window{NotBefore: night, NotAfter: night.Add(4 * time.Hour)},
		Reboot: &patch.RebootPolicy{Mode: patch.RebootAsk, Warn: 15, Snooze: 30, Snoozes: 2, Deadline: 120, Message: "Patch day"}}
	want := []string{"Window: from 2026-11-27 22:00 to 2026-11-28 02:00.",
		"Restarts: ask, announced 15 minutes before, put off up to 2 times by 30 minutes, at the latest 2 hours after it is announced, with the words: Patch day."}
	if d := cmp.Diff(want, termLines(p)); d != "" {
		t.Error(d)
	}
	if got := termLines(patch.Plan{}); len(got) != 0 {
		t.Error(got)
	}
	for outcome, want := range map[patch.Outcome]bool{patch.WillInstall: true, patch.WillWait: true, patch.WillNotFit: false} {
		if got := installsAny(patch.Plan{Machines: []patch.MachinePlan{{Items: []patch.PlanItem{{Outcome: outcome}}}}}); got != want {
			t.Errorf("%s: %v", outcome, got)
		}
	}
}
