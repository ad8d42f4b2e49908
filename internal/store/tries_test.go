package store

import (
	"cmp"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

// What tells machines apart is the same whichever way it is read, and nothing else is read along.
func TestTriesAreAttemptsInBrief(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		deployed(t, s)
		d := got[patch.Deployment](t)(s.FindDeployment(ctx, "d1"))
		d.ID = "d2"
		var more []patch.Attempt
		for i, change := range []func(*patch.Attempt){
			func(a *patch.Attempt) {
				a.State, a.Cause, a.EndedAt, a.Files = patch.ExecFailed, patch.FailDisk, then.Add(time.Hour), []string{"ab", "cd"}
			},
			func(a *patch.Attempt) {
				a.State, a.Effect, a.VerifiedSeq, a.EndedAt, a.RebootOwed, a.Files = patch.ExecDone, patch.EffectVerified, 1, then.Add(2*time.Hour), true, []string{"ab"}
			},
			func(a *patch.Attempt) { a.State, a.Back = patch.ExecDone, []patch.Step{{}} },
			func(a *patch.Attempt) {
				a.State, a.Ring, a.Proof, a.Order = patch.ExecDone, "odd \x1f ring", patch.Proof("proven"), "o1"
			},
			func(a *patch.Attempt) { a.State, a.Effect, a.VerifiedSeq = patch.ExecDone, patch.EffectUndone, 1 },
			func(a *patch.Attempt) { a.State, a.Effect, a.VerifiedSeq = patch.ExecDone, patch.EffectNotEffective, 1 },
			func(a *patch.Attempt) { a.Machine, a.State, a.EndedAt = "m-2", patch.ExecDone, then.Add(time.Hour) },
		} {
			a := attempt(string(rune('t'+i)), "m-1", "s/p/1")
			a.Deployment, a.CreatedAt, a.Number = "d2", then.Add(time.Duration(i)*time.Minute), 2+i
			change(&a)
			more = append(more, a)
		}
		must(t, s.PutDeployment(ctx, alice, d, more))
		want := got[[]patch.Attempt](t)(s.ListAttempts(ctx, patch.AttemptFilter{Patch: "s/p/1"}))
		for i, a := range want {
			want[i] = patch.Attempt{Machine: a.Machine, Patch: a.Patch, Number: a.Number, State: a.State, Cause: a.Cause, Order: a.Order, CreatedAt: a.CreatedAt, EndedAt: a.EndedAt,
				VerifiedSeq: a.VerifiedSeq, Effect: a.Effect, RebootOwed: a.RebootOwed, Back: a.Back, Files: a.Files, Ring: a.Ring, Proof: a.Proof}
		}
		tries := got[[]patch.Attempt](t)(s.ListTries(ctx, "s/p/1"))
		for _, all := range [][]patch.Attempt{want, tries} {
			slices.SortFunc(all, func(a, b patch.Attempt) int {
				return cmp.Or(cmp.Compare(a.Machine, b.Machine), cmp.Compare(a.Number, b.Number))
			})
		}
		if diff := gocmp.Diff(want, tries); diff != "" || len(tries) != 9 {
			t.Errorf("%d tries:\n%s", len(tries), diff)
		}
		var missing []patch.Attempt
		for _, a := range tries {
			if a.Effect == patch.EffectUndone || a.Effect == patch.EffectNotEffective {
				missing = append(missing, a)
			}
		}
		flaps := got[[]patch.Attempt](t)(s.ListFlaps(ctx))
		slices.SortFunc(flaps, func(a, b patch.Attempt) int { return cmp.Compare(a.Number, b.Number) })
		if diff := gocmp.Diff(missing, flaps); diff != "" || len(flaps) != 2 {
			t.Errorf("%d were found missing:\n%s", len(flaps), diff)
		}
		troubled := got[[]patch.Attempt](t)(s.ListAttempts(ctx, patch.AttemptFilter{EndedSince: then.Add(time.Minute), Troubled: true}))
		if len(troubled) != 2 || troubled[0].Machine != "m-1" || troubled[1].Machine != "m-1" {
			t.Errorf("of machines on which something failed: %+v", troubled)
		}
		some := got[[]patch.Attempt](t)(s.ListAttempts(ctx, patch.AttemptFilter{Patch: "s/p/1", Machines: []patch.MachineID{"m-2"}}))
		if len(some) != 2 || some[0].Machine != "m-2" || some[1].Machine != "m-2" {
			t.Errorf("of one machine: %+v", some)
		}
	})
}
