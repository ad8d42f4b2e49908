package prediction

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

const hostOS = patch.HostOS("debian-12-amd64")

var at = time.Date(2026, 11, 26, 6, 0, 0, 0, time.UTC)

func compile(t testing.TB, defs ...detect.Definition) *detect.Signatures {
	t.Helper()
	s, err := detect.Assemble(hostOS, version.Dpkg, defs)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func drawFacts(t *rapid.T) *patch.Facts {
	f := &patch.Facts{OS: patch.OSFacts{Key: hostOS, Arch: "amd64", Manager: "dpkg"}}
	if rapid.IntRange(0, 9).Draw(t, "elsewhere") == 0 {
		f.OS.Key = "debian-13-amd64"
	}
	for _, name := range []string{"bar", "foo", "libfoo1"} {
		for _, arch := range []string{"all", "amd64", "i386"} {
			if rapid.Bool().Draw(t, "there") {
				f.Packages = append(f.Packages, patch.Package{Name: name, Arch: arch, Version: rapid.SampledFrom([]string{"1", "2", "3", "garbage version"}).Draw(t, "version"),
					Provides: rapid.SampledFrom([]string{"", "", "bar (= 2)", "virtual, virtual"}).Draw(t, "provides"),
					State:    rapid.SampledFrom([]patch.PackageState{patch.Installed, patch.Installed, patch.Removed, patch.Broken}).Draw(t, "state"), Held: rapid.IntRange(0, 4).Draw(t, "held") == 0})
			}
		}
	}
	if rapid.IntRange(0, 19).Draw(t, "twice") == 0 && len(f.Packages) > 0 {
		f.Packages = append(f.Packages, f.Packages[len(f.Packages)-1])
	}
	return f
}

// aFile asks whether a file has fewer bytes than limit.
func aFile(path, limit string) detect.Expr {
	return detect.Is(detect.Test{Kind: detect.TestItems, Items: &item.Test{Class: "file",
		Object: &item.Object{Class: "file", Entities: []item.Entity{{Name: "filepath", Value: path}}},
		States: []*item.State{{Class: "file", Entities: []item.Entity{{Name: "size", Operation: item.LessThan, Datatype: item.Int, Value: limit}}}}}})
}

// sizes answers for files.
type sizes map[string]string

func (s sizes) Probe(_ context.Context, r item.Request) patch.Collected {
	size, ok := s[r.Entities[0].Values[0]]
	if !ok {
		return patch.Collected{Class: r.Class, Key: r.Key(), Flag: patch.FlagNotExist}
	}
	return patch.Collected{Class: r.Class, Key: r.Key(), Flag: patch.FlagComplete, Fields: []string{item.Every},
		Items: []patch.Item{{Fields: []patch.Field{{Name: "filepath", Value: r.Entities[0].Values[0]}, {Name: "size", Type: "int", Value: size}}}}}
}

func drawDefinitions(t *rapid.T) []detect.Definition {
	var defs []detect.Definition
	for i := range 6 {
		d := detect.Definition{ID: patch.ID(fmt.Sprintf("d%d", i))}
		name, ver := rapid.SampledFrom([]string{"bar", "foo", "libfoo1", "none"}).Draw(t, "name"), rapid.SampledFrom([]string{"1", "2", "3"}).Draw(t, "fixed")
		arch := rapid.SampledFrom([]string{"", "all", "i386"}).Draw(t, "arch")
		there := detect.Is(detect.Test{Kind: detect.TestInstalled, Name: name, Arch: arch})
		reached := detect.Is(detect.Test{Kind: detect.TestVersion, Name: name, Arch: arch, Operand: ver})
		switch rapid.IntRange(0, 3).Draw(t, "shape") {
		case 0:
			d.Prerequisite, d.Installed = &there, &reached
		case 1:
			file := aFile(rapid.SampledFrom([]string{"/a", "/b"}).Draw(t, "file"), rapid.SampledFrom([]string{"10", "20"}).Draw(t, "size"))
			both := detect.Or(file, reached)
			d.Prerequisite, d.Installed = &there, &both
		default:
			d.Packages = []detect.PackageRule{{Name: name, Arch: arch, Version: ver}, {Name: "foo", Version: "2"}}
		}
		defs = append(defs, d)
	}
	return defs
}

// A prediction is what the engine says over all of a machine's facts, whatever came and went before; and a machine that has detected
// against the patch is never among the predicted.
func TestPredictionIsTheEnginesVerdict(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, err := detect.Assemble(hostOS, version.Dpkg, drawDefinitions(t))
		if err != nil {
			t.Fatal(err)
		}
		x := &Index{}
		facts := map[patch.MachineID]*patch.Facts{}
		revision := map[patch.MachineID]patch.RevisionID{}
		for range rapid.IntRange(0, 12).Draw(t, "uploads") {
			id := patch.MachineID(fmt.Sprint(rapid.IntRange(0, 5).Draw(t, "machine")))
			if rapid.IntRange(0, 5).Draw(t, "revoked") == 0 {
				x.Remove(id)
				delete(facts, id)
				continue
			}
			f := drawFacts(t)
			src := sizes{"/a": rapid.SampledFrom([]string{"5", "15", "25"}).Draw(t, "bytes")}
			if err := s.Collect(t.Context(), f, src); err != nil {
				t.Fatal(err)
			}
			revision[id] = rapid.SampledFrom([]patch.RevisionID{"", "old", "new"}).Draw(t, "revision")
			if put(x, Seat{Machine: id, Name: "m" + string(id), At: at, Revision: revision[id]}, f); !x.Put(Seat{Machine: id, Name: "m" + string(id), At: at, Revision: revision[id]}, hashOf(f), nil) {
				t.Fatal("facts that are known have to be given again")
			}
			facts[id] = f
		}
		for _, f := range facts {
			if got, ok := x.Facts(hashOf(f)); !ok || cmp.Diff(f, got, cmpopts.EquateEmpty()) != "" {
				t.Fatalf("put together, facts are others: %s", cmp.Diff(f, got, cmpopts.EquateEmpty()))
			}
		}
		for n := range s.Len() {
			a, err := x.Predict(Question{OS: hostOS, Signatures: s, Number: n, Covers: func(r patch.RevisionID) bool { return r == "new" }})
			if err != nil {
				t.Fatal(err)
			}
			a.Explain(a.Rows)
			detected, counts := 0, patch.Counts{}
			for id, f := range facts {
				i := slices.IndexFunc(a.Rows, func(r Row) bool { return r.Machine == id })
				switch {
				case f.OS.Key == hostOS && revision[id] == "new":
					detected++
					fallthrough
				case f.OS.Key != hostOS:
					if i >= 0 {
						t.Fatalf("%s is predicted for: %+v", id, a.Rows[i])
					}
					continue
				case i < 0:
					t.Fatalf("nothing is predicted for %s", id)
				}
				want := patch.Faulty
				if r, err := s.Evaluate(f); err == nil {
					want = r.Verdicts.At(n)
				}
				counts[want]++
				why := s.Find(f, n).Reason.Text
				if got := a.Rows[i]; got.Verdict != want || got.Text != why || !got.FactsAt.Equal(at) {
					t.Fatalf("predicted %s (%s), and the engine says %s (%s)", got.Verdict, got.Text, want, why)
				}
			}
			if a.Detected != detected || a.Counts != counts || len(a.Rows) != counts.Total() {
				t.Fatalf("%d detected and %v predicted, not %d and %v", a.Detected, a.Counts, detected, counts)
			}
		}
		for id := range facts {
			x.Remove(id)
		}
		if n := x.packages.size() + x.objects.size() + x.frames.size() + len(x.named) + len(x.provided) + len(x.sets) + len(x.seats); n != 0 {
			t.Fatalf("%d things are left of no machine", n)
		}
		for _, f := range facts {
			if _, ok := x.Facts(hashOf(f)); ok {
				t.Fatal("facts are given that no machine has any more")
			}
		}
	})
}

