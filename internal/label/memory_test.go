package label

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/patch"
)

// forgetful is a book that knows expressions and nothing else.
func forgetful(t *rapid.T, b *Book, s *shelf, expressions []string) *Book {
	f := &Book{Labels: s, Fleet: fleet.New(s, nil), Inventories: s, Revisions: revisions}
	f.memory.programs = map[string]*program{}
	for _, text := range expressions {
		p, err := b.program(text)
		if err != nil {
			t.Fatal(err)
		}
		f.memory.programs[text] = &program{condition: p.condition, hasty: p.hasty, clock: p.clock, yes: roaring.New()}
	}
	return f
}

// What a book remembers is what one that remembers nothing works out, whatever machines have told meanwhile.
func TestAMemoryIsNeverOld(t *testing.T) {
	expressions := []string{`machine.name == "a"`, `inventory.memory_mb > 4096`, `machine.os == "x" || inventory.cores == 1`, `machine.reboot_owed`, `machine.zone == "Europe/Berlin"`,
		`machine.address.startsWith("10.")`, `machine.seen_at > timestamp("2026-03-01T10:00:05Z")`, `10 / (inventory.cores - 1) < 5`,
		`ledger.needs("perl")`, `ledger.has("curl") && machine.name == "a"`, `ledger.security == 1 || ledger.patched > 1`, `inventory.cores == 1 && ledger.errors == 0`}
	rapid.Check(t, func(t *rapid.T) {
		b, s := book()
		for i, text := range expressions {
			s.labels[fmt.Sprint("l", i)] = patch.Label{Name: fmt.Sprint("l", i), Expr: text}
		}
		s.labels["hand"] = patch.Label{Name: "hand", Members: []patch.MachineID{s.machines[0].ID, "new5"}}
		for range rapid.IntRange(1, 5).Draw(t, "steps") {
			if rapid.IntRange(0, 5).Draw(t, "enrol") == 0 {
				s.machines = append(s.machines, patch.Machine{ID: patch.MachineID(fmt.Sprint("new", len(s.machines))), State: patch.Admitted})
			}
			m := &s.machines[rapid.IntRange(0, len(s.machines)-1).Draw(t, "machine")]
			switch rapid.IntRange(0, 11).Draw(t, "what") { // one thing alone
			case 0:
				m.Name = rapid.SampledFrom([]string{"a", "b"}).Draw(t, "name")
			case 1:
				m.State = rapid.SampledFrom([]patch.MachineState{patch.Admitted, patch.Admitted, patch.Pending, patch.Revoked}).Draw(t, "state")
			case 2:
				m.OS = rapid.SampledFrom([]patch.HostOS{"x", "y"}).Draw(t, "os")
			case 3:
				m.Inventory = rapid.SampledFrom([]patch.Hash{"", "big", "tin", "missing"}).Draw(t, "inventory")
			case 4:
				m.RebootOwed = !m.RebootOwed
			case 5:
				m.Address = rapid.SampledFrom([]string{"10.1.1.1", "192.0.2.1"}).Draw(t, "address")
			case 8:
				s.labels["hand"] = patch.Label{Name: "hand", Members: rapid.SampledFrom([][]patch.MachineID{nil, {m.ID}, {s.machines[0].ID, m.ID}}).Draw(t, "members")}
			case 7:
				m.Zone = rapid.SampledFrom([]string{"", "Europe/Berlin"}).Draw(t, "zone")
			case 9, 10, 11:
				if d := detected(t, m); d != nil { // what was once complete is followed by another, and never by none
					s.detects[m.ID] = d
				}
			case 6:
				m.SeenAt = time.Date(2026, 3, 1, 10, 0, rapid.IntRange(0, 9).Draw(t, "seen"), 0, time.UTC)
			}
			fresh := forgetful(t, b, s, expressions)
			for _, name := range append(slices.Sorted(maps.Keys(s.labels)), patch.LabelAll) {
				got, err := b.Membership(t.Context(), name)
				want, err2 := fresh.Membership(t.Context(), name)
				if d := cmp.Diff(want, got); d != "" || err != nil || err2 != nil {
					t.Fatalf("%s: %v, %v\n%s", name, err, err2, d)
				}
			}
			sizes, err := b.Sizes(t.Context())
			list, err2 := forgetful(t, b, s, expressions).List(t.Context())
			if err != nil || err2 != nil || len(sizes) != len(list) {
				t.Fatal(err, err2, len(sizes))
			}
			for i, m := range list {
				m.Label.Members = nil
				want := Size{Label: m.Label, Machines: len(m.Members), Unjudged: len(m.Unjudged)}
				if d := cmp.Diff(want, sizes[i]); d != "" {
					t.Fatal(d)
				}
			}
			for _, m := range s.machines {
				got, err := b.LabelsOf(t.Context(), m.ID)
				want, err2 := forgetful(t, b, s, expressions).LabelsOf(t.Context(), m.ID)
				if d := cmp.Diff(want, got); d != "" || err != nil || err2 != nil {
					t.Fatalf("%s: %v, %v\n%s", m.ID, err, err2, d)
				}
			}
		}
	})
}

