package store

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/fettle-project/fettle/internal/patch"
)

// agree compares what is kept of machines with what the database says.
func agree(t *rapid.T, s *Store, ids []patch.MachineID) {
	t.Helper()
	for _, id := range ids {
		for range 2 { // the second time it is kept
			stored, err := find(ctx, s.read(), scanMachine, `SELECT `+machineColumns+` FROM machines WHERE id = $1`, id)
			if err != nil {
				t.Fatal(err)
			}
			told, err := s.FindMachine(ctx, id)
			if diff := cmp.Diff(stored, told); err != nil || diff != "" {
				t.Fatalf("%s (%v): %s", id, err, diff)
			}
			row, err := find(ctx, s.read(), scanSnapshot, newestSnapshots+` WHERE machines.id = $1`, id)
			if err != nil {
				row.seq = 0
			}
			newest, err := s.NewestSnapshot(ctx, id)
			if newest.Seq != row.seq || (err == nil) != (row.seq > 0) {
				t.Fatalf("%s: the newest detect is %d, and %d is told (%v)", id, row.seq, newest.Seq, err)
			}
			if row.seq == 0 {
				continue
			}
			want, err := s.snapshotOf(ctx, row)
			if diff := cmp.Diff(want, newest, sameVector); err != nil || diff != "" {
				t.Fatalf("%s (%v): %s", id, err, diff)
			}
		}
	}
}

// What is kept of machines is what is stored, after any writes that share transactions, of which some fail, while others read.
func TestWhatIsKeptOfMachinesIsWhatIsStored(t *testing.T) {
	s := open(t, sqliteURL(t))
	ids := []patch.MachineID{"m-1", "m-2", "m-3", "m-4"}
	enrol(t, s, ids...)
	hash, body := compressed(t, `{"packages":[]}`)
	boom := errors.New("boom")
	var clock int
	f := following(s)
	rapid.Check(t, func(rt *rapid.T) {
		var writers sync.WaitGroup
		done := make(chan struct{})
		writers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
					_, _ = s.FindMachine(ctx, ids[i%len(ids)])
					_, _ = s.NewestSnapshot(ctx, ids[i%len(ids)])
				}
			}
		})
		var together sync.WaitGroup
		for range rapid.IntRange(1, 12).Draw(rt, "writers") {
			clock++
			n, id := clock, rapid.SampledFrom(ids).Draw(rt, "machine")
			at, verdict := then.Add(time.Duration(n)*time.Minute), patch.Verdict(rapid.IntRange(1, 2).Draw(rt, "verdict"))
			older, alike := rapid.Bool().Draw(rt, "older"), rapid.Bool().Draw(rt, "alike")
			act := rapid.SampledFrom([]string{"checkin", "snapshot", "snapshot", "failed", "zone", "facts", "used", "inventory", "boom", "panic"}).Draw(rt, "act")
			together.Go(func() {
				defer func() { _ = recover() }()
				switch act {
				case "checkin":
					u := patch.CheckinUpdate{At: at, Counter: uint64(n), Address: fmt.Sprint(n), Facts: hash, Boot: "b\x00\xff", Hostname: fmt.Sprint("h", n%2), Busy: "detecting",
						RebootOwed: alike, Policy: "no-reboot"}
					if older {
						u.At, u.OS = at.Add(absence+7*time.Nanosecond), "debian-13-amd64"
					}
					_ = s.PutCheckin(ctx, id, u)
				case "snapshot":
					v := snapshot(id, uint64(n), bookworm, verdict, patch.Patched)
					if v.Ended = at; older {
						v.Seq = 1
					}
					before, err := s.NewestSnapshot(ctx, id)
					if err != nil || !alike {
						_ = s.PutSnapshot(ctx, v, nil)
					} else {
						_ = s.PutSnapshotAfter(ctx, &before, v, nil, nil)
					}
				case "failed":
					_ = s.PutDetectFailed(ctx, id, at.Add(time.Second), "cut")
				case "zone":
					_ = s.PutZone(ctx, id, fmt.Sprint("Zone/", n%3))
				case "facts":
					_ = s.PutFacts(ctx, id, hash, body)
				case "used":
					_, _ = s.UseFacts(ctx, id, hash)
				case "inventory":
					_ = s.PutInventory(ctx, id, hash, body)
				default:
					_ = s.write(ctx, func(x session) error {
						if _, err := x.exec(ctx, `UPDATE machines SET address = $2 WHERE id = $1`, id, "never"); err != nil {
							return err
						}
						if act == "panic" {
							panic("of its own")
						}
						return boom
					})
				}
			})
		}
		together.Wait()
		close(done)
		writers.Wait()
		agree(rt, s, ids)
		f.follow(t)
		f.agree(t)
	})
}

