package story_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// Two snapshots of one machine that arrive at once are kept one after the other, or the older one is refused: what was found to change is
// always told from where the one before had left it.
func TestSnapshotsThatCross(t *testing.T) {
	s, b := ready(t)
	for range 25 {
		var both [2]patch.Snapshot
		for i := range both {
			s.later(time.Minute)
			both[i] = b.snapshot("")
			both[i].Verdicts = patch.NewVector(both[i].Expected)
			for k := range both[i].Expected {
				both[i].Verdicts.Set(k, patch.Verdict(1+(int(both[i].Seq)+k)%2))
			}
		}
		var group sync.WaitGroup
		for _, snap := range both {
			group.Go(func() {
				if _, err := s.ledger.Accept(s.ctx(), snap); err != nil && patch.KindOf(err) != patch.Conflict {
					t.Error(err)
				}
			})
		}
		group.Wait()
		kept, err := s.store.NewestSnapshot(s.ctx(), b.id)
		if err != nil || kept.Seq != both[1].Seq {
			t.Fatalf("number %d is kept, %v", kept.Seq, err)
		}
	}
	all, err := s.store.ListTransitions(s.ctx(), patch.TransitionFilter{Machine: b.id})
	s.must(err)
	slices.Reverse(all)
	stands := map[patch.ID]patch.Verdict{}
	for _, c := range all {
		if was, known := stands[c.Patch]; known && was != c.From {
			t.Errorf("%s went from %s to %s in snapshot %d, and stood at %s", c.Patch, c.From, c.To, c.Seq, was)
		}
		stands[c.Patch] = c.To
	}
	if len(stands) == 0 {
		t.Error("nothing changed")
	}
}
