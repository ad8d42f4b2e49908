package store

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// tallied gives a store with attempts of one deployment that stand in every way, and another's.
func tallied(t testing.TB, s *Store, machines int) {
	t.Helper()
	ids := make([]patch.MachineID, machines)
	for i := range ids {
		ids[i] = patch.MachineID(fmt.Sprintf("m-%05d", i))
	}
	for part := range slices.Chunk(ids, 1000) {
		enrol(t, s, part...)
	}
	states := []patch.Execution{patch.ExecWaiting, patch.ExecDownloading, patch.ExecInstalling, patch.ExecDone, patch.ExecFailed, patch.ExecWithdrawn}
	effects := []patch.Effect{patch.EffectNone, patch.EffectVerified, patch.EffectNeedsReboot, patch.EffectNotEffective, patch.EffectUndone, patch.EffectRolledBack}
	var as []patch.Attempt
	for i, m := range ids {
		for k := range 3 {
			n := 3*i + k
			a := attempt(fmt.Sprintf("a%06d", n), m, patch.ID(fmt.Sprint("s/p/", k)))
			a.State, a.Effect = states[n%6], effects[n/6%6]
			a.VerifiedSeq, a.RebootOwed, a.Bytes = uint64(n/36%2), n/72%2 == 1, int64(n%10)
			a.Text, a.Log = phrase.Phrase(strings.Repeat("text ", 10)), strings.Repeat("the installer said so ", 20)
			as = append(as, a)
		}
	}
	must(t, s.PutDeployment(ctx, alice, patch.Deployment{ID: "d1", State: patch.Running, By: "alice", At: then}, as))
	other := attempt("z", ids[0], "s/z/1")
	other.Deployment = "d2"
	must(t, s.PutDeployment(ctx, alice, patch.Deployment{ID: "d2", State: patch.Running, By: "alice", At: then}, []patch.Attempt{other}))
}

// What is counted in the database is what the attempts themselves say, also after any change of one of them that comes when they were counted before.
func TestTallies(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		tallied(t, s, 60)
		of := []string{"d1", "d2", "d3"}
		equal := func(after string) {
			t.Helper()
			want := map[string]patch.AttemptTally{}
			for _, a := range got[[]patch.Attempt](t)(s.ListAttempts(ctx, patch.AttemptFilter{})) {
				sum := want[a.Deployment]
				sum.Deployment, sum.Bytes, sum.TotalBytes = a.Deployment, sum.Bytes+a.Bytes, sum.TotalBytes+a.TotalBytes
				sum.Counts.Add(a)
				want[a.Deployment] = sum
			}
			for range 2 { // counted, and as it was kept
				all := got[[]patch.AttemptTally](t)(s.TallyAttempts(ctx, of...))
				for _, a := range all {
					if diff := cmp.Diff(want[a.Deployment], a); diff != "" {
						t.Errorf("after %s: %s", after, diff)
					}
				}
				if len(all) != len(want) {
					t.Errorf("after %s: %d tallies, want %d", after, len(all), len(want))
				}
			}
		}
		equal("the beginning")
		if one := got[[]patch.AttemptTally](t)(s.TallyAttempts(ctx, "d2")); len(one) != 1 || one[0].Counts.Total != 1 {
			t.Errorf("%+v", one)
		}
		if none := got[[]patch.AttemptTally](t)(s.TallyAttempts(ctx)); len(none) != 0 {
			t.Errorf("nothing was asked for: %+v", none)
		}
		must(t, s.PutOrder(ctx, patch.OrderRow{ID: "o1", Machine: "m-00000", Number: 1, Deployment: "d1", Envelope: []byte("signed"), IssuedAt: then,
			ExpiresAt: then.Add(time.Hour)}, []string{"a000000"}))
		got[uint64](t)(s.ApplyResults(ctx, "m-00000", []patch.AttemptUpdate{{Order: "o1", Attempt: "a000000", Seq: 1, State: patch.ExecInstalling, Bytes: 7, At: then}}))
		equal("a result")
		must(t, s.PutEffects(ctx, []patch.EffectUpdate{{Attempt: "a000003", VerifiedSeq: 9, Effect: patch.EffectVerified, RebootOwed: true}}))
		equal("an effect")
		must(t, s.WithdrawAttempts(ctx, []string{"a000000", "a000006"}, "", "cancelled"))
		equal("attempts were withdrawn")
		must(t, s.SetMachineState(ctx, alice, "m-00004", patch.Revoked))
		equal("a machine was revoked")
		third := attempt("y", "m-00005", "s/z/1")
		third.Deployment = "d3"
		must(t, s.PutDeployment(ctx, alice, patch.Deployment{ID: "d3", State: patch.Running, By: "alice", At: then}, []patch.Attempt{third}))
		equal("a deployment more")
		must(t, s.Restore(ctx, alice, Restored{At: then}))
		equal("a restore")
	})
}

