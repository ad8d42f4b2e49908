package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/klauspost/compress/zstd"

	"github.com/fettle-project/fettle/internal/patch"
)

const bookworm patch.HostOS = "debian-12-amd64"

// enrol makes admitted machines.
func enrol(t testing.TB, s *Store, ids ...patch.MachineID) {
	t.Helper()
	tok := token("e", len(ids), true)
	tok.Name = fmt.Sprint("for ", ids[0])
	sum := sha256.Sum256([]byte(tok.Name))
	tok.Hash = patch.Hash(hex.EncodeToString(sum[:]))
	must(t, s.PutToken(ctx, alice, tok))
	for _, id := range ids {
		got[patch.Machine](t)(s.RedeemToken(ctx, tok.Hash, then, patch.Machine{ID: id, Name: "host-" + string(id)}))
	}
}

func snapshot(id patch.MachineID, seq uint64, os patch.HostOS, verdicts ...patch.Verdict) patch.Snapshot {
	v := patch.NewVector(len(verdicts))
	errs := 0
	for i, d := range verdicts {
		v.Set(i, d)
		if d == patch.Faulty {
			errs++
		}
	}
	return patch.Snapshot{Receipt: patch.Receipt{Machine: id, Seq: seq, OS: os, Revision: "r1", Boot: "b", Started: then, Ended: then.Add(time.Second),
		Expected: len(verdicts), Evaluated: len(verdicts), Errors: errs, Facts: hashOf("f"), Agent: "1", Received: then.Add(2 * time.Second)}, Verdicts: v}
}

var sameVector = cmp.Comparer(func(a, b patch.Vector) bool { return a.Len() == b.Len() && bytes.Equal(a.Bits(), b.Bits()) })

func TestMachines(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		enrol(t, s, "m-1", "m-2", "m-3")
		_, err := s.FindMachine(ctx, "m-9")
		wantKind(t, err, patch.NotFound)
		must(t, s.SetMachineState(ctx, alice, "m-3", patch.Revoked))
		must(t, s.SetMachineState(ctx, alice, "m-3", patch.Revoked))
		wantKind(t, s.SetMachineState(ctx, alice, "m-3", patch.Admitted), patch.Conflict)
		wantKind(t, s.SetMachineState(ctx, alice, "m-1", patch.Pending), patch.Invalid)
		wantKind(t, s.SetMachineState(ctx, alice, "m-9", patch.Admitted), patch.NotFound)
		must(t, s.PutCheckin(ctx, "m-2", patch.CheckinUpdate{At: then, Counter: 1, OS: bookworm, Hostname: "web"}))
		must(t, s.PutLabel(ctx, alice, patch.Label{Name: "canary", Members: []patch.MachineID{"m-1", "m-1"}}))
		must(t, s.PutLabel(ctx, alice, patch.Label{Name: "clever", Expr: "true"}))
		for name, tt := range map[string]struct {
			filter patch.MachineFilter
			want   string
		}{
			"all":      {patch.MachineFilter{}, "m-1 m-3 m-2"},
			"admitted": {patch.MachineFilter{State: patch.Admitted}, "m-1 m-2"},
			"os":       {patch.MachineFilter{OS: bookworm}, "m-2"},
			"label":    {patch.MachineFilter{Label: "canary"}, "m-1"},
			"built in": {patch.MachineFilter{Label: "all"}, "m-1 m-2"},
			"both":     {patch.MachineFilter{Label: "canary", State: patch.Revoked}, ""},
		} {
			var ids []string
			for _, m := range got[[]patch.Machine](t)(s.ListMachines(ctx, tt.filter)) {
				ids = append(ids, string(m.ID))
			}
			if strings.Join(ids, " ") != tt.want {
				t.Errorf("%s: %v, want %s", name, ids, tt.want)
			}
		}
		_, err = s.ListMachines(ctx, patch.MachineFilter{Label: "clever"})
		wantKind(t, err, patch.Invalid)
		if ms := got[[]patch.Machine](t)(s.FindMachineByName(ctx, "web")); len(ms) != 1 || ms[0].ID != "m-2" {
			t.Errorf("found %v", ms)
		}
	})
}

