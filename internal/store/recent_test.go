package store

import (
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

// What people want of other services reads as it was last acknowledged.
func TestARulingIsNeverReadOld(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		for _, verb := range []patch.RulingVerb{patch.Adopt, patch.TakeOver, patch.AlertOn} {
			must(t, s.PutRuling(ctx, alice, patch.Ruling{Updater: "unattended-upgrades", Label: patch.LabelAll, Verb: verb}))
			if all, err := s.ListRulings(ctx); err != nil || len(all) != 1 || all[0].Verb != verb {
				t.Fatalf("after %s: %+v, %v", verb, all, err)
			}
		}
		must(t, s.RemoveRuling(ctx, alice, "unattended-upgrades", patch.LabelAll))
		if all, err := s.ListRulings(ctx); err != nil || len(all) != 0 {
			t.Errorf("after it was removed: %+v, %v", all, err)
		}
	})
}
