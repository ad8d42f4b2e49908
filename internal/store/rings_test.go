package store

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

func canary() patch.Ring {
	return patch.Ring{Name: "canary", Label: "canary", Position: 1, Probes: []patch.Probe{"port:443"}, CreatedAt: then, CreatedBy: "alice"}.WithDefaults()
}

func TestRings(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		r := canary()
		early := patch.Ring{Name: "early", Label: "early", Position: 2}.WithDefaults()
		must(t, s.PutRing(ctx, alice, early))
		must(t, s.PutRing(ctx, alice, r))
		changed := r
		changed.Soak, changed.CreatedBy, changed.CreatedAt = patch.Span(time.Hour), "bob", then.Add(time.Hour)
		must(t, s.PutRing(ctx, alice, changed))
		r.Soak = changed.Soak
		if d := cmp.Diff([]patch.Ring{r, early}, got[[]patch.Ring](t)(s.ListRings(ctx))); d != "" {
			t.Errorf("rings:\n%s", d)
		}
		wantKind(t, s.PutRing(ctx, alice, patch.Ring{Name: "x"}), patch.Invalid)
		wantKind(t, s.RemoveRing(ctx, alice, "none"), patch.NotFound)
		must(t, s.DecideRing(ctx, alice, "ring.halt", patch.RingProgress{Patch: "s/p/1", Ring: "canary", HaltedAt: then}))
		must(t, s.RemoveRing(ctx, alice, "canary"))
		if all := got[[]patch.RingProgress](t)(s.ListRingProgress(ctx, "")); len(all) != 0 {
			t.Errorf("a ring that is gone still halts: %+v", all)
		}
		must(t, s.VerifyAudit(ctx))
	})
}

// What the appliance works out never overwrites what a person decided in between.
func TestRingProgress(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		was := patch.RingProgress{Patch: "s/p/1", Ring: "canary"}
		one := was
		one.Proven, one.EnoughAt = 1, then
		must(t, s.KeepRingProgress(ctx, one, was))
		halted := one
		halted.HaltedAt, halted.By = then.Add(time.Minute), "alice"
		must(t, s.DecideRing(ctx, alice, "ring.halt", halted))
		two := one
		two.Proven = 2
		wantKind(t, s.KeepRingProgress(ctx, two, one), patch.Conflict)
		if d := cmp.Diff([]patch.RingProgress{halted}, got[[]patch.RingProgress](t)(s.ListRingProgress(ctx, "s/p/1"))); d != "" {
			t.Errorf("progress:\n%s", d)
		}
	})
}