// The name that a check-in tells is stored where it is another one, and found by it in the database.
func TestACheckinRenamesAMachine(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		enrol(t, s, "m-1")
		for i, name := range []string{"web", "web", "db", "web", "we\xffb", "we\uFFFDb"} {
			got[patch.Machine](t)(s.FindMachine(ctx, "m-1"))
			must(t, s.PutCheckin(ctx, "m-1", patch.CheckinUpdate{At: then, Counter: uint64(i + 1), Hostname: name}))
			if ms := got[[]patch.Machine](t)(s.FindMachineByName(ctx, cleanText(name))); len(ms) != 1 || ms[0].ID != "m-1" {
				t.Errorf("check-in %d: %q is %v", i, name, ms)
			}
		}
	})
}

func TestCheckin(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		enrol(t, s, "m-1", "m-2")
		u := patch.CheckinUpdate{At: then, Address: "192.0.2.9", Counter: 5, Boot: "b1", OS: bookworm, Agent: "1.2", Hostname: "web\x00\xfe",
			Busy: "detecting", RebootOwed: true, Policy: "no-reboot"}
		must(t, s.PutCheckin(ctx, "m-1", u))
		m := got[patch.Machine](t)(s.FindMachine(ctx, "m-1"))
		want := patch.Machine{ID: "m-1", Name: "web\uFFFD\uFFFD", State: patch.Admitted, OS: bookworm, EnrolledAt: then, EnrolledBy: "for m-1", SeenAt: then,
			Address: "192.0.2.9", AgentVersion: "1.2", BootID: "b1", RebootOwed: true, Busy: "detecting", Policy: "no-reboot"}
		if diff := cmp.Diff(want, m); diff != "" {
			t.Error(diff)
		}
		for _, counter := range []uint64{5, 4, 0} { // a copy of the agent, or an older image of it
			u.Counter = counter
			u.Hostname = "clone"
			wantKind(t, s.PutCheckin(ctx, "m-1", u), patch.Conflict)
		}
		if diff := cmp.Diff(want, got[patch.Machine](t)(s.FindMachine(ctx, "m-1"))); diff != "" {
			t.Error(diff)
		}
		u.Counter = math.MaxUint64
		wantKind(t, s.PutCheckin(ctx, "m-1", u), patch.Invalid)
		must(t, s.SetMachineState(ctx, alice, "m-2", patch.Revoked))
		wantKind(t, s.PutCheckin(ctx, "m-2", u), patch.Invalid)
		u.Counter = 7
		wantKind(t, s.PutCheckin(ctx, "m-2", u), patch.Forbidden)
		wantKind(t, s.PutCheckin(ctx, "m-9", u), patch.NotFound)
	})
}

func compressed(t testing.TB, text string) (patch.Hash, []byte) {
	t.Helper()
	sum := sha256.Sum256([]byte(text))
	enc, err := zstd.NewWriter(nil)
	must(t, err)
	defer enc.Close()
	return patch.Hash(hex.EncodeToString(sum[:])), enc.EncodeAll([]byte(text), nil)
}

func TestBlobs(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		enrol(t, s, "m-1", "m-2")
		h, body := compressed(t, `{"packages":[]}`)
		must(t, s.PutFacts(ctx, "m-1", h, body))
		must(t, s.PutFacts(ctx, "m-2", h, body))
		must(t, s.PutInventory(ctx, "m-1", h, body))
		if b := got[[]byte](t)(s.FindFacts(ctx, h)); !bytes.Equal(b, body) {
			t.Error("facts differ")
		}
		if b := got[[]byte](t)(s.FindInventory(ctx, h)); !bytes.Equal(b, body) {
			t.Error("inventory differs")
		}
		read := map[patch.Hash]string{}
		must(t, s.EachInventory(ctx, []patch.Hash{h, hashOf("0"), ""}, func(h patch.Hash, b []byte) { read[h] = string(b) }))
		if len(read) != 1 || read[h] != string(body) {
			t.Errorf("read together: %q", read)
		}
		if m := got[patch.Machine](t)(s.FindMachine(ctx, "m-1")); m.Facts != h || m.Inventory != h {
			t.Errorf("machine points at %q and %q", m.Facts, m.Inventory)
		}
		_, err := s.FindFacts(ctx, hashOf("0"))
		wantKind(t, err, patch.NotFound)

		// A machine must not be able to plant bytes under an address that others rely on.
		wantKind(t, s.PutFacts(ctx, "m-1", hashOf("0"), body), patch.Untrusted)
		wantKind(t, s.PutFacts(ctx, "m-1", h, []byte("junk")), patch.Invalid)
		bombHash, bomb := compressed(t, strings.Repeat("\x00", maxDocument+1))
		wantKind(t, s.PutFacts(ctx, "m-1", bombHash, bomb), patch.Invalid)
		wantKind(t, s.PutFacts(ctx, "m-9", h, body), patch.NotFound)
		must(t, s.SetMachineState(ctx, alice, "m-2", patch.Revoked))
		wantKind(t, s.PutFacts(ctx, "m-2", h, body), patch.Forbidden)
	})
}

