package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

func TestSchedules(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		_, err := s.FindSchedule(ctx, "nightly")
		wantKind(t, err, patch.NotFound)
		v := patch.Schedule{Name: "nightly", Label: "all", Window: "every day 22:00-04:00", Note: "the round", CreatedAt: then, CreatedBy: "alice",
			Reboot: &patch.RebootPolicy{Mode: patch.RebootAsk}, Manner: &patch.Manner{Before: []string{"drain"}, Services: []string{"nginx.service"}}}
		must(t, s.PutSchedule(ctx, alice, v))
		later := v
		later.Window, later.Paused, later.CreatedAt, later.CreatedBy = "last sunday 02:00-06:00", true, then.Add(time.Hour), "bob"
		must(t, s.PutSchedule(ctx, alice, later))
		want := later
		want.CreatedAt, want.CreatedBy = then, "alice"
		if diff := cmp.Diff(want, got[patch.Schedule](t)(s.FindSchedule(ctx, "nightly"))); diff != "" {
			t.Error(diff)
		}
		must(t, s.PutSchedule(ctx, alice, patch.Schedule{Name: "canary", Label: "canary", Window: "monday 10:00-12:00", CreatedAt: then}))
		if all := got[[]patch.Schedule](t)(s.ListSchedules(ctx)); len(all) != 2 || all[0].Name != "canary" {
			t.Errorf("%+v", all)
		}
		must(t, s.RemoveSchedule(ctx, alice, "canary"))
		wantKind(t, s.RemoveSchedule(ctx, alice, "canary"), patch.NotFound)
		wantKind(t, s.PutSchedule(ctx, alice, patch.Schedule{Name: "x", Label: "all"}), patch.Invalid)
	})
}

func TestAbsencesAndZones(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		enrol(t, s, "m-1")
		for i, minutes := range []int{0, 15, 45, 110, 125} {
			must(t, s.PutCheckin(ctx, "m-1", patch.CheckinUpdate{At: then.Add(time.Duration(minutes) * time.Minute), Counter: uint64(i + 1)}))
		}
		must(t, s.PutZone(ctx, "m-1", "Europe/Berlin"))
		m := got[patch.Machine](t)(s.FindMachine(ctx, "m-1"))
		if !m.AwayFrom.Equal(then.Add(45*time.Minute)) || !m.AwayUntil.Equal(then.Add(110*time.Minute)) || m.Zone != "Europe/Berlin" {
			t.Errorf("%+v", m)
		}
		v := patch.Schedule{Name: "s", Label: "all", Window: "every day 22:00-04:00", Detect: true, CatchUp: 4, CreatedAt: then, CreatedBy: "alice"}
		must(t, s.PutSchedule(ctx, alice, v))
		if back := got[patch.Schedule](t)(s.FindSchedule(ctx, "s")); back != v {
			t.Errorf("%+v", back)
		}
	})
}
