package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

// What nearly every question begins with reads as it was last acknowledged, whoever changed it, and a caller cannot change what others read.
func TestWhatSeldomChangesIsNeverReadOld(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		count := func(what string, n int, list func() (int, error)) {
			t.Helper()
			for range 2 { // the second time it is kept
				if got, err := list(); err != nil || got != n {
					t.Fatalf("%s: %d, %v; want %d", what, got, err, n)
				}
			}
		}
		decisions := func() (int, error) { d, err := s.ListDecisions(ctx, patch.DecisionFilter{}); return len(d), err }
		proposals := func() (int, error) { p, err := s.ListProposals(ctx, true); return len(p), err }
		resets := func() (int, error) { r, err := s.ListResets(ctx); return len(r), err }
		rings := func() (int, error) { r, err := s.ListRings(ctx); return len(r), err }
		blackouts := func() (int, error) { b, err := s.ListBlackouts(ctx); return len(b), err }
		schedules := func() (int, error) { v, err := s.ListSchedules(ctx); return len(v), err }
		all := map[string]func() (int, error){"decisions": decisions, "proposals": proposals, "resets": resets, "rings": rings, "blackouts": blackouts, "schedules": schedules}
		for what, list := range all {
			count(what, 0, list)
		}
		must(t, s.PutDecisions(ctx, alice, []patch.Decision{decide("1", "s/p/1", "all", patch.Approve), decide("2", "s/q/1", "all", patch.Approve)}))
		count("decisions", 2, decisions)
		must(t, s.PutDecisions(ctx, alice, []patch.Decision{decide("3", "s/q/1", "all", patch.Clear)}))
		count("decisions, one of them taken back", 1, decisions)
		must(t, s.PutRing(ctx, alice, patch.Ring{Name: "canary", Label: "few", Position: 1}.WithDefaults()))
		count("rings", 1, rings)
		must(t, s.RemoveRing(ctx, alice, "canary"))
		count("rings, removed", 0, rings)
		must(t, s.PutBlackout(ctx, alice, patch.Blackout{Name: "first", From: then, Until: then.Add(time.Minute), Label: "all", CreatedAt: then}))
		count("blackouts", 1, blackouts)
		must(t, s.PutSchedule(ctx, alice, patch.Schedule{Name: "canary", Label: "canary", Window: "monday 10:00-12:00", CreatedAt: then}))
		count("schedules", 1, schedules)
		must(t, s.RemoveSchedule(ctx, alice, "canary"))
		count("schedules, removed", 0, schedules)
		enrol(t, s, "m")
		must(t, s.PutResets(ctx, alice, "all", "mended", []patch.Reset{{Machine: "m", Patch: "s/p/1", By: "alice", At: then, Why: "mended"}}))
		count("resets", 1, resets)
		must(t, s.PutFeed(ctx, alice, patch.Feed{Name: "f", OS: "debian-12-amd64"}))
		for i, outcome := range []string{"new", "failed"} {
			at := then.Add(time.Duration(i) * time.Minute)
			must(t, s.PutFeedRun(ctx, patch.FeedRun{Feed: "f", Started: at, Ended: at, Outcome: outcome}, nil))
			if f, err := s.ListFeeds(ctx); err != nil || len(f) != 1 || f[0].Last == nil || f[0].Last.Outcome != outcome {
				t.Fatalf("feeds after a run that is %s: %+v, %v", outcome, f, err)
			}
		}
		mine, err := s.ListDecisions(ctx, patch.DecisionFilter{})
		must(t, err)
		was := mine[0]
		mine[0] = patch.Decision{}
		if again, err := s.ListDecisions(ctx, patch.DecisionFilter{}); err != nil || !cmp.Equal(again[0], was) {
			t.Errorf("what a caller changed is read: %+v, %v", again, err)
		}
	})
}

// A statement that changes one of these tables is known as such by its text.
func TestEverySeldomTableIsKnownByName(t *testing.T) {
	for _, q := range []string{`INSERT INTO decisions (id)`, `UPDATE proposals SET state = 'x'`, `DELETE FROM feeds`, `INSERT INTO feed_runs (feed)`, `INSERT INTO attempt_resets (machine)`,
		`DELETE FROM rings WHERE name = $1`, `INSERT INTO blackouts (name)`, `DELETE FROM schedules`} {
		var x touched
		if x.note(q, nil); !x.seldom {
			t.Errorf("%s changes nothing that is kept", q)
		}
	}
}