// Facts that another machine has sent need not travel again; only what the machine itself announced last becomes its own.
func TestFactsOfOneImageTravelOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		enrol(t, s, "m-1", "m-2")
		h, body := compressed(t, `{"packages":[]}`)
		other, otherBody := compressed(t, `{"packages":[{}]}`)
		must(t, s.PutCheckin(ctx, "m-2", patch.CheckinUpdate{At: then, Counter: 1, Facts: h}))
		if there := got[bool](t)(s.UseFacts(ctx, "m-2", h)); there {
			t.Error("facts that nobody sent are there")
		}
		must(t, s.PutFacts(ctx, "m-1", h, body))
		must(t, s.PutFacts(ctx, "m-1", other, otherBody))
		for _, x := range []patch.Hash{h, other} {
			if there := got[bool](t)(s.UseFacts(ctx, "m-2", x)); !there {
				t.Errorf("%s is not there", x)
			}
			if m := got[patch.Machine](t)(s.FindMachine(ctx, "m-2")); m.Facts != h {
				t.Errorf("m-2, which announced %s, has %q", h, m.Facts)
			}
		}
	})
}

// A machine's traffic may be played again in any order: only what its newest check-in announced counts, and a failed detect that an
// accepted snapshot has overtaken is history.
func TestLateReportsChangeNothing(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		enrol(t, s, "m-1")
		old, oldBody := compressed(t, `{"packages":[]}`)
		now, nowBody := compressed(t, `{"packages":[{}]}`)
		must(t, s.PutCheckin(ctx, "m-1", patch.CheckinUpdate{At: then, Counter: 1, Inventory: now, Facts: now}))
		must(t, s.PutFacts(ctx, "m-1", now, nowBody))
		must(t, s.PutInventory(ctx, "m-1", now, nowBody))
		must(t, s.PutFacts(ctx, "m-1", old, oldBody))
		must(t, s.PutInventory(ctx, "m-1", old, oldBody))
		if m := got[patch.Machine](t)(s.FindMachine(ctx, "m-1")); m.Facts != now || m.Inventory != now {
			t.Errorf("an old document became the newest: facts %q, inventory %q", m.Facts, m.Inventory)
		}
		one := snapshot("m-1", 1, bookworm, patch.Patched)
		must(t, s.PutSnapshot(ctx, one, nil))
		must(t, s.PutDetectFailed(ctx, "m-1", one.Ended.Add(-time.Second), "late"))
		if m := got[patch.Machine](t)(s.FindMachine(ctx, "m-1")); m.DetectFailed != "" {
			t.Errorf("a failed detect of before the snapshot counts: %q", m.DetectFailed)
		}
		must(t, s.PutDetectFailed(ctx, "m-1", one.Ended.Add(2*time.Second), "newest"))
		must(t, s.PutDetectFailed(ctx, "m-1", one.Ended.Add(time.Second), "older"))
		if m := got[patch.Machine](t)(s.FindMachine(ctx, "m-1")); m.DetectFailed != "newest" {
			t.Errorf("the note is %q", m.DetectFailed)
		}
	})
}

