package main

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/api"
	"github.com/fettle-project/fettle/internal/approval"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/simulate"
)

// A simulated fleet takes orders over the agents' own protocol: what it says it installed is what the appliance keeps, and every
// machine's closing detect proves it. Some fail, some fall silent, as the seed has it.
func TestSimulatedFleetCarriesOrdersOut(t *testing.T) {
	h := open(t)
	newest := []patch.ID{"bookworm-security/bell/1.0-3", "bookworm-security/lamp/2.0-2", "bookworm-security/moat/3.0-2"}
	h.publish(archive(t, bellFile), bellFile, [2]string{"bell", "1.0-3"}, [2]string{"lamp", "2.0-2"}, [2]string{"moat", "3.0-2"})
	p := &person{home: t.TempDir()}
	if code := p.does(t, testPassword+"\n", "login", "--server", "https://"+h.at.Console, "-u", "admin", "--password-stdin", "--ca-fingerprint", api.Fingerprint(h.ca)); code != exitOK {
		t.Fatal(p.err.String())
	}
	ended := make(chan int, 1)
	go func() {
		ended <- p.does(t, "", "simulate", "--machines", "40", "--states", "96", "--rounds", "0", "--seed", "7", "--server", "https://"+h.at.Agents, "--deploy", "30s", "--every", "300ms", "--failing", "0.3", "--silent", "0.15", "--slow", "0.3", "--slow-for", "1s")
	}()
	needing := 0
	for try := 0; needing == 0; try++ {
		machines, err := h.Ledger.Machines(t.Context(), patch.MachineFilter{State: patch.Admitted})
		judged, need := 0, 0
		for _, m := range machines {
			if m.Receipt != nil {
				judged++
			}
			if m.Needed > 0 {
				need++
			}
		}
		if err != nil || try > 300 {
			t.Fatalf("%d machines, %d have detected, %d need something, %v: %+v", len(machines), judged, need, err, machines[0])
		}
		if judged == 40 {
			needing = need
		}
		time.Sleep(100 * time.Millisecond)
	}
	tellAdmin[api.List[patch.Decision]](h, http.MethodPost, api.Path("decisions"), approval.Request{Patches: newest, Label: "all", Verb: patch.Approve})
	var plan patch.Plan
	for try := 0; try < 100; try++ { // until the appliance has the files
		plan = tellAdmin[patch.Plan](h, http.MethodPost, api.Path("plans"), api.PlanRequest{Label: "all"})
		if slices.ContainsFunc(plan.Machines, func(m patch.MachinePlan) bool { return len(m.Items) > 0 }) {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	d := tellAdmin[patch.Deployment](h, http.MethodPost, api.Path("deployments"), plan)
	if code := <-ended; code != exitOK {
		t.Fatalf("exit %d: %s", code, p.err.String())
	}
	var f simulate.Figures
	if err := json.Unmarshal(p.out.Bytes(), &f); err != nil || f.Work == nil || f.Lost != 0 {
		t.Fatalf("%v in %s", err, p.out.String())
	}
	attempts, err := h.Store.ListAttempts(t.Context(), patch.AttemptFilter{Deployment: d.ID})
	if err != nil {
		t.Fatal(err)
	}
	done, failed, open := 0, 0, 0
	for _, a := range attempts {
		switch {
		case a.State == patch.ExecDone && a.Effect == patch.EffectVerified:
			done++
		case a.State == patch.ExecFailed && a.Cause == patch.FailPatch:
			failed++
		case !a.State.Ended():
			open++
		default:
			t.Errorf("%s: %s, %s, %s", a.Machine, a.State, a.Cause, a.Text)
		}
	}
	if len(attempts) != needing || done != f.Work.Installed || failed != f.Work.Failed || open != f.Work.Silent || done == 0 || failed == 0 || open == 0 {
		t.Errorf("of %d machines that need it %d attempts: %d verified, %d failed, %d open; the fleet says %+v", needing, len(attempts), done, failed, open, *f.Work)
	}
}