// Many machines ask at the same time; a ring never gives away more places than it has, and none where the patch is halted.
func TestClaimsAreNeverOverdrawn(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		const machines, room = 12, 3
		var ids []patch.MachineID
		var as []patch.Attempt
		for i := range machines {
			id := patch.MachineID(fmt.Sprint("m-", i))
			ids = append(ids, id)
			as = append(as, attempt(fmt.Sprint("a", i), id, "s/p/1"), attempt(fmt.Sprint("b", i), id, "s/q/1"))
		}
		enrol(t, s, ids...)
		must(t, s.PutDeployment(ctx, alice, patch.Deployment{ID: "d1", State: patch.Running, By: "alice", At: then}, as))
		order := func(i int, name string, id patch.ID, atOnce int) error {
			o := patch.OrderRow{ID: fmt.Sprint("o-", name, i), Machine: ids[i], Number: uint64(1 + len(name)), Deployment: "d1", Envelope: []byte("x"), IssuedAt: then, ExpiresAt: then.Add(time.Hour)}
			return s.PutOrder(ctx, o, []string{fmt.Sprint(name, i)}, patch.RingClaim{Attempt: fmt.Sprint(name, i), Patch: id, Ring: "canary", Room: room, AtOnce: atOnce})
		}
		granted := make(chan bool, machines)
		var wg sync.WaitGroup
		for i := range machines {
			wg.Go(func() {
				err := order(i, "a", "s/p/1", 0)
				if err != nil {
					wantKind(t, err, patch.Conflict)
				}
				granted <- err == nil
			})
		}
		wg.Wait()
		close(granted)
		n := 0
		for ok := range granted {
			if ok {
				n++
			}
		}
		load := got[patch.RingLoad](t)(s.FindRingLoad(ctx, "canary", "s/p/1", ""))
		if n != room || load.Unproven != room || load.Busy != room {
			t.Fatalf("%d places given, %+v", n, load)
		}
		var free int
		for i, id := range ids {
			if m := got[patch.Machine](t)(s.FindMachine(ctx, id)); m.OrderNumber == 0 {
				free = i
			}
		}
		wantKind(t, order(free, "b", "s/q/1", room), patch.Conflict) // as many machines install as may at once
		must(t, s.PutProofs(ctx, []patch.ProofUpdate{{Attempt: firstInRing(t, s), Proof: patch.ProofGood, At: then}}))
		must(t, order(free, "a", "s/p/1", 0))
		must(t, s.PutProofs(ctx, []patch.ProofUpdate{{Attempt: firstInRing(t, s), Proof: patch.ProofGood, At: then}}))
		must(t, s.DecideRing(ctx, alice, "ring.halt", patch.RingProgress{Patch: "s/p/1", Ring: "other", HaltedAt: then}))
		for i, id := range ids {
			if m := got[patch.Machine](t)(s.FindMachine(ctx, id)); m.OrderNumber == 0 {
				wantKind(t, order(i, "a", "s/p/1", 0), patch.Conflict) // it is in quarantine
				break
			}
		}
	})
}

func firstInRing(t *testing.T, s *Store) string {
	t.Helper()
	for _, a := range got[[]patch.Attempt](t)(s.ListAttempts(ctx, patch.AttemptFilter{Ring: "canary"})) {
		if a.Proof == patch.ProofPending {
			return a.ID
		}
	}
	t.Fatal("nothing is unproven")
	return ""
}

func TestHealth(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		enrol(t, s, "m-1")
		h := patch.Health{At: then.Add(time.Minute), Boot: "b", Probes: []patch.ProbeAnswer{{Probe: "port:443", Seen: "nothing listens"}}}
		must(t, s.PutHealth(ctx, "m-1", h))
		must(t, s.PutHealth(ctx, "m-1", patch.Health{At: then}))
		if d := cmp.Diff(map[patch.MachineID]patch.Health{"m-1": h}, got[map[patch.MachineID]patch.Health](t)(s.ListHealth(ctx))); d != "" {
			t.Errorf("health:\n%s", d)
		}
	})
}

func TestRingPatches(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		deployed(t, s)
		if ids := got[[]patch.ID](t)(s.ListRingPatches(ctx, then)); !cmp.Equal(ids, []patch.ID{"s/p/1", "s/q/1"}) {
			t.Errorf("open: %v", ids)
		}
		must(t, s.WithdrawAttempts(ctx, []string{"a1", "a2", "a3"}, "", "over"))
		if ids := got[[]patch.ID](t)(s.ListRingPatches(ctx, then)); len(ids) != 0 {
			t.Errorf("over, and in no ring: %v", ids)
		}
	})
}