func TestSnapshots(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		enrol(t, s, "m-1", "m-2")
		_, err := s.NewestSnapshot(ctx, "m-1")
		wantKind(t, err, patch.NotFound)
		one := snapshot("m-1", 1, bookworm, patch.NotApplicable, patch.NotPatched, patch.Patched, patch.Faulty, patch.NotPatched)
		moved := patch.Transition{Machine: "m-1", OS: bookworm, Patch: "s/p/1", From: patch.Unknown, To: patch.NotPatched, At: then, Seq: 1,
			Cause: patch.FirstDetect, Note: "n\x00"}
		must(t, s.PutDetectFailed(ctx, "m-1", then, "dpkg is broken"))
		if m := got[patch.Machine](t)(s.FindMachine(ctx, "m-1")); m.DetectFailed != "dpkg is broken" || !m.DetectFailedAt.Equal(then) {
			t.Errorf("failed detect is %q at %s", m.DetectFailed, m.DetectFailedAt)
		}
		must(t, s.PutSnapshot(ctx, one, []patch.Transition{moved}))
		if diff := cmp.Diff(one, got[patch.Snapshot](t)(s.NewestSnapshot(ctx, "m-1")), sameVector); diff != "" {
			t.Error(diff)
		}
		if m := got[patch.Machine](t)(s.FindMachine(ctx, "m-1")); m.DetectFailed != "" || m.OS != bookworm || m.SnapshotSeq != 1 {
			t.Errorf("machine is %+v", m)
		}
		moved.Note = "n\uFFFD"
		if diff := cmp.Diff([]patch.Transition{moved}, got[[]patch.Transition](t)(s.ListTransitions(ctx, patch.TransitionFilter{Machine: "m-1", Patch: "s/p/1", OS: bookworm, Since: then, Limit: 1}))); diff != "" {
			t.Error(diff)
		}
		if ts := got[[]patch.Transition](t)(s.ListTransitions(ctx, patch.TransitionFilter{Machine: "m-2"})); len(ts) != 0 {
			t.Errorf("another machine has %v", ts)
		}
	})
}

// A snapshot is atomic and monotone: what is refused changes nothing at all.
func TestSnapshotIsMonotone(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		enrol(t, s, "m-1", "m-2")
		good := snapshot("m-1", 5, bookworm, patch.NotPatched, patch.Patched)
		must(t, s.PutSnapshot(ctx, good, nil))
		older, same, partial := good, good, snapshot("m-1", 6, bookworm, patch.Patched, patch.Patched)
		older.Seq = 4
		partial.Expected = 3
		foreign := snapshot("m-1", 6, bookworm, patch.Patched, patch.Patched)
		theirs := []patch.Transition{{Machine: "m-2", OS: bookworm, Patch: "s/p/1", Seq: 6, At: then}}
		wantKind(t, s.PutSnapshot(ctx, older, nil), patch.Conflict)
		wantKind(t, s.PutSnapshot(ctx, same, nil), patch.Conflict)
		wantKind(t, s.PutSnapshotAfter(ctx, &good, older, nil, nil), patch.Conflict)
		wantKind(t, s.PutSnapshot(ctx, partial, nil), patch.Invalid)
		wantKind(t, s.PutSnapshot(ctx, foreign, theirs), patch.Internal)
		wantKind(t, s.PutSnapshotAfter(ctx, &good, foreign, nil, []patch.EffectUpdate{{Attempt: "none"}}), patch.NotFound)
		ahead := good
		ahead.Seq = 6
		for _, before := range []*patch.Snapshot{nil, &older, &ahead} {
			wantKind(t, s.PutSnapshotAfter(ctx, before, foreign, nil, nil), patch.Conflict)
		}
		wantKind(t, s.PutSnapshot(ctx, snapshot("m-9", 6, bookworm, patch.Patched), nil), patch.NotFound)
		if diff := cmp.Diff(good, got[patch.Snapshot](t)(s.NewestSnapshot(ctx, "m-1")), sameVector); diff != "" {
			t.Error(diff)
		}
		if rs := got[[]patch.Receipt](t)(s.ListReceipts(ctx, "m-1", 0)); len(rs) != 1 {
			t.Errorf("%d receipts, want 1", len(rs))
		}
		must(t, s.SetMachineState(ctx, alice, "m-1", patch.Revoked))
		wantKind(t, s.PutSnapshot(ctx, foreign, nil), patch.Forbidden)
		wantKind(t, s.PutSnapshotAfter(ctx, &good, foreign, nil, nil), patch.Forbidden)
	})
}

