package store

import (
	"fmt"
	"sync"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

// A label reads as it was last acknowledged, whoever reads labels while it is written.
func TestALabelIsNeverReadOld(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		enrol(t, s, "m-1", "m-2")
		var others sync.WaitGroup
		done := make(chan struct{})
		others.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					if _, err := s.ListLabels(ctx); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
		for i := range 100 {
			note := fmt.Sprint(i)
			must(t, s.PutLabel(ctx, alice, patch.Label{Name: "l", Note: note, Members: []patch.MachineID{patch.MachineID(fmt.Sprint("m-", 1+i%2))}}))
			l, err := s.FindLabel(ctx, "l")
			all, err2 := s.ListLabels(ctx)
			if err != nil || err2 != nil || l.Note != note || len(l.Members) != 1 || l.Members[0] != patch.MachineID(fmt.Sprint("m-", 1+i%2)) || len(all) != 2 || all[1].Note != note {
				t.Fatalf("after %s: %+v %v, %+v %v", note, l, err, all, err2)
			}
		}
		must(t, s.RemoveLabel(ctx, alice, "l"))
		if l, err := s.FindLabel(ctx, "l"); patch.KindOf(err) != patch.NotFound {
			t.Errorf("a removed label: %+v %v", l, err)
		}
		close(done)
		others.Wait()
	})
}
