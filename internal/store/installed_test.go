package store

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

func TestWhatWasInstalledInATime(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		enrol(t, s, "m-1", "m-2", "m-3")
		end := func(id string, m patch.MachineID, state patch.Execution, effect patch.Effect, days int) patch.Attempt {
			a := attempt(id, m, "s/p/1")
			a.State, a.Effect, a.EndedAt = state, effect, then.AddDate(0, 0, days)
			return a
		}
		back := end("a5", "m-3", patch.ExecDone, patch.EffectRolledBack, 2)
		back.Back, back.Number = []patch.Step{{Name: "p"}}, 2
		other := end("a6", "m-3", patch.ExecDone, patch.EffectVerified, 0)
		other.Patch, other.Decision = "s/q/1", "2"
		late := end("a4", "m-3", patch.ExecDone, patch.EffectVerified, 31)
		late.Number = 3
		must(t, s.PutDeployment(ctx, alice, patch.Deployment{ID: "d1", State: patch.Running, At: then}, []patch.Attempt{
			end("a1", "m-1", patch.ExecDone, patch.EffectVerified, 0), end("a2", "m-2", patch.ExecDone, patch.EffectNotEffective, 1),
			end("a3", "m-3", patch.ExecFailed, "", 1), late, back, other}))
		month := then.AddDate(0, 0, 31)
		want := []patch.InstalledPatch{{Patch: "s/p/1", Decision: "1", Machines: 2, Verified: 1, First: then, Last: then.AddDate(0, 0, 1)}, {Patch: "s/q/1", Decision: "2", Machines: 1, Verified: 1, First: then, Last: then}}
		all := got[[]patch.InstalledPatch](t)(s.InstalledPatches(ctx, then, month))
		if !slices.EqualFunc(all, want, func(a, b patch.InstalledPatch) bool {
			times := a.First.Equal(b.First) && a.Last.Equal(b.Last)
			a.First, a.Last, b.First, b.Last = time.Time{}, time.Time{}, time.Time{}, time.Time{}
			return times && a == b
		}) {
			t.Errorf("was installed: %+v", all)
		}
		for _, c := range []struct {
			f    patch.InstalledFilter
			want []patch.MachineID
		}{
			{patch.InstalledFilter{}, []patch.MachineID{"m-2", "m-1", "m-3"}}, {patch.InstalledFilter{Proof: "proven"}, []patch.MachineID{"m-1", "m-3"}}, {patch.InstalledFilter{Proof: "unproven"}, []patch.MachineID{"m-2"}},
			{patch.InstalledFilter{Patch: "s/p/1", Decision: "1"}, []patch.MachineID{"m-2", "m-1"}}, {patch.InstalledFilter{Patch: "s/p/1", Decision: "2"}, nil},
		} {
			c.f.From, c.f.Until = then, month
			var on []patch.MachineID
			for at := 0; at <= len(c.want); at++ {
				list, n, err := s.InstalledOn(ctx, c.f, at, 1)
				if must(t, err); n != len(c.want) {
					t.Errorf("%+v: %d in all", c.f, n)
				}
				for _, x := range list {
					on = append(on, x.Machine)
				}
			}
			if !slices.Equal(on, c.want) {
				t.Errorf("%+v was installed on %v", c.f, on)
			}
		}
		each := got[[]patch.Installation](t)(s.Installations(ctx, then, month))
		if len(each) != 3 || each[0].Machine != "m-1" || each[1].Patch != "s/q/1" || each[2].Machine != "m-2" || each[2].Effect != patch.EffectNotEffective || each[0].Deployment != "d1" {
			t.Errorf("each: %+v", each)
		}
		if left := got[[]patch.Installation](t)(s.Installations(ctx, month, month.AddDate(0, 1, 0))); len(left) != 1 || left[0].Machine != "m-3" {
			t.Errorf("the month after: %+v", left)
		}
	})
}

func TestAuditIsSearchedWhole(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		for i := range 5 {
			must(t, s.PutAudit(ctx, alice, "decide.approve", fmt.Sprint("s/perl_", i), map[string]string{"label": "Web"}))
		}
		find := func(f patch.AuditFilter) int {
			return len(got[[]patch.AuditEntry](t)(s.SearchAudit(ctx, f)))
		}
		for _, c := range []struct {
			f    patch.AuditFilter
			want int
		}{
			{patch.AuditFilter{Text: "PERL_0"}, 1}, {patch.AuditFilter{Text: "perl%"}, 0}, {patch.AuditFilter{Text: "per__"}, 0}, {patch.AuditFilter{Text: `"web"`}, 5},
			{patch.AuditFilter{Limit: 2}, 2}, {patch.AuditFilter{From: then.AddDate(1, 0, 0)}, 0}, {patch.AuditFilter{Until: then.Add(-time.Hour)}, 0},
		} {
			if n := find(c.f); n < c.want || n > c.want && c.f.Text != "" || c.want == 0 && n > 0 {
				t.Errorf("%+v finds %d entries, not %d", c.f, n, c.want)
			}
		}
	})
}

// A machine on which a patch had to be installed twice counts once, as proven if it is.
func TestAMachineThatNeededTwoAttemptsCountsOnce(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		enrol(t, s, "m-1")
		first, again, third := attempt("a1", "m-1", "s/p/1"), attempt("a2", "m-1", "s/p/1"), attempt("a3", "m-1", "s/p/1")
		first.State, first.Effect, first.EndedAt = patch.ExecDone, patch.EffectNotEffective, then
		again.State, again.Effect, again.EndedAt, again.Number = patch.ExecDone, patch.EffectVerified, then.AddDate(0, 0, 1), 2
		third.State, third.Effect, third.EndedAt, third.Number = patch.ExecDone, patch.EffectUndone, then.AddDate(0, 0, 2), 3
		must(t, s.PutDeployment(ctx, alice, patch.Deployment{ID: "d1", State: patch.Running, At: then}, []patch.Attempt{first, again, third}))
		f := patch.InstalledFilter{From: then, Until: then.AddDate(0, 1, 0)}
		sums := got[[]patch.InstalledPatch](t)(s.InstalledPatches(ctx, f.From, f.Until))
		list, n, err := s.InstalledOn(ctx, f, 0, 10)
		if must(t, err); len(sums) != 1 || sums[0].Machines != n || sums[0].Verified != 1 || n != 1 || len(list) != 1 || list[0].Effect != patch.EffectVerified {
			t.Errorf("%+v leads to %d: %+v", sums, n, list)
		}
	})
}
