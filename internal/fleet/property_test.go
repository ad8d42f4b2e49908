package fleet_test

import (
	order "cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/store"
)

var start = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

var (
	_    fleet.Source = (*store.Store)(nil)
	ctx               = context.Background()
	oses              = []patch.HostOS{"debian-12-amd64", "debian-13-amd64"}
)

// list is a catalog's list for the tests: the words of its revision's name are its patches.
type list []patch.Patch

func (l list) Patches() []patch.Patch { return l }

func (l list) Index(id patch.ID) (int, bool) {
	i := slices.IndexFunc(l, func(p patch.Patch) bool { return p.ID == id })
	return i, i >= 0
}

func listOf(_ context.Context, _ patch.HostOS, rev patch.RevisionID) (fleet.List, error) {
	if strings.HasPrefix(string(rev), "lost") {
		return nil, patch.Errorf(patch.NotFound, "no revision %s", rev)
	}
	var l list
	for _, id := range strings.Fields(string(rev)) {
		l = append(l, patch.Patch{ID: patch.ID(id)})
	}
	return l, nil
}

// site is a store that random things happen to, and an index that follows it.
type site struct {
	*rapid.T
	path    string
	store   *store.Store
	index   *fleet.Index
	counter uint64
	ids     []patch.MachineID
}

func (s *site) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *site) open() {
	var err error
	s.store, err = store.Open(ctx, "sqlite://"+s.path, store.Options{Now: func() time.Time { return start }})
	s.must(err)
	s.index = fleet.New(s.store, listOf)
}

func (s *site) any() patch.MachineID { return rapid.SampledFrom(s.ids).Draw(s.T, "machine") }

func (s *site) enrol() {
	id := patch.MachineID(fmt.Sprintf("m-%03d", len(s.ids)))
	h := patch.Hash(fmt.Sprintf("%064x", len(s.ids)))
	caller := patch.Caller{Name: "alice", Role: patch.Admin, From: "192.0.2.1", Via: "cli"}
	s.must(s.store.PutToken(ctx, caller, patch.Token{Name: "t" + string(id), Hash: h, Uses: 1, Admit: rapid.Bool().Draw(s.T, "admit"), ExpiresAt: start.Add(time.Hour), CreatedAt: start}))
	_, err := s.store.RedeemToken(ctx, h, start, patch.Machine{ID: id, Name: "n"})
	s.must(err)
	s.ids = append(s.ids, id)
}

func (s *site) setState() {
	caller := patch.Caller{Name: "alice", Role: patch.Admin, From: "192.0.2.1", Via: "cli"}
	err := s.store.SetMachineState(ctx, caller, s.any(), rapid.SampledFrom([]patch.MachineState{patch.Admitted, patch.Admitted, patch.Revoked}).Draw(s.T, "state"))
	if err != nil && patch.KindOf(err) != patch.Conflict {
		s.Fatal(err)
	}
}

func (s *site) checkin() {
	s.counter++
	err := s.store.PutCheckin(ctx, s.any(), patch.CheckinUpdate{At: start, Counter: s.counter, Hostname: rapid.SampledFrom([]string{"a", "b"}).Draw(s.T, "name"),
		OS: rapid.SampledFrom(append(oses, "", "")).Draw(s.T, "os")})
	if err != nil && patch.KindOf(err) != patch.Forbidden {
		s.Fatal(err)
	}
}

func (s *site) detect() {
	s.counter++
	rev := patch.RevisionID(rapid.SampledFrom([]string{"a b c d e", "a b c d e", "b c d e f g", "lost 1"}).Draw(s.T, "revision"))
	v := patch.NewVector(len(strings.Fields(string(rev))))
	for i := range v.Len() {
		v.Set(i, patch.Verdict(rapid.IntRange(0, 3).Draw(s.T, "verdict")))
	}
	err := s.store.PutSnapshot(ctx, patch.Snapshot{Verdicts: v, Receipt: patch.Receipt{Machine: s.any(), Seq: s.counter, OS: rapid.SampledFrom(oses).Draw(s.T, "os"), Revision: rev,
		Started: start, Ended: start, Expected: v.Len(), Evaluated: v.Len(), Errors: v.Counts()[patch.Faulty], Facts: patch.Hash(strings.Repeat("a", 64))}}, nil)
	if err != nil && patch.KindOf(err) != patch.Forbidden {
		s.Fatal(err)
	}
}

func (s *site) restart() {
	s.must(s.store.Close())
	s.open()
}

