package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// sends has a machine announce and send facts.
func sends(t *testing.T, s *Store, id patch.MachineID, counter int, text string) patch.Hash {
	t.Helper()
	h, body := compressed(t, text)
	must(t, s.PutCheckin(ctx, id, patch.CheckinUpdate{At: then, Counter: uint64(counter), Facts: h}))
	must(t, s.PutFacts(ctx, id, h, body))
	return h
}

// detects stores a complete detect that judged facts.
func detects(t *testing.T, s *Store, id patch.MachineID, seq uint64, os patch.HostOS, facts patch.Hash) {
	t.Helper()
	snap := snapshot(id, seq, os, patch.Patched, patch.NotPatched)
	snap.Facts = facts
	must(t, s.PutSnapshot(ctx, snap, nil))
}

func TestFactsThatNothingNamesAreLetGo(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		enrol(t, s, "m-1")
		var sent []patch.Hash
		for i := range 6 {
			sent = append(sent, sends(t, s, "m-1", i+1, fmt.Sprintf(`{"os":{"key":"%d"}}`, i)))
		}
		detects(t, s, "m-1", 1, bookworm, sent[0]) // the last on another OS
		detects(t, s, "m-1", 2, "debian-13-amd64", sent[1])
		detects(t, s, "m-1", 3, "debian-13-amd64", sent[3]) // the newest
		looks := func(days int, want int64) patch.Keeping {
			t.Helper()
			k := got[patch.Keeping](t)(s.KeepFacts(ctx, then.AddDate(0, 0, days), 90))
			if k.LetGo != want || k.Documents != int64(len(sent))-want {
				t.Fatalf("after %d days: %+v", days, k)
			}
			return k
		}
		if k := looks(0, 0); k.Unneeded != 3 || k.Bytes == 0 { // 1, 2 and 4
			t.Errorf("%+v", k)
		}
		looks(89, 0)
		must(t, s.PutCheckin(ctx, "m-1", patch.CheckinUpdate{At: then, Counter: 7, Facts: sent[4]})) // it goes back to what it had, and 5 is idle from now on
		got[bool](t)(s.UseFacts(ctx, "m-1", sent[4]))
		if k := looks(91, 2); k.Unneeded != 1 || k.LetGoSize == 0 || !k.LetGoAt.Equal(then.AddDate(0, 0, 91)) {
			t.Errorf("%+v", k)
		}
		for i, h := range sent {
			if _, err := s.FindFacts(ctx, h); (err != nil) != (i == 1 || i == 2) {
				t.Errorf("facts %d: %v", i, err)
			}
		}
		if k := got[patch.Keeping](t)(s.FindKeeping(ctx)); k.LetGo != 2 || k.Days != 90 {
			t.Errorf("it is remembered as %+v", k)
		}
		if k := got[patch.Keeping](t)(s.KeepFacts(ctx, then.AddDate(9, 0, 0), 0)); k.LetGo != 2 || k.Documents != 4 {
			t.Errorf("0 days are no end: %+v", k)
		}
	})
}

// Between looking for names and letting go, a machine may announce old facts again.
func TestFactsThatAreAnnouncedAgainStay(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		enrol(t, s, "m-1")
		old := sends(t, s, "m-1", 1, `{"os":{"key":"old"}}`)
		sends(t, s, "m-1", 2, `{"os":{"key":"new"}}`)
		got[patch.Keeping](t)(s.KeepFacts(ctx, then, 90))
		must(t, s.PutCheckin(ctx, "m-1", patch.CheckinUpdate{At: then, Counter: 3, Facts: old}))
		k, err := s.letGo(ctx, patch.Keeping{}, then, then.Add(time.Hour))
		must(t, err)
		if k.LetGo != 0 {
			t.Errorf("%d were let go", k.LetGo)
		}
		got[[]byte](t)(s.FindFacts(ctx, old))
	})
}
