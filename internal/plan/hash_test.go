package plan

import (
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

func TestHashIsOverTheDeed(t *testing.T) {
	sample := func() patch.Plan {
		return patch.Plan{Label: "web", Made: time.Unix(1, 0), By: "a", Machines: []patch.MachinePlan{{Machine: "m", Name: "n", OS: "o", Snapshot: 1, Revision: "r",
			Items: []patch.PlanItem{{Patch: "p", Decision: "d", Packages: []patch.PlanPackage{{Name: "x", Arch: "amd64", From: "1", Version: "2", SHA256: "h"}}}}}}}
	}
	want := Hash(sample())
	if !want.Valid() {
		t.Fatalf("hash %q", want)
	}
	for name, change := range map[string]func(*patch.Plan){
		"time": func(p *patch.Plan) { p.Made = time.Unix(2, 0) }, "person": func(p *patch.Plan) { p.By = "b" },
		"left out":  func(p *patch.Plan) { p.Machines[0].Left = []patch.LeftOut{{Patch: "q"}} },
		"snapshot":  func(p *patch.Plan) { p.Machines[0].Snapshot = 2 },
		"idle":      func(p *patch.Plan) { p.Machines = append(p.Machines, patch.MachinePlan{Machine: "z"}) },
		"words":     func(p *patch.Plan) { p.Machines[0].Items[0].Text = "waits until 22:00" },
		"its hash":  func(p *patch.Plan) { p.Hash = "x" },
		"time zone": func(p *patch.Plan) { p.Window.NotAfter = time.Time{}.In(time.FixedZone("x", 60)) },
	} {
		p := sample()
		change(&p)
		if Hash(p) != want {
			t.Errorf("%s changes the hash", name)
		}
	}
	for name, change := range map[string]func(*patch.Plan){
		"label": func(p *patch.Plan) { p.Label = "db" }, "window": func(p *patch.Plan) { p.Window.NotAfter = time.Unix(9, 0) },
		"machine": func(p *patch.Plan) { p.Machines[0].Machine = "z" }, "patch": func(p *patch.Plan) { p.Machines[0].Items[0].Patch = "z" },
		"version": func(p *patch.Plan) { p.Machines[0].Items[0].Packages[0].Version = "3" }, "bytes": func(p *patch.Plan) { p.Machines[0].Items[0].Packages[0].SHA256 = "z" },
		"hooks":   func(p *patch.Plan) { p.Manner = &patch.Manner{Before: []string{"drain"}} },
		"outcome": func(p *patch.Plan) { p.Machines[0].Items[0].Outcome = patch.WillNotFit }, "bytes to fetch": func(p *patch.Plan) { p.Machines[0].Expected.Bytes++ },
		"restart":  func(p *patch.Plan) { p.Machines[0].Expected.Restart = true },
		"decision": func(p *patch.Plan) { p.Machines[0].Items[0].Decision = "z" },
	} {
		p := sample()
		change(&p)
		if Hash(p) == want {
			t.Errorf("%s does not change the hash", name)
		}
	}
}
