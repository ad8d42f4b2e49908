package label

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

// lists are two host OSes' newest lists.
func lists() Lists {
	now := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
	return Lists{Now: func() time.Time { return now },
		Newest: func(context.Context) ([]Shelf, error) {
			return []Shelf{
				{"debian-12-amd64", []patch.Patch{
					{ID: "s/php/1", Source: "php", Title: "php", Severity: patch.High, Category: patch.Security, CVEs: []string{"CVE-2026-1"}, Released: now.AddDate(0, 0, -9), Payloads: []patch.Payload{{Name: "php-cli"}}},
					{ID: "s/perl/1", Source: "perl", Title: "perl", Severity: patch.Low, Category: patch.Update, Released: now}}},
				{"ubuntu-24.04-amd64", []patch.Patch{{ID: "u/php/1", Source: "php", Title: "php", Category: patch.Update, CVEs: []string{"CVE-2026-7", "CVE-2026-2"}, Released: now.AddDate(0, 0, -2)}}},
			}, nil
		},
		KEV: func(context.Context) (patch.Exploits, error) {
			return patch.Exploits{"CVE-2026-2": {CVE: "CVE-2026-2"}}, nil
		}}
}

func TestLabelsOfPatches(t *testing.T) {
	b, s := book()
	b.Lists = lists()
	for text, want := range map[string][]patch.ID{
		`patch.source == "php"`:                              {"s/php/1", "u/php/1"},
		`patch.severity in ["critical", "high"]`:             {"s/php/1"},
		`patch.vendor == "ubuntu"`:                           {"u/php/1"},
		`patch.exploited`:                                    {"u/php/1"},
		`"CVE-2026-2" in patch.exploited_cves`:               {"u/php/1"},
		`patch.age_days >= 2 && "php-cli" in patch.packages`: {"s/php/1"},
		`patch.category == "update" && patch.age_days < 1`:   {"s/perl/1"},
		`"CVE-2026-1" in patch.cves`:                         {"s/php/1"},
		`patch.cves[0] == "CVE-2026-7"`:                      {"u/php/1"},
		`false`:                                              {},
	} {
		if err := b.Put(t.Context(), patch.Caller{}, patch.Label{Name: "x", Of: patch.OfPatches, Expr: text}); err != nil {
			t.Fatal(err)
		}
		got, err := b.Patches(t.Context(), "x")
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("%s: %v\n%s", text, err, d)
		}
	}
	m, err := b.Membership(t.Context(), "x")
	if err != nil || len(m.Members) != 0 {
		t.Errorf("machines carry a label of patches: %+v, %v", m, err)
	}
	s.labels["hand"] = patch.Label{Name: "hand", Of: patch.OfPatches, Patches: []patch.ID{"s/php/1", "s/gone/1"}}
	if got, err := b.Patches(t.Context(), "hand"); err != nil || len(got) != 2 {
		t.Errorf("by hand: %v, %v", got, err)
	}
	if m, err := b.try(t.Context(), `machine.name == "web-1"`); err != nil || len(m.Members) != 1 {
		t.Errorf("%+v, %v", m, err)
	}
	if _, err := b.Patches(t.Context(), patch.LabelAll); patch.KindOf(err) != patch.Invalid {
		t.Errorf("patches of a label of machines: %v", err)
	}
	if _, err := b.Members(t.Context(), "hand"); patch.KindOf(err) != patch.Invalid || err == nil {
		t.Errorf("machines of a label of patches: %v", err)
	}
	if got, err := b.LabelsOf(t.Context(), "m1"); err != nil || len(got) != 1 {
		t.Errorf("a machine carries %v, %v", got, err)
	}
	if all, err := b.List(t.Context()); err != nil || len(all) != 3 || len(all[1].Patches) != 2 {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestPatchThatCannotBeJudgedDoesNotCarryTheLabel(t *testing.T) {
	b, s := book()
	b.Lists = lists()
	s.labels["x"] = patch.Label{Name: "x", Of: patch.OfPatches, Expr: `patch.cves[1] == "CVE-2026-2"`}
	m, err := b.Membership(t.Context(), "x")
	if err != nil || len(m.Patches) != 1 || len(m.Faulty) != 2 || m.Faulty["s/perl/1"] == "" {
		t.Errorf("%+v, %v", m, err)
	}
}

func TestLabelKeepsItsKind(t *testing.T) {
	b, _ := book()
	b.Lists = lists()
	for name, l := range map[string]patch.Label{
		"both":                  {Name: "x", Of: patch.OfPatches, Members: []patch.MachineID{"m1"}},
		"patches of machines":   {Name: "x", Patches: []patch.ID{"s/php/1"}},
		"neither":               {Name: "x", Of: "people"},
		"a machine's condition": {Name: "x", Of: patch.OfPatches, Expr: `machine.name == "x"`},
		"a patch's condition":   {Name: "x", Expr: `patch.source == "x"`},
		"hand and smart":        {Name: "x", Of: patch.OfPatches, Expr: "true", Patches: []patch.ID{"s/php/1"}},
	} {
		if err := b.Put(t.Context(), patch.Caller{}, l); patch.KindOf(err) != patch.Invalid || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := b.Put(t.Context(), patch.Caller{}, patch.Label{Name: "x", Of: patch.OfPatches, Expr: "true"}); err != nil {
		t.Fatal(err)
	}
	if err := b.Put(t.Context(), patch.Caller{}, patch.Label{Name: "x", Expr: "true"}); patch.KindOf(err) != patch.Conflict {
		t.Errorf("a label of patches became one of machines: %v", err)
	}
}

func TestTrialSaysWhyForEachMachine(t *testing.T) {
	b, _ := book()
	got, err := b.Test(t.Context(), Probe{Expr: `machine.name.startsWith("web-") && inventory.memory_mb > 4096`})
	if err != nil || got.Judged != 3 || got.Holding != 1 || got.Unjudged != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	var order []string
	for _, l := range got.Looked {
		order = append(order, l.Name)
	}
	if d := cmp.Diff([]string{"web-1", "db-1", "web-2"}, order); d != "" {
		t.Error(d)
	}
	no := got.Looked[2].Part
	if no.Holds || no.Join != "and" || !no.Parts[0].Holds || no.Parts[1].Holds || no.Parts[1].Seen[0].Value != "512" {
		t.Errorf("%+v", no)
	}
	if got.Looked[1].Fault != "its inventory has not arrived yet" {
		t.Errorf("%+v", got.Looked[1])
	}
	one, err := b.Test(t.Context(), Probe{Expr: `machine.os == "x"`, Only: "web-2"})
	if err != nil || one.Judged != 1 || one.Holding != 0 || one.Looked[0].ID != "m2" || one.Looked[0].Part.Seen[0].Value != `"debian-12-amd64"` {
		t.Errorf("%+v, %v", one, err)
	}
	if _, err := b.Test(t.Context(), Probe{Expr: `true`, Only: "web-99"}); patch.KindOf(err) != patch.NotFound {
		t.Errorf("a machine that is not there: %v", err)
	}
	if _, err := b.Test(t.Context(), Probe{Expr: `machine.nmae == ""`}); err == nil || !strings.Contains(err.Error(), "character 8") {
		t.Errorf("a fault without its place: %v", err)
	}
}

// A trial agrees with what membership says, machine by machine and patch by patch.
func TestTrialAgreesWithMembership(t *testing.T) {
	b, s := book()
	b.Lists = lists()
	for _, text := range []string{`machine.name == "web-1"`, `inventory.cores > 0`, `10 / (inventory.cores - 1) > 0 || machine.name == "web-2"`} {
		m, err := b.try(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := b.Test(t.Context(), Probe{Expr: text})
		if err != nil || got.Holding != len(m.Members) || got.Unjudged != len(m.Unjudged) {
			t.Errorf("%s: %+v, and membership is %+v, %v", text, got, m, err)
		}
	}
	for _, text := range []string{`patch.source == "php"`, `patch.cves[1] == ""`, `patch.exploited || patch.cves[0] != ""`} {
		s.labels["x"] = patch.Label{Name: "x", Of: patch.OfPatches, Expr: text}
		m, err := b.Membership(t.Context(), "x")
		if err != nil {
			t.Fatal(err)
		}
		got, err := b.Test(t.Context(), Probe{Expr: text, Of: patch.OfPatches})
		if err != nil || got.Holding != len(m.Patches) || got.Unjudged != len(m.Faulty) || got.Judged != 3 {
			t.Errorf("%s: %+v, and membership is %+v, %v", text, got, m, err)
		}
	}
}
