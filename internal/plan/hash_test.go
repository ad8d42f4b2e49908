package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
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

// Plans are written down with their hash, and read by later versions.
func TestHashIsThatOfTheWholeText(t *testing.T) {
	p := patch.Plan{Label: "web", Machines: []patch.MachinePlan{{Machine: "m", OS: "o", Items: []patch.PlanItem{{Patch: "p", Decision: "d"}}}, {Machine: "idle"},
		{Machine: "n", OS: "o", Items: []patch.PlanItem{{Patch: "q"}}}}}
	text := `{"label":"web","window":{},"machines":[`
	for i, m := range []int{0, 2} {
		items, err := json.Marshal(p.Machines[m].Items)
		if err != nil {
			t.Fatal(err)
		}
		expected, err := json.Marshal(patch.Expected{})
		if err != nil {
			t.Fatal(err)
		}
		text += []string{"", ","}[i] + `{"machine":"` + string(p.Machines[m].Machine) + `","os":"o","items":` + string(items) + `,"expected":` + string(expected) + "}"
	}
	sum := sha256.Sum256([]byte(text + "]}"))
	if got, want := Hash(p), patch.Hash(hex.EncodeToString(sum[:])); got != want {
		t.Errorf("%s, want %s over %s]}", got, want, text)
	}
}