func put(x *Index, s Seat, f *patch.Facts) { x.Put(s, hashOf(f), f) }

func hashOf(f *patch.Facts) patch.Hash {
	b, _ := json.Marshal(f)
	return patch.Hash(b)
}

// shelf is storage in memory.
type shelf struct {
	machines map[patch.MachineID]patch.Machine
	facts    map[patch.Hash]*patch.Facts
	reads    int
}

func (s *shelf) ListMachines(context.Context, patch.MachineFilter) (all []patch.Machine, _ error) {
	for _, m := range s.machines {
		if m.State == patch.Admitted {
			all = append(all, m)
		}
	}
	return all, nil
}

func (s *shelf) FindMachine(_ context.Context, id patch.MachineID) (patch.Machine, error) {
	return s.machines[id], nil
}

func (s *shelf) NewestReceipt(_ context.Context, id patch.MachineID) (patch.Receipt, error) {
	m := s.machines[id]
	return patch.Receipt{Seq: m.SnapshotSeq, Revision: "rev", Facts: m.Facts, Ended: at.Add(time.Hour)}, nil
}

func (s *shelf) FindFacts(_ context.Context, h patch.Hash) ([]byte, error) {
	s.reads++
	if s.facts[h] == nil {
		return nil, patch.Errorf(patch.NotFound, "none")
	}
	return json.Marshal(s.facts[h])
}

