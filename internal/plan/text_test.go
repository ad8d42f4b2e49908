package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// byReflection is what Hash is over, made by encoding/json of the types themselves: a field that is added to them is in it.
func byReflection(t interface{ Fatal(...any) }, p patch.Plan) patch.Hash {
	type machine struct {
		Machine  patch.MachineID  `json:"machine"`
		OS       patch.HostOS     `json:"os"`
		Items    []patch.PlanItem `json:"items"`
		Expected patch.Expected   `json:"expected"`
	}
	deed := struct {
		Label    string              `json:"label"`
		Window   patch.Window        `json:"window"`
		Machines []machine           `json:"machines"`
		Reboot   *patch.RebootPolicy `json:"reboot,omitempty"`
		Manner   *patch.Manner       `json:"manner,omitempty"`
		Rollback *patch.Rollback     `json:"rollback,omitempty"`
	}{Label: p.Label, Window: patch.Window{NotBefore: p.Window.NotBefore.UTC(), NotAfter: p.Window.NotAfter.UTC()}, Reboot: p.Reboot, Manner: p.Manner, Rollback: p.Rollback}
	for _, m := range p.Machines {
		if len(m.Items) == 0 {
			continue
		}
		items := slices.Clone(m.Items)
		for i := range items {
			items[i].Text, items[i].Packages = "", slices.Clone(items[i].Packages)
			for j := range items[i].Packages {
				items[i].Packages[j].Origin = patch.Origin{}
			}
		}
		deed.Machines = append(deed.Machines, machine{m.Machine, m.OS, items, m.Expected})
	}
	text, err := json.Marshal(deed)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(text)
	return patch.Hash(hex.EncodeToString(sum[:]))
}

// A plan that was made by one version is applied by the next: its hash is over the same bytes, whatever it holds.
func TestHashIsOverWhatEncodingJSONMakes(t *testing.T) {
	text := rapid.OneOf(rapid.Just(""), rapid.StringMatching(`[ -~]{0,12}`), rapid.String(), rapid.Just("<a>&\u2028\x7f\x00\n"), rapid.Just(`"machines":null`),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 8), func(b []byte) string { return string(b) }))
	says := rapid.OneOf(rapid.Map(text, func(s string) phrase.Phrase { return phrase.Verbatim(s) }), rapid.Just(phrase.Of("{1} owes a restart", "<kernel>")))
	setup := rapid.Custom(func(t *rapid.T) *patch.Setup {
		return &patch.Setup{Kind: patch.SetupKind(text.Draw(t, "kind")), Switches: rapid.SliceOfN(text, 0, 2).Draw(t, "switches"), Signer: text.Draw(t, "signer")}
	})
	pkg := rapid.Custom(func(t *rapid.T) patch.PlanPackage {
		return patch.PlanPackage{Name: text.Draw(t, "name"), Arch: text.Draw(t, "arch"), From: text.Draw(t, "from"), Version: text.Draw(t, "version"), SHA256: patch.Hash(text.Draw(t, "sum")),
			Size: rapid.Int64().Draw(t, "size"), Origin: patch.Origin{Suite: text.Draw(t, "suite"), Dated: time.Unix(1, 0)}, Beside: rapid.Bool().Draw(t, "beside"), Back: rapid.Bool().Draw(t, "back"),
			Replaces: rapid.SliceOfN(rapid.Just(patch.InstalledPackage{Name: "<old>"}), 0, 2).Draw(t, "replaces"), Setup: rapid.OneOf(rapid.Just[*patch.Setup](nil), setup).Draw(t, "setup")}
	})
	packages := rapid.OneOf(rapid.Just[[]patch.PlanPackage](nil), rapid.SliceOfN(pkg, 0, 2))
	item := rapid.Custom(func(t *rapid.T) patch.PlanItem {
		return patch.PlanItem{Patch: patch.ID(text.Draw(t, "patch")), Title: text.Draw(t, "title"), Decision: text.Draw(t, "decision"), Packages: packages.Draw(t, "packages"),
			Outcome: patch.Outcome(text.Draw(t, "outcome")), Text: says.Draw(t, "text"), Restart: text.Draw(t, "restart")}
	})
	machine := rapid.Custom(func(t *rapid.T) patch.MachinePlan {
		return patch.MachinePlan{Machine: patch.MachineID(text.Draw(t, "id")), Name: text.Draw(t, "name"), OS: patch.HostOS(text.Draw(t, "os")), Items: rapid.SliceOfN(item, 0, 2).Draw(t, "items"),
			Expected: patch.Expected{Bytes: rapid.Int64().Draw(t, "bytes"), Seconds: rapid.Int().Draw(t, "seconds"), Restart: rapid.Bool().Draw(t, "restarts"), Why: says.Draw(t, "why")}}
	})
	rapid.Check(t, func(t *rapid.T) {
		p := patch.Plan{Label: text.Draw(t, "label"), Machines: rapid.SliceOfN(machine, 0, 3).Draw(t, "machines")}
		if rapid.Bool().Draw(t, "manner") {
			p.Manner, p.Rollback = &patch.Manner{Before: []string{"machines", "<a>"}}, &patch.Rollback{Deployment: "d"}
		}
		if got, want := Hash(p), byReflection(t, p); got != want {
			t.Fatalf("%s, by encoding/json %s", got, want)
		}
	})
}

// A field that the types get one day is hashed too, or this fails.
func TestHashIsOverEveryField(t *testing.T) {
	sample := func() patch.Plan {
		return patch.Plan{Machines: []patch.MachinePlan{{Machine: "m", Items: []patch.PlanItem{{Patch: "p", Packages: []patch.PlanPackage{{Name: "x"}}}}}}}
	}
	for _, of := range []func(*patch.Plan) any{
		func(p *patch.Plan) any { return &p.Machines[0] }, func(p *patch.Plan) any { return &p.Machines[0].Expected }, func(p *patch.Plan) any { return &p.Machines[0].Items[0] },
		func(p *patch.Plan) any { return &p.Machines[0].Items[0].Packages[0] },
	} {
		first := sample()
		n := reflect.ValueOf(of(&first)).Elem().NumField()
		for i := range n {
			p := sample()
			v := reflect.ValueOf(of(&p)).Elem()
			switch f := v.Field(i); f.Kind() {
			case reflect.String:
				f.SetString("<v>")
			case reflect.Bool:
				f.SetBool(true)
			case reflect.Int, reflect.Int64:
				f.SetInt(7)
			case reflect.Uint64:
				f.SetUint(7)
			case reflect.Pointer:
				f.Set(reflect.New(f.Type().Elem()))
			case reflect.Slice:
				f.Set(reflect.MakeSlice(f.Type(), 1, 1))
			}
			if got, want := Hash(p), byReflection(t, p); got != want {
				t.Errorf("%s of %s is not hashed as by encoding/json", v.Type().Field(i).Name, v.Type())
			}
		}
	}
}