func TestTakingPart(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		tallied(t, s, 60)
		attempts := got[[]patch.Attempt](t)(s.ListAttempts(ctx, patch.AttemptFilter{Deployment: "d1"}))
		for _, stage := range []patch.Stage{"", patch.StageWaiting, patch.StageMoving, patch.StageInstalled, patch.StageFailed, patch.StageWithdrawn,
			patch.StageVerified, patch.StageNotEffective, patch.StageUnproven, patch.StageRebootOwed} {
			var want []patch.MachineID
			for _, a := range attempts {
				if stage.In(a) && !slices.Contains(want, a.Machine) {
					want = append(want, a.Machine)
				}
			}
			slices.Sort(want)
			part := got[[]patch.MachineID](t)(s.ListTakingPart(ctx, "d1", stage))
			slices.Sort(part)
			if !slices.Equal(part, want) || len(want) == 0 {
				t.Errorf("%s: %v, want %v", stage, part, want)
			}
		}
		var want []patch.MachineID
		one := []patch.ID{attempts[0].Patch}
		for _, a := range attempts {
			if a.State == patch.ExecWaiting && a.Patch == one[0] {
				want = append(want, a.Machine)
			}
		}
		await := got[[]patch.MachineID](t)(s.ListAwaiting(ctx, append(one, "none/such/1")))
		slices.Sort(want)
		slices.Sort(await)
		if !slices.Equal(await, want) || len(want) == 0 {
			t.Errorf("%v await files of %s, want %v", await, one[0], want)
		}
		if none := got[[]patch.MachineID](t)(s.ListAwaiting(ctx, []patch.ID{"none/such/1"})); len(none) != 0 {
			t.Errorf("%v await files of a patch that nobody installs", none)
		}
		_, err := s.ListTakingPart(ctx, "d1", "gone")
		wantKind(t, err, patch.Invalid)
		two := got[[]patch.Attempt](t)(s.ListAttempts(ctx, patch.AttemptFilter{Deployment: "d1", Machines: []patch.MachineID{"m-00007", "m-00003"}}))
		if len(two) != 6 || two[0].Machine != "m-00003" || two[5].Machine != "m-00007" {
			t.Errorf("%d attempts of two machines: %+v", len(two), two)
		}
	})
}

// BenchmarkTallies asks what the page of a deployment to 10,000 machines asks.
func BenchmarkTallies(b *testing.B) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": sqliteURL, "postgres": postgresURL} {
		s := open(b, url(b))
		tallied(b, s, 10_000)
		b.Run(name+"/count", func(b *testing.B) {
			for b.Loop() {
				got[[]patch.AttemptTally](b)(s.TallyAttempts(ctx, "d1"))
			}
		})
		b.Run(name+"/machines", func(b *testing.B) {
			for b.Loop() {
				got[[]patch.MachineID](b)(s.ListTakingPart(ctx, "d1", ""))
			}
		})
		b.Run(name+"/page", func(b *testing.B) {
			ids := got[[]patch.MachineID](b)(s.ListTakingPart(ctx, "d1", ""))[:50]
			for b.Loop() {
				got[[]patch.Attempt](b)(s.ListAttempts(ctx, patch.AttemptFilter{Deployment: "d1", Machines: ids}))
			}
		})
	}
}
