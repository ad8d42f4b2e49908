package main

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/simulate"
	"github.com/fettle-project/fettle/internal/world"
)

// A simulated fleet is real to the appliance: what it keeps of each machine is what the engine says about the facts that it keeps.
func TestSimulatedFleet(t *testing.T) {
	h := open(t)
	p := &person{home: t.TempDir()}
	if code := p.does(t, testPassword+"\n", "login", "--server", "https://"+h.at.Console, "-u", "admin", "--password-stdin", "--ca-fingerprint", api.Fingerprint(h.ca)); code != exitOK {
		t.Fatal(p.err.String())
	}
	agents := "https://" + h.at.Agents
	if code := p.does(t, "", "simulate", "--machines", "24", "--patches", "600", "--applicable", "80", "--states", "96", "--rounds", "2", "--server", agents); code != exitOK {
		t.Fatalf("exit %d: %s", code, p.err.String())
	}
	var f simulate.Figures
	if err := json.Unmarshal(p.out.Bytes(), &f); err != nil || strings.Count(p.out.String(), "\n") != 1 {
		t.Fatalf("%v in %s", err, p.out.String())
	}
	for step, n := range map[string]int{"enrol": 24, "join": 24, "whole": 24, "changed": 48, "unchanged": 48, "checkin": 24, "empty": 24} {
		if got := f.Step(step).Done; got != n {
			t.Errorf("%s: %d times, not %d", step, got, n)
		}
	}
	if f.Lost != 0 || f.Machines != 24 || f.Patches[simulate.OS] != 600 || f.Applicable[simulate.OS] < 40 || f.Interrupted {
		t.Errorf("%+v", f)
	}
	if w, c, u := f.Step("whole").Sent, f.Step("changed").Sent, f.Step("unchanged").Sent; u > 200 || c < u || w < c {
		t.Errorf("%.0f bytes for a whole snapshot, %.0f for a changed one, %.0f for nothing new", w, c, u)
	}
	machines, err := h.Store.ListMachines(t.Context(), patch.MachineFilter{State: patch.Admitted})
	if err != nil || len(machines) != 24 {
		t.Fatalf("%d machines, %v", len(machines), err)
	}
	missing := 0
	for _, m := range machines {
		missing += checkSimulated(t, h, m)
	}
	if missing == 0 {
		t.Error("nothing is missing anywhere")
	}
	if code := p.does(t, "", "simulate", "--remove", "--json"); code != exitOK || strings.TrimSpace(p.out.String()) != `{"revoked":24}` {
		t.Errorf("exit %d: %s%s", code, p.out.String(), p.err.String())
	}
}

// Where only some machines go on detecting, the others are there and have detected once; the run knows no more of them.
func TestSomeSimulatedMachinesGoOn(t *testing.T) {
	h := open(t)
	p := &person{home: t.TempDir()}
	if code := p.does(t, testPassword+"\n", "login", "--server", "https://"+h.at.Console, "-u", "admin", "--password-stdin", "--ca-fingerprint", api.Fingerprint(h.ca)); code != exitOK {
		t.Fatal(p.err.String())
	}
	if code := p.does(t, "", "simulate", "--machines", "6", "--patches", "200", "--applicable", "40", "--states", "48", "--rounds", "1", "--active", "2", "--connections", "3", "--server", "https://"+h.at.Agents); code != exitOK {
		t.Fatalf("exit %d: %s", code, p.err.String())
	}
	var f simulate.Figures
	if err := json.Unmarshal(p.out.Bytes(), &f); err != nil || f.Machines != 6 || f.Lost != 0 || f.Step("whole").Done != 6 || f.Step("changed").Done != 2 || f.Step("empty").Done != 2 {
		t.Errorf("%v: %s", err, p.out.String())
	}
	machines, err := h.Store.ListMachines(t.Context(), patch.MachineFilter{State: patch.Admitted})
	if err != nil {
		t.Fatal(err)
	}
	detects := map[uint64]int{}
	for _, m := range machines {
		detects[m.SnapshotSeq]++
	}
	if detects[1] != 4 || detects[3] != 2 {
		t.Errorf("machines by number of their newest detect: %v", detects)
	}
}

// checkSimulated holds what is kept of a machine against itself, and gives the number of patches that it lacks.
func checkSimulated(t *testing.T, h *house, m patch.Machine) int {
	t.Helper()
	snap, err := h.Store.NewestSnapshot(t.Context(), m.ID)
	if err != nil || snap.Seq != 5 || snap.Facts != m.Facts {
		t.Fatalf("%s: %+v, facts %s, %v", m.Name, snap.Receipt, m.Facts, err)
	}
	body, err := h.Store.FindFacts(t.Context(), snap.Facts)
	if err != nil {
		t.Fatal(err)
	}
	var facts patch.Facts
	if err := world.Decode(body, &facts); err != nil {
		t.Fatal(err)
	}
	sigs, err := h.Catalog.Signatures(t.Context(), snap.OS, snap.Revision)
	if err != nil {
		t.Fatal(err)
	}
	result, err := sigs.Evaluate(&facts)
	if err != nil || !bytes.Equal(result.Verdicts.Bits(), snap.Verdicts.Bits()) {
		t.Errorf("%s: its verdicts are not those of its facts (%v)", m.Name, err)
	}
	return snap.Verdicts.Counts()[patch.NotPatched]
}

func TestSimulationStopsWhenItIsTold(t *testing.T) {
	h := open(t)
	meta := h.publish("http://127.0.0.1:1", bellFile)
	ctx, stop := context.WithCancel(t.Context())
	f, err := simulate.Run(ctx, simulate.Config{Server: "https://" + h.at.Agents, Token: h.enrolToken(true, 3), Machines: 3, OSes: []patch.HostOS{meta.OS}, Applicable: 3, States: 48,
		Rounds: 1000, Workers: 2, Prefix: "simulated-", Progress: func(step string, _, _ int) {
			if step == "changed" {
				stop()
			}
		}})
	if err == nil || f.Step("whole").Done != 3 || f.Step("changed").Done == 0 {
		t.Errorf("%v, %+v", err, f)
	}
}

func TestLoadTestsStayOnThisMachine(t *testing.T) {
	for _, server := range []string{"https://192.0.2.1:8461", "https://[2001:db8::1]:8461", "192.0.2.1"} {
		p := &person{home: t.TempDir()}
		code := p.does(t, "", "simulate", "--server", server, "--token", "fettle1.x.y", "--os", "debian-12-amd64")
		if code == exitOK || strings.Contains(p.err.String(), "enrolment token") {
			t.Errorf("%s: exit %d: %s", server, code, p.err.String())
		}
	}
	p := &person{home: t.TempDir()}
	if p.does(t, "", "simulate", "--server", "https://192.0.2.1:8461", "--token", "fettle1.x.y", "--os", "debian-12-amd64", "--load-test-this-server"); !strings.Contains(p.err.String(), "enrolment token") {
		t.Errorf("%s", p.err.String())
	}
}