// detected is what a machine may have detected, nothing among it.
func detected(t *rapid.T, m *patch.Machine) *patch.Snapshot {
	rev := rapid.SampledFrom([]patch.RevisionID{"", "perl curl", "curl bash perl", "lost"}).Draw(t, "revision")
	if rev == "" {
		return nil
	}
	v := patch.NewVector(len(strings.Fields(string(rev))))
	for i := range v.Len() {
		v.Set(i, patch.Verdict(rapid.IntRange(0, 3).Draw(t, "verdict")))
	}
	return &patch.Snapshot{Verdicts: v, Receipt: patch.Receipt{Machine: m.ID, OS: rapid.SampledFrom([]patch.HostOS{m.OS, "x"}).Draw(t, "on"), Revision: rev, Expected: v.Len(), Evaluated: v.Len()}}
}

// Machines are judged in portions; each carries what it carries when it is asked about alone.
func TestManyMachinesAreJudgedLikeEach(t *testing.T) {
	b, s := book()
	s.machines = nil
	for n := range atOnce + 100 {
		m := patch.Machine{ID: patch.MachineID(fmt.Sprintf("m%05d", n*7919%10_007)), Name: fmt.Sprint("n", n), State: patch.Admitted, Inventory: "big"}
		switch n % 11 {
		case 3:
			m.State = patch.Revoked
		case 5:
			m.Inventory = "missing"
		case 7, 8:
			m.Inventory = "tin"
		}
		s.machines = append(s.machines, m)
	}
	for name, text := range map[string]string{"some": `machine.name < "n1500"`, "big": `inventory.memory_mb > 4096`, "both": `inventory.cores == 1 && machine.name >= "n2"`, "slow": `machine.name.contains("9") && 10 / (inventory.cores - 1) < 5`} {
		s.labels[name] = patch.Label{Name: name, Expr: text}
	}
	alone := &Book{Labels: s, Inventories: s} // judges no portion
	for range 2 {
		if _, err := b.Sizes(t.Context()); err != nil {
			t.Fatal(err)
		}
		look, err := b.Fleet.Look(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for name := range s.labels {
			got, err := b.Membership(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			want := []patch.MachineID{}
			for seat := range look.All() {
				yes, err := alone.smart(t.Context(), s.labels[name].Expr, &subject{seat: seat})
				if err != nil {
					t.Fatal(err)
				}
				if yes && seat.Machine.State == patch.Admitted {
					want = append(want, seat.Machine.ID)
				}
			}
			slices.Sort(want)
			if d := cmp.Diff(want, got.Members); d != "" || len(want) == 0 {
				t.Errorf("%s: %s", name, d)
			}
			for id, why := range got.Unjudged {
				if slices.Contains(want, id) || why == "" {
					t.Errorf("%s: %s is unjudged: %q", name, id, why)
				}
			}
		}
		for n := range s.machines { // somebody says something new everywhere
			if n%5 == 0 {
				s.machines[n].Name += "9"
			}
		}
	}
}

// What a machine detected on another host OS says nothing about the one that it runs, and a list that is lost says nothing at all.
func TestADetectOfSomethingElseSaysNothing(t *testing.T) {
	b, s := book()
	s.machines = []patch.Machine{{ID: "same", State: patch.Admitted, OS: "x"}, {ID: "moved", State: patch.Admitted, OS: "y"}, {ID: "lost", State: patch.Admitted, OS: "x"}, {ID: "never", State: patch.Admitted, OS: "x"}}
	for id, rev := range map[patch.MachineID]patch.RevisionID{"same": "perl", "moved": "perl", "lost": "lost"} {
		s.detects[id] = &patch.Snapshot{Verdicts: patch.NewVector(1), Receipt: patch.Receipt{Machine: id, OS: "x", Revision: rev, Expected: 1, Evaluated: 1}}
	}
	s.labels["clean"] = patch.Label{Name: "clean", Expr: `ledger.needed == 0 && !ledger.has("perl")`}
	m, err := b.Membership(t.Context(), "clean")
	if err != nil || !slices.Equal(m.Members, []patch.MachineID{"same"}) || len(m.Unjudged) != 3 {
		t.Errorf("%v %+v", err, m)
	}
}

// A fleet's inventories are read many at a time, and again only where a machine told something else.
func TestInventoriesAreReadTogether(t *testing.T) {
	b, s := book()
	s.machines = nil
	for i := range 2500 {
		h := patch.Hash(fmt.Sprint("h", i))
		s.machines = append(s.machines, patch.Machine{ID: patch.MachineID(fmt.Sprintf("m%04d", i)), Name: fmt.Sprint("n", i), State: patch.Admitted, Inventory: h})
		s.inventories[h] = patch.Inventory{Hardware: patch.Hardware{Cores: i}}
	}
	s.machines[7].Inventory = "missing"
	s.labels["few"] = patch.Label{Name: "few", Expr: "inventory.cores < 10"}
	for _, c := range []struct {
		members int
		asked   int64
	}{{9, 3}, {9, 3}} {
		m, err := b.Membership(t.Context(), "few")
		if err != nil || len(m.Members) != c.members || s.asked.Load() > c.asked || m.Unjudged["m0007"] == "" || len(m.Unjudged) != 1 {
			t.Errorf("%d members, read %d times, not judged %v, %v", len(m.Members), s.asked.Load(), m.Unjudged, err)
		}
	}
}