// At most so many machines of a ring reboot at once; a place is free again when a machine is back with another boot, or too late.
func TestRebootLeases(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ids := []patch.MachineID{"m-1", "m-2", "m-3", "m-4"}
		enrol(t, s, ids...)
		for _, id := range ids {
			must(t, s.PutCheckin(ctx, id, patch.CheckinUpdate{At: then, Counter: 1, Boot: "b1"}))
		}
		take := func(id patch.MachineID, until time.Time) bool {
			ok, _, err := s.TakeRebootLease(ctx, patch.RebootLease{Machine: id, Ring: "web", Boot: "b1", Until: until}, 2, 0)
			must(t, err)
			return ok
		}
		soon := s.now().Add(time.Hour)
		var wg sync.WaitGroup
		granted := make(chan bool, len(ids))
		for _, id := range ids {
			wg.Go(func() { granted <- take(id, soon) })
		}
		wg.Wait()
		close(granted)
		n := 0
		for ok := range granted {
			if ok {
				n++
			}
		}
		if n != 2 || got[int](t)(s.CountRebooting(ctx, "web", "")) != 2 {
			t.Fatalf("%d may reboot", n)
		}
		for _, id := range ids {
			if take(id, soon) { // one that may still may
				must(t, s.PutCheckin(ctx, id, patch.CheckinUpdate{At: then, Counter: 2, Boot: "b2"}))
				break
			}
		}
		if n := got[int](t)(s.CountRebooting(ctx, "web", "")); n != 1 {
			t.Errorf("one is back, and %d reboot", n)
		}
	})
}

// A place that is free is left to who is ahead; a machine that has one keeps it, whoever is ahead now; and who waits reads for whom.
func TestRebootLeasesKeepTheirOrder(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		enrol(t, s, "m-1", "m-2", "m-3")
		for _, id := range []patch.MachineID{"m-1", "m-2", "m-3"} {
			must(t, s.PutCheckin(ctx, id, patch.CheckinUpdate{At: then, Counter: 1, Boot: "b1", Hostname: "web-" + string(id[2:])}))
		}
		take := func(id patch.MachineID, ahead int) (bool, []string) {
			ok, others, err := s.TakeRebootLease(ctx, patch.RebootLease{Machine: id, Ring: "web", Boot: "b1", Until: s.now().Add(time.Hour), Says: "reboot under way since 03:12Z"}, 2, ahead)
			must(t, err)
			var names []string
			for _, l := range others {
				names = append(names, l.Name)
			}
			return ok, names
		}
		for _, c := range []struct {
			machine patch.MachineID
			ahead   int
			granted bool
			others  string
		}{{"m-1", 2, false, ""}, {"m-1", 1, true, ""}, {"m-2", 1, false, "web-1"}, {"m-1", 2, true, ""}, {"m-2", 0, true, "web-1"}, {"m-3", 0, false, "web-1 web-2"}} {
			if ok, others := take(c.machine, c.ahead); ok != c.granted || strings.Join(others, " ") != c.others {
				t.Errorf("%s with %d ahead: %v beside %v", c.machine, c.ahead, ok, others)
			}
		}

		// Who was let go is away until it comes from another boot, and that is what is said of it meanwhile; who never will be back is not waited for.
		says := func(id patch.MachineID) string { return got[patch.Machine](t)(s.FindMachine(ctx, id)).Busy }
		if says("m-1") != "reboot under way since 03:12Z" || says("m-3") != "" {
			t.Errorf("the machines say %q and %q", says("m-1"), says("m-3"))
		}
		away := func() string {
			var names []string
			for _, l := range got[[]patch.RebootLease](t)(s.ListAway(ctx)) {
				names = append(names, l.Name)
			}
			return strings.Join(names, " ")
		}
		if away() != "web-1 web-2" {
			t.Errorf("%s are away", away())
		}
		must(t, s.PutCheckin(ctx, "m-1", patch.CheckinUpdate{At: then, Counter: 2, Boot: "b2", Hostname: "web-1"}))
		if away() != "web-2" || says("m-1") != "" {
			t.Errorf("%s are away, and web-1 says %q", away(), says("m-1"))
		}
		must(t, s.SetMachineState(ctx, alice, "m-2", patch.Revoked))
		if ok, _ := take("m-3", 1); !ok || away() != "web-3" {
			t.Errorf("a place of a machine that was revoked: %v, away are %s", ok, away())
		}
	})
}
