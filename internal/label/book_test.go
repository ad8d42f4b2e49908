package label

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/fettle-project/fettle/internal/expr"
	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/patch"
)

// shelf is storage in memory.
type shelf struct {
	labels      map[string]patch.Label
	machines    []patch.Machine
	inventories map[patch.Hash]patch.Inventory
	detects     map[patch.MachineID]*patch.Snapshot
	asked       atomic.Int64 // how often inventories were read
}

// shelved is a revision's list: its name in words, one patch each.
type shelved []patch.Patch

func (l shelved) Patches() []patch.Patch { return l }

func (l shelved) Index(id patch.ID) (int, bool) {
	i := slices.IndexFunc(l, func(p patch.Patch) bool { return p.ID == id })
	return i, i >= 0
}

func revisions(_ context.Context, _ patch.HostOS, rev patch.RevisionID) (fleet.List, error) {
	if rev == "lost" {
		return nil, patch.Errorf(patch.NotFound, "no revision %s", rev)
	}
	var l shelved
	for _, name := range strings.Fields(string(rev)) {
		l = append(l, patch.Patch{ID: patch.ID(name), Source: name, Category: patch.Security})
	}
	return l, nil
}

func (s *shelf) FindLabel(_ context.Context, name string) (patch.Label, error) {
	l, ok := s.labels[name]
	if !ok {
		return l, patch.Errorf(patch.NotFound, "no label is called %q", name)
	}
	return l, nil
}

func (s *shelf) ListLabels(context.Context) ([]patch.Label, error) {
	var out []patch.Label
	for _, l := range s.labels {
		out = append(out, l)
	}
	return out, nil
}

func (s *shelf) PutLabel(_ context.Context, _ patch.Caller, l patch.Label) error {
	s.labels[l.Name] = l
	return nil
}

func (s *shelf) RemoveLabel(_ context.Context, _ patch.Caller, name string) error {
	delete(s.labels, name)
	return nil
}

func (s *shelf) Changes(_ context.Context, since patch.Mark, _ func(patch.MachineID) uint64, take func(patch.Standing) error) (patch.Mark, error) {
	for _, m := range s.machines {
		if err := take(patch.Standing{Machine: m, Snapshot: s.detects[m.ID]}); err != nil {
			return since, err
		}
	}
	return since, nil
}

func (s *shelf) EachInventory(_ context.Context, hashes []patch.Hash, take func(patch.Hash, []byte)) error {
	s.asked.Add(1)
	enc, err := zstd.NewWriter(nil)
	if err != nil {
		return err
	}
	for _, h := range hashes {
		i, ok := s.inventories[h]
		if !ok {
			continue
		}
		b, err := json.Marshal(i)
		if err != nil {
			return err
		}
		take(h, enc.EncodeAll(b, nil))
	}
	return enc.Close()
}

func book() (*Book, *shelf) {
	s := &shelf{labels: map[string]patch.Label{}, detects: map[patch.MachineID]*patch.Snapshot{}, inventories: map[patch.Hash]patch.Inventory{
		"big": {Hardware: patch.Hardware{MemoryMB: 65536, Cores: 16}, OS: patch.OSFacts{ID: "debian"}, Network: []patch.Interface{{Name: "eth0", Addresses: []string{"10.1.2.3"}}}},
		"tin": {Hardware: patch.Hardware{MemoryMB: 512, Cores: 1}, OS: patch.OSFacts{ID: "debian"}},
	}, machines: []patch.Machine{
		{ID: "m1", Name: "web-1", State: patch.Admitted, OS: "debian-12-amd64", Inventory: "big"},
		{ID: "m2", Name: "web-2", State: patch.Admitted, OS: "debian-12-amd64", Inventory: "tin"},
		{ID: "m3", Name: "db-1", State: patch.Admitted, OS: "debian-13-amd64"},
		{ID: "m4", Name: "web-9", State: patch.Pending, OS: "debian-12-amd64", Inventory: "big"},
	}}
	return &Book{Labels: s, Fleet: fleet.New(s, nil), Inventories: s, Revisions: revisions}, s
}

