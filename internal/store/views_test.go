package store

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

func TestViews(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		mine := patch.View{Page: "machines", Owner: "alice", Name: "stale web", Query: "show=stale&label=web", At: then}
		theirs := patch.View{Page: "machines", Owner: "bob", Name: "a", Query: "sort=seen", Shared: true, At: then}
		secret := patch.View{Page: "machines", Owner: "bob", Name: "b", Query: "q=x", At: then}
		elsewhere := patch.View{Page: "patches", Owner: "alice", Name: "c", Query: "show=held", At: then}
		for _, v := range []patch.View{mine, theirs, secret, elsewhere} {
			must(t, s.PutView(ctx, alice, v))
		}
		if d := cmp.Diff([]patch.View{mine, theirs}, got[[]patch.View](t)(s.ListViews(ctx, "machines", "alice"))); d != "" {
			t.Error(d)
		}
		mine.Query = "show=never"
		must(t, s.PutView(ctx, alice, mine))
		if v := got[[]patch.View](t)(s.ListViews(ctx, "machines", "alice")); v[0].Query != "show=never" {
			t.Errorf("kept as %+v", v[0])
		}
		must(t, s.RemoveView(ctx, alice, "alice", "machines", "stale web"))
		wantKind(t, s.RemoveView(ctx, alice, "alice", "machines", "stale web"), patch.NotFound)
	})
}

func TestNewestDeedIsOfWhatPeopleDid(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		if n := got[uint64](t)(s.NewestDeed(ctx)); n != 0 {
			t.Errorf("%d before anything was done", n)
		}
		must(t, s.PutSetting(ctx, alice, "k", "1"))
		first := got[uint64](t)(s.NewestDeed(ctx))
		must(t, s.PutAudit(ctx, alice, "session.refused", "x", nil))
		must(t, s.PutView(ctx, alice, patch.View{Page: "p", Owner: "alice", Name: "v", At: then}))
		if n := got[uint64](t)(s.NewestDeed(ctx)); n != first || n == 0 {
			t.Errorf("%d after looking, %d before", n, first)
		}
		must(t, s.PutSetting(ctx, alice, "k", "2"))
		if n := got[uint64](t)(s.NewestDeed(ctx)); n <= first {
			t.Errorf("%d after a deed, %d before", n, first)
		}
	})
}