func TestSnapshotsInAnyOrderEndAtTheNewest(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		enrol(t, s, "m-1")
		var wg sync.WaitGroup
		for _, i := range rand.Perm(60) {
			wg.Go(func() {
				v := snapshot("m-1", uint64(i+1), bookworm, patch.Verdict(i%3), patch.Patched)
				v.Revision = patch.RevisionID(fmt.Sprint("r", i+1))
				if err := s.PutSnapshot(ctx, v, nil); err != nil && patch.KindOf(err) != patch.Conflict {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		v := got[patch.Snapshot](t)(s.NewestSnapshot(ctx, "m-1"))
		if v.Seq != 60 || v.Revision != "r60" || v.Verdicts.At(0) != patch.Verdict(59%3) {
			t.Errorf("newest is %+v", v.Receipt)
		}
		last := uint64(61)
		for _, r := range got[[]patch.Receipt](t)(s.ListReceipts(ctx, "m-1", 0)) {
			if r.Seq >= last {
				t.Errorf("receipt %d follows %d", last, r.Seq)
			}
			last = r.Seq
		}
	})
}

func TestFormerHostOSStays(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		const trixie = "debian-13-amd64"
		enrol(t, s, "m-1", "m-2")
		must(t, s.PutSnapshot(ctx, snapshot("m-1", 1, bookworm, patch.NotPatched, patch.Patched), nil))
		must(t, s.PutSnapshot(ctx, snapshot("m-2", 1, bookworm, patch.NotPatched, patch.Patched), nil))
		must(t, s.PutSnapshot(ctx, snapshot("m-1", 2, trixie, patch.NotPatched), nil))
		all := got[[]patch.Snapshot](t)(s.SnapshotsByOS(ctx, "m-1"))
		if len(all) != 2 || all[0].OS != trixie || all[1].OS != bookworm || all[1].Verdicts.Len() != 2 {
			t.Fatalf("snapshots are %+v", all)
		}
		if v := got[patch.Snapshot](t)(s.NewestSnapshot(ctx, "m-1")); v.OS != trixie {
			t.Errorf("newest is of %s", v.OS)
		}
		present := func(os patch.HostOS) (ids []patch.MachineID) {
			for v, err := range s.NewestSnapshots(ctx, os) {
				must(t, err)
				ids = append(ids, v.Machine)
			}
			return ids
		}
		if diff := cmp.Diff([]patch.MachineID{"m-2"}, present(bookworm)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]patch.MachineID{"m-1", "m-2"}, present("")); diff != "" {
			t.Error(diff)
		}
		must(t, s.PutSnapshot(ctx, snapshot("m-1", 3, bookworm, patch.Patched, patch.Patched), nil))
		if all := got[[]patch.Snapshot](t)(s.SnapshotsByOS(ctx, "m-1")); len(all) != 2 || all[0].OS != bookworm || all[0].Seq != 3 {
			t.Errorf("back again: %+v", all)
		}
	})
}

func TestNewestSnapshotsPages(t *testing.T) {
	s := open(t, sqliteURL(t))
	const machines = 2*snapshotPage + 7
	ids := make([]patch.MachineID, machines)
	for i := range ids {
		ids[i] = patch.MachineID(fmt.Sprintf("m-%05d", i))
	}
	must(t, s.write(ctx, func(x session) error {
		for _, id := range ids {
			if err := insertMachine(ctx, x, patch.Machine{ID: id, State: patch.Admitted}); err != nil {
				return err
			}
		}
		return nil
	}))
	var work sync.WaitGroup
	for w := range 16 {
		work.Go(func() {
			for i := w; i < machines; i += 16 {
				must(t, s.PutSnapshot(ctx, snapshot(ids[i], 1, bookworm, patch.Patched, patch.Verdict(i%3)), nil))
			}
		})
	}
	work.Wait()
	n := 0
	for v, err := range s.NewestSnapshots(ctx, bookworm) {
		must(t, err)
		if v.Machine != ids[n] {
			t.Fatalf("machine %d is %s", n, v.Machine)
		}
		n++
	}
	if n != machines {
		t.Errorf("%d machines, want %d", n, machines)
	}
	for range s.NewestSnapshots(ctx, bookworm) {
		break
	}
}

func TestVectorCodec(t *testing.T) {
	c, err := newVectorCodec()
	must(t, err)
	defer c.close()
	for _, n := range []int{0, 1, 3, 4, 5, 1000, 35_000} {
		for name, fill := range map[string]func(int) patch.Verdict{
			"one kind": func(int) patch.Verdict { return patch.NotApplicable },
			"noise":    func(int) patch.Verdict { return patch.Verdict(rand.IntN(4)) },
		} {
			v := patch.NewVector(n)
			for i := range n {
				v.Set(i, fill(i))
			}
			b := c.encode(v)
			back, err := c.decodeIn(b, nil)
			if err != nil || !cmp.Equal(v, back, sameVector) {
				t.Errorf("%s, %d verdicts: %v", name, n, err)
			}
			if len(b) > len(v.Bits())+5 {
				t.Errorf("%s, %d verdicts take %d bytes", name, n, len(b))
			}
			for cut := range min(len(b), 20) {
				if w, err := c.decodeIn(b[:cut], nil); err == nil && w.Len() != n && w.Len() != 0 {
					t.Errorf("%s: %d of %d bytes decode to %d verdicts", name, cut, len(b), w.Len())
				}
			}
		}
	}
}