func TestMembers(t *testing.T) {
	b, s := book()
	s.labels["hand"] = patch.Label{Name: "hand", Members: []patch.MachineID{"m3", "m1", "m4", "gone"}}
	for name, c := range map[string]struct {
		expr    string
		members []patch.MachineID
		missing []patch.MachineID
	}{
		"by name":       {`machine.name.startsWith("web-")`, []patch.MachineID{"m1", "m2"}, nil},
		"by OS":         {`machine.os == "debian-13-amd64"`, []patch.MachineID{"m3"}, nil},
		"by memory":     {`inventory.memory_mb > 4096`, []patch.MachineID{"m1"}, []patch.MachineID{"m3"}},
		"by network":    {`inventory.addresses.exists(a, a.startsWith("10.1."))`, []patch.MachineID{"m1"}, []patch.MachineID{"m3"}},
		"by both":       {`machine.name.startsWith("web-") && inventory.memory_mb <= 4096`, []patch.MachineID{"m2"}, []patch.MachineID{"m3"}},
		"by updaters":   {`inventory.updaters.size() > 0`, []patch.MachineID{}, []patch.MachineID{"m3"}},
		"nobody":        {`false`, []patch.MachineID{}, nil},
		"regexp":        {`machine.name.matches("^(web|db)-1$")`, []patch.MachineID{"m1", "m3"}, nil},
		"fails for one": {`machine.name.split("-")[1] == "1" && 10 / (inventory.cores - 1) >= 0`, []patch.MachineID{"m1"}, []patch.MachineID{"m3"}},
	} {
		m, err := b.try(t.Context(), c.expr)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var missing []patch.MachineID
		for id := range m.Unjudged {
			missing = append(missing, id)
		}
		if d := cmp.Diff(c.members, m.Members) + cmp.Diff(c.missing, missing); d != "" {
			t.Errorf("%s:\n%s%v", name, d, m.Unjudged)
		}
	}
	all, err := b.Members(t.Context(), patch.LabelAll)
	if d := cmp.Diff([]patch.MachineID{"m1", "m2", "m3"}, all); err != nil || d != "" {
		t.Errorf("all: %v\n%s", err, d)
	}
	hand, err := b.Members(t.Context(), "hand")
	if d := cmp.Diff([]patch.MachineID{"m1", "m3"}, hand); err != nil || d != "" {
		t.Errorf("hand: a pending machine or one that is gone is a member: %v\n%s", err, d)
	}
	if _, err := b.Members(t.Context(), "none"); patch.KindOf(err) != patch.NotFound {
		t.Errorf("a label that does not exist: %v", err)
	}
}

func TestLabelsOf(t *testing.T) {
	b, s := book()
	s.labels["web"] = patch.Label{Name: "web", Expr: `machine.name.startsWith("web-")`}
	s.labels["hand"] = patch.Label{Name: "hand", Members: []patch.MachineID{"m1"}}
	s.labels["db"] = patch.Label{Name: "db", Expr: `machine.name.startsWith("db-")`}
	for id, want := range map[patch.MachineID][]string{"m1": {"all", "hand", "web"}, "m3": {"all", "db"}, "m4": nil} {
		got, err := b.LabelsOf(t.Context(), id)
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("%s: %v\n%s", id, err, d)
		}
	}
}

func TestExpressionsThatAreRefused(t *testing.T) {
	b, _ := book()
	for name, expr := range map[string]string{
		"empty":          "",
		"unknown field":  `machine.nmae == "x"`,
		"unknown thing":  `secrets.key == "x"`,
		"wrong type":     `inventory.cores == "two"`,
		"not a question": `machine.name`,
		"broken":         `machine.name ==`,
		"deep":           strings.Repeat("(", 200) + "true" + strings.Repeat(")", 200),
		"long":           `machine.name == "` + strings.Repeat("x", expr.MaxText) + `"`,
		"bad regexp":     `machine.name.matches("(")`,
	} {
		if err := b.Check(expr); patch.KindOf(err) != patch.Invalid || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCostIsLimited(t *testing.T) {
	b, _ := book()
	list := "[" + strings.Repeat("1,", 60) + "1]"
	expr := list + ".all(a, " + list + ".all(b, " + list + ".all(c, a + b + c > 0)))"
	m, err := b.try(t.Context(), expr)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Members) != 0 || !strings.Contains(m.Unjudged["m1"].String(), "too many steps") {
		t.Errorf("an endless expression ended with %v, %v", m.Members, m.Unjudged)
	}
}

func TestPut(t *testing.T) {
	b, s := book()
	for name, l := range map[string]patch.Label{
		"built in":       {Name: "all"},
		"bad name":       {Name: "Web servers"},
		"path":           {Name: "../x"},
		"both":           {Name: "x", Expr: "true", Members: []patch.MachineID{"m1"}},
		"bad expression": {Name: "x", Expr: "machine"},
		"no such member": {Name: "x", Members: []patch.MachineID{"m7"}},
	} {
		if err := b.Put(t.Context(), patch.Caller{}, l); err == nil || patch.KindOf(err) == patch.Internal {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := b.Put(t.Context(), patch.Caller{}, patch.Label{Name: "x", Members: []patch.MachineID{"m2", "m1", "m2"}}); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]patch.MachineID{"m1", "m2"}, s.labels["x"].Members); d != "" {
		t.Error(d)
	}
	if err := b.Remove(t.Context(), patch.Caller{}, "all"); patch.KindOf(err) != patch.Invalid {
		t.Errorf("removed the built-in label: %v", err)
	}
}

// try evaluates an expression over all machines.
func (b *Book) try(ctx context.Context, text string) (Membership, error) {
	return b.carriers(ctx, patch.Label{Expr: text})
}