// Every check-in asks whether something waits for its machine; where nothing does it is known until attempts change, whoever changes them.
func TestWhomNothingWaitsForIsKnown(t *testing.T) {
	s := open(t, sqliteURL(t))
	enrol(t, s, "m-1", "m-2")
	ask := func(when string, want bool) {
		t.Helper()
		for range 2 { // the second time it is known
			if got[bool](t)(s.HasWaiting(ctx, "m-1")) != want {
				t.Errorf("%s: something waits: %t", when, !want)
			}
		}
		if idle, _ := s.known.isIdle("m-1"); idle == want {
			t.Errorf("%s: it is known that nothing waits: %t", when, idle)
		}
	}
	ask("at first", false)
	must(t, s.PutDeployment(ctx, alice, patch.Deployment{ID: "d1", State: patch.Running, At: then}, []patch.Attempt{attempt("a1", "m-1", "s/p/1")}))
	ask("when it was ordered", true)
	must(t, s.WithdrawAttempts(ctx, []string{"a1"}, "", "chance"))
	ask("when it was taken back", false)
}

// A check-in reads its machine's row once: what becomes of it is known.
func TestWhatACheckinMakesOfAMachineIsKept(t *testing.T) {
	s := open(t, sqliteURL(t))
	enrol(t, s, "m-1")
	got[patch.Machine](t)(s.FindMachine(ctx, "m-1"))
	must(t, s.PutCheckin(ctx, "m-1", patch.CheckinUpdate{At: then, Counter: 1, Hostname: "web"}))
	if a, _ := s.known.find("m-1"); a.machine == nil || a.machine.Name != "web" || !a.machine.SeenAt.Equal(then) {
		t.Errorf("kept is %+v", a.machine)
	}
}

// A machine's request is answered without a look at its row where nothing has changed it, and after a detect what it became is known.
func TestANewerDetectIsKept(t *testing.T) {
	s := open(t, sqliteURL(t))
	enrol(t, s, "m-1")
	one := snapshot("m-1", 1, bookworm, patch.NotPatched)
	must(t, s.PutSnapshot(ctx, one, nil))
	got[patch.Machine](t)(s.FindMachine(ctx, "m-1"))
	got[patch.Snapshot](t)(s.NewestSnapshot(ctx, "m-1"))
	must(t, s.PutSnapshotAfter(ctx, &one, snapshot("m-1", 2, bookworm, patch.NotPatched), nil, nil))
	if a, _ := s.known.find("m-1"); a.machine == nil || a.machine.SnapshotSeq != 2 || a.newest == nil || a.newest.seq != 2 {
		t.Errorf("kept is %+v", a)
	}
	must(t, s.write(ctx, func(x session) error {
		_, err := x.exec(ctx, `UPDATE machines SET zone = $1`, "UTC") // of all, in no form that is known
		return err
	}))
	if m := got[patch.Machine](t)(s.FindMachine(ctx, "m-1")); m.Zone != "UTC" {
		t.Errorf("the zone is %q", m.Zone)
	}
	hash, body := compressed(t, `{"packages":[]}`)
	must(t, s.PutFacts(ctx, "m-1", hash, body))
	for _, want := range []bool{true, false} {
		if there := got[bool](t)(s.HasFacts(ctx, hash)); there != want {
			t.Errorf("facts are there: %t", there)
		}
		must(t, s.write(ctx, func(x session) error {
			_, err := x.exec(ctx, `DELETE FROM facts WHERE hash = $1`, hash)
			return err
		}))
	}
}

// What was read before a write ended is not what the database has after it.
func TestARowReadBeforeAWriteIsNotKept(t *testing.T) {
	var a acquaintances
	_, before := a.find("m-1")
	a.end(&touched{machines: map[patch.MachineID]acquaintance{"m-1": {}}}, true)
	a.keep("m-1", acquaintance{machine: &patch.Machine{ID: "m-1"}}, before)
	if m, _ := a.find("m-1"); m.machine != nil {
		t.Error("it is kept")
	}
	_, after := a.find("m-1")
	a.keep("m-1", acquaintance{machine: &patch.Machine{ID: "m-1"}}, after)
	if m, _ := a.find("m-1"); m.machine == nil {
		t.Error("what was read after it is not kept")
	}
}