func TestLabels(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		enrol(t, s, "m-1", "m-2")
		l := patch.Label{Name: "canary", Note: "first", Members: []patch.MachineID{"m-2", "m-1"}, CreatedAt: then, CreatedBy: "alice"}
		must(t, s.PutLabel(ctx, alice, l))
		byID := cmpopts.SortSlices(func(a, b patch.MachineID) bool { return a < b })
		if diff := cmp.Diff(l, got[patch.Label](t)(s.FindLabel(ctx, "canary")), byID); diff != "" {
			t.Error(diff)
		}
		must(t, s.PutLabel(ctx, alice, patch.Label{Name: "canary", Expr: "os == 'x'", CreatedAt: then.Add(time.Hour), CreatedBy: "bob"}))
		want := []patch.Label{builtIn(), {Name: "canary", Expr: "os == 'x'", CreatedAt: then, CreatedBy: "alice"}}
		if diff := cmp.Diff(want, got[[]patch.Label](t)(s.ListLabels(ctx))); diff != "" {
			t.Error(diff)
		}
		if l := got[patch.Label](t)(s.FindLabel(ctx, "all")); l.Name != "all" {
			t.Errorf("built-in label is %+v", l)
		}
		for _, bad := range []patch.Label{{}, {Name: "all"}, {Name: "x", Expr: "true", Members: []patch.MachineID{"m-1"}}, {Name: "y", Members: []patch.MachineID{"m-9"}}} {
			wantKind(t, s.PutLabel(ctx, alice, bad), patch.Invalid)
		}
		of := patch.Label{Name: "php", Of: patch.OfPatches, Patches: []patch.ID{"s/a/1", "s/b/1"}, CreatedAt: then, CreatedBy: "alice"}
		must(t, s.PutLabel(ctx, alice, of))
		if diff := cmp.Diff(of, got[patch.Label](t)(s.FindLabel(ctx, "php"))); diff != "" {
			t.Error(diff)
		}
		if all := got[[]patch.Label](t)(s.ListLabels(ctx)); len(all) != 3 || len(all[2].Patches) != 2 || all[2].Of != patch.OfPatches {
			t.Errorf("%+v", all)
		}
		wantKind(t, s.PutLabel(ctx, alice, patch.Label{Name: "z", Of: patch.OfPatches, Members: []patch.MachineID{"m-1"}}), patch.Invalid)
		must(t, s.RemoveLabel(ctx, alice, "php"))
		wantKind(t, s.RemoveLabel(ctx, alice, "all"), patch.Invalid)
		must(t, s.RemoveLabel(ctx, alice, "canary"))
		wantKind(t, s.RemoveLabel(ctx, alice, "canary"), patch.NotFound)
		_, err := s.FindLabel(ctx, "y")
		wantKind(t, err, patch.NotFound)
	})
}

// A complete detect ends a failed one's note, whether the machine's row is known or has to be read, and moves its host OS.
func TestACompleteDetectEndsAFailedOne(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		enrol(t, s, "m-1")
		for seq := range uint64(6) {
			v := snapshot("m-1", 1+seq, bookworm, patch.Patched)
			if seq > 3 {
				v.OS = "debian-13-amd64"
			}
			if seq%2 == 0 && s.known != nil { // it was never asked for
				s.known.end(&touched{all: true}, false)
			}
			must(t, s.PutSnapshot(ctx, v, nil))
			if m := got[patch.Machine](t)(s.FindMachine(ctx, "m-1")); m.DetectFailed != "" || !m.DetectFailedAt.IsZero() || m.OS != v.OS || m.SnapshotSeq != v.Seq {
				t.Errorf("after %d: %+v", v.Seq, m)
			}
			must(t, s.PutDetectFailed(ctx, "m-1", v.Ended.Add(time.Duration(1+seq)*time.Hour), "out of paper"))
			if m := got[patch.Machine](t)(s.FindMachine(ctx, "m-1")); m.DetectFailed == "" {
				t.Errorf("the failed detect after %d is not noted", v.Seq)
			}
		}
	})
}
