package store

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

func TestBlackouts(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		b := patch.Blackout{Name: "year-end", From: then.Add(time.Hour), Until: then.Add(48 * time.Hour), Label: "all", Reason: "closing the books", Owner: "m.keller", CreatedAt: then, CreatedBy: "alice"}
		must(t, s.PutBlackout(ctx, alice, b))
		later := b
		later.Until, later.CreatedAt, later.CreatedBy = then.Add(72*time.Hour), then.Add(time.Hour), "bob"
		must(t, s.PutBlackout(ctx, alice, later))
		later.CreatedAt, later.CreatedBy = b.CreatedAt, b.CreatedBy
		must(t, s.PutBlackout(ctx, alice, patch.Blackout{Name: "first", From: then, Until: then.Add(time.Minute), Label: "few", CreatedAt: then}))
		all := got[[]patch.Blackout](t)(s.ListBlackouts(ctx))
		if len(all) != 2 || all[0].Name != "first" {
			t.Fatalf("%+v", all)
		}
		if d := cmp.Diff(later, all[1]); d != "" {
			t.Error(d)
		}
		if d := cmp.Diff(later, got[patch.Blackout](t)(s.RemoveBlackout(ctx, alice, "year-end"))); d != "" {
			t.Error(d)
		}
		_, err := s.RemoveBlackout(ctx, alice, "year-end")
		wantKind(t, err, patch.NotFound)
		wantKind(t, s.PutBlackout(ctx, alice, patch.Blackout{Name: "x", Label: "all", From: then, Until: then}), patch.Invalid)
	})
}