// agree holds that the index says what a recount from the store says.
func (s *site) agree() {
	s.Helper()
	machines, err := s.store.ListMachines(ctx, patch.MachineFilter{})
	s.must(err)
	look, err := s.index.Look(ctx)
	s.must(err)
	if look.Len() != len(machines) {
		s.Fatalf("%d machines, want %d", look.Len(), len(machines))
	}
	newest := map[patch.MachineID]patch.Snapshot{}
	for snap, err := range s.store.NewestSnapshots(ctx, "") {
		s.must(err)
		newest[snap.Machine] = snap
	}
	for _, m := range machines {
		seat := look.Find(m.ID)
		if diff := cmp.Diff(m, seat.Machine); diff != "" {
			s.Fatal(diff)
		}
		taken := start
		if seat.Receipt != nil {
			taken = seat.Receipt.Taken()
		}
		if alike, before := look.Taken(seat.Number, taken); alike != seat.Alike() || before != (seat.Receipt == nil) {
			s.Fatalf("%s is told from others by %+v, want %+v", m.ID, alike, seat.Alike())
		}
		if _, before := look.Taken(seat.Number, taken.Add(1)); !before {
			s.Fatalf("the detect of %s was taken after %s", m.ID, taken)
		}
		if seat.Counts() != newest[m.ID].Verdicts.Counts() {
			s.Fatalf("%s counts %v, want %v", m.ID, seat.Counts(), newest[m.ID].Verdicts.Counts())
		}
		amiss, wrong := map[int]patch.Verdict{}, map[int]patch.Verdict{}
		for i, v := range seat.Amiss() {
			amiss[i] = v
		}
		for i := range newest[m.ID].Verdicts.Len() {
			if v := newest[m.ID].Verdicts.At(i); v == patch.NotPatched || v == patch.Faulty {
				wrong[i] = v
			}
		}
		if diff := cmp.Diff(wrong, amiss); diff != "" {
			s.Fatal(diff)
		}
		snap, ok := seat.Snapshot()
		want, has := newest[m.ID]
		if ok != has || ok && (!cmp.Equal(snap.Receipt, want.Receipt) || !slices.Equal(snap.Verdicts.Bits(), want.Verdicts.Bits())) {
			s.Fatalf("%s has snapshot %+v, want %+v", m.ID, snap, want)
		}
	}
	for _, host := range oses {
		for _, rev := range []patch.RevisionID{"a b c d e", "b c d e f g"} {
			s.agreeOn(host, rev, machines, newest, look)
		}
	}
}

func (s *site) agreeOn(host patch.HostOS, rev patch.RevisionID, machines []patch.Machine, newest map[patch.MachineID]patch.Snapshot, look *fleet.Look) {
	got, total, err := s.index.Tally(ctx, host, rev)
	s.must(err)
	l, _ := listOf(ctx, host, rev)
	want, running := make([]patch.Counts, len(l.Patches())), 0
	for _, m := range machines {
		snap, has := newest[m.ID]
		if m.State != patch.Admitted || m.OS != host {
			continue
		}
		running++
		judged, lost := listOf(ctx, host, snap.Revision)
		for i, p := range l.Patches() {
			v := patch.Unknown
			if has && snap.OS == host && lost == nil {
				if j, ok := judged.Index(p.ID); ok {
					v = snap.Verdicts.At(j)
				}
			}
			want[i][v]++
			if v == patch.Unknown {
				continue
			}
			having, err := s.index.Having(ctx, host, p.ID, v)
			s.must(err)
			if !having.Contains(look.Find(m.ID).Number) {
				s.Fatalf("%s is not among the machines with %s %s", m.ID, p.ID, v)
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || total != running {
		s.Fatalf("%s with list %q, %d of %d machines:\n%s", host, rev, total, running, diff)
	}
	for i, p := range l.Patches() {
		for v := patch.NotApplicable; v < patch.Unknown; v++ {
			having, err := s.index.Having(ctx, host, p.ID, v)
			s.must(err)
			if int(having.GetCardinality()) != want[i][v] {
				s.Fatalf("%d machines of %s have %s %s, want %d", having.GetCardinality(), host, p.ID, v, want[i][v])
			}
			s.agreeOnNames(p.ID, v, look)
		}
	}
}

// agreeOnNames holds that those who are named are those who have the verdict, on whichever OS, by name.
func (s *site) agreeOnNames(id patch.ID, v patch.Verdict, look *fleet.Look) {
	got, err := s.index.Who(ctx, id, v)
	s.must(err)
	want := []*fleet.Name{}
	for _, host := range oses {
		having, err := s.index.Having(ctx, host, id, v)
		s.must(err)
		for _, n := range having.ToArray() {
			m := look.At(n).Machine
			want = append(want, &fleet.Name{ID: m.ID, Name: m.Name})
		}
	}
	slices.SortFunc(want, func(a, b *fleet.Name) int {
		return order.Or(strings.Compare(a.Name, b.Name), order.Compare(a.ID, b.ID))
	})
	if diff := cmp.Diff(want, got); diff != "" {
		s.Fatalf("who has %s %s:\n%s", id, v, diff)
	}
}

// emptyStore gives the file of a store with its tables.
func emptyStore(t *testing.T, path string) []byte {
	s, err := store.Open(ctx, "sqlite://"+path, store.Options{})
	if err == nil {
		err = s.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Counters equal a recount from the store after any sequence of snapshots, OS changes, lists, renames, admissions, revocations and restarts.
func TestCountsEqualARecount(t *testing.T) {
	dir := t.TempDir()
	empty := emptyStore(t, filepath.Join(dir, "empty.db"))
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		s := &site{T: rt, path: filepath.Join(dir, fmt.Sprint(n, ".db"))}
		s.must(os.WriteFile(s.path, empty, 0o600))
		s.open()
		defer func() { s.must(s.store.Close()) }()
		s.enrol()
		for range rapid.IntRange(1, 12).Draw(rt, "things") {
			for range rapid.IntRange(1, 4).Draw(rt, "at once") {
				rapid.SampledFrom([]func(){s.enrol, s.setState, s.checkin, s.checkin, s.detect, s.detect, s.detect, s.detect, s.restart}).Draw(rt, "what")()
			}
			s.agree()
		}
	})
}