func TestTheIndexFollowsStorage(t *testing.T) {
	foo := func(v string) *patch.Facts {
		return &patch.Facts{OS: patch.OSFacts{Key: hostOS, Arch: "amd64"}, Packages: []patch.Package{{Name: "foo", Arch: "amd64", Version: v, State: patch.Installed}}}
	}
	store := &shelf{machines: map[patch.MachineID]patch.Machine{}, facts: map[patch.Hash]*patch.Facts{"one": foo("1"), "two": foo("2")}}
	for i, h := range []patch.Hash{"one", "one", "two", "lost", ""} {
		id := patch.MachineID(fmt.Sprint(i))
		store.machines[id] = patch.Machine{ID: id, Name: "m" + string(id), State: patch.Admitted, Facts: h, SeenAt: at}
	}
	x := &Index{}
	f := &Filler{Index: x, Store: store, Decode: json.Unmarshal}
	s := compile(t, detect.Definition{ID: "p", Packages: []detect.PackageRule{{Name: "foo", Version: "2"}}})
	ask := func() (*Answer, string) {
		t.Helper()
		a, err := x.Predict(Question{OS: hostOS, Signatures: s, Covers: func(r patch.RevisionID) bool { return r == "rev" }})
		if err != nil {
			t.Fatal(err)
		}
		text := ""
		for _, r := range a.Rows {
			text += r.Name + " " + r.Verdict.String() + "; "
		}
		return a, text
	}
	if a, _ := ask(); a.Whole {
		t.Error("an index that was never filled says that it is whole")
	}
	unreadable, err := f.Refresh(t.Context())
	if err != nil || unreadable != 1 || store.reads != 3 {
		t.Errorf("%d unreadable, %d reads, %v", unreadable, store.reads, err)
	}
	if a, text := ask(); text != "m0 not-patched; m1 not-patched; m2 patched; " || !a.Whole || a.Indexed != 3 || a.Expected != 5 || !a.Rows[0].FactsAt.Equal(at) {
		t.Errorf("%s %+v", text, a)
	}
	change := func(id patch.MachineID, to func(*patch.Machine)) {
		t.Helper()
		m := store.machines[id]
		to(&m)
		store.machines[id] = m
		if err := f.Note(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
	change("0", func(m *patch.Machine) { m.Facts = "two" })
	change("1", func(m *patch.Machine) { m.SnapshotSeq = 7 })
	change("2", func(m *patch.Machine) { m.State = patch.Revoked })
	if a, text := ask(); text != "m0 patched; " || a.Detected != 1 || store.reads != 3 {
		t.Errorf("%s %+v, %d reads", text, a, store.reads)
	}
	delete(store.machines, "0") // another appliance was told
	if _, err := f.Refresh(t.Context()); err != nil {
		t.Error(err)
	}
	if _, text := ask(); text != "" {
		t.Error(text)
	}
}

// BenchmarkPredict asks about one new patch over the facts of 100,000 machines, no two alike, of 500 packages each.
func BenchmarkPredict(b *testing.B) {
	const machines, packages, universe = 100_000, 500, 6000
	x, random := &Index{}, uint64(1)
	next := func(n int) int {
		random ^= random << 13
		random ^= random >> 7
		random ^= random << 17
		return int(random % uint64(n))
	}
	names, versions := make([]string, universe), make([]string, 200)
	for i := range names {
		names[i] = fmt.Sprintf("package-%04d", i)
	}
	for i := range versions {
		versions[i] = fmt.Sprintf("%d.%d-%d", i%7, i%13, i)
	}
	f := &patch.Facts{OS: patch.OSFacts{Key: hostOS, Arch: "amd64"}, Packages: make([]patch.Package, packages)}
	start := time.Now()
	for m := range machines {
		for i := range packages {
			n := i*universe/packages + next(universe/packages)
			v := versions[(n*31+next(12))%len(versions)]
			f.Packages[i] = patch.Package{Name: names[n], Arch: "amd64", Version: v, Source: names[n], SourceVersion: v, State: patch.Installed}
		}
		x.Put(Seat{Machine: patch.MachineID(fmt.Sprint(m)), Name: fmt.Sprintf("host-%06d", m), At: at, Revision: "old"}, patch.Hash(fmt.Sprint(m)), f)
	}
	filled := time.Since(start)
	rules := func(from, n int) (all []detect.PackageRule) {
		for i := range n {
			all = append(all, detect.PackageRule{Name: names[from+i*7], Version: "3.1-100"})
		}
		return all
	}
	s := compile(b, detect.Definition{ID: "many", Packages: rules(0, 40)}, detect.Definition{ID: "one", Packages: rules(100, 1)})
	runtime.GC()
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	for n, name := range []string{"many", "one"} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				a, err := x.Predict(Question{OS: hostOS, Signatures: s, Number: n, Covers: func(patch.RevisionID) bool { return false }})
				if err != nil || len(a.Rows) != machines || a.Counts[patch.NotPatched] == 0 {
					b.Fatal(len(a.Rows), a.Counts, err)
				}
			}
			b.ReportMetric(float64(mem.HeapAlloc)/(1<<20), "MiB")
			b.ReportMetric(float64(x.packages.size()), "distinct")
			b.ReportMetric(filled.Seconds(), "fill-s")
		})
	}
}
