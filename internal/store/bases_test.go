package store

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/fettle-project/fettle/internal/patch"
)

// Verdicts come back as they were, whatever they are near to, also when the store was opened anew, and from many machines at once.
func TestVerdictsComeBack(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		const machines, patches = 60, 4000
		var ids []patch.MachineID
		for i := range machines {
			ids = append(ids, patch.MachineID(fmt.Sprintf("m-%02d", i)))
		}
		enrol(t, s, ids...)
		modal := make([]patch.Verdict, patches)
		for i := range modal {
			modal[i] = patch.Verdict(rand.IntN(3))
		}
		want := make([]patch.Snapshot, machines)
		var group sync.WaitGroup
		for i, id := range ids {
			v := snapshot(id, 1, bookworm, modal...)
			flips := rand.IntN(60)
			if i%9 == 0 {
				flips = patches // near to nothing
			}
			for range flips {
				v.Verdicts.Set(rand.IntN(patches), patch.Verdict(rand.IntN(3)))
			}
			want[i] = v
			group.Go(func() { must(t, s.PutSnapshotAfter(ctx, nil, v, nil, nil)) })
		}
		group.Wait()
		var made int
		must(t, s.read().row(ctx, `SELECT COUNT(*) FROM bases`, nil, &made))
		if made < 1 || made > maxBases {
			t.Errorf("%d bases", made)
		}
		s.bases.byID, s.bases.byList = nil, nil // as after a start
		short := 0
		for i, id := range ids {
			kept := got[patch.Snapshot](t)(s.NewestSnapshot(ctx, id))
			if !bytes.Equal(kept.Verdicts.Bits(), want[i].Verdicts.Bits()) || kept.Verdicts.Len() != patches {
				t.Errorf("%s has other verdicts", id)
			}
			body := got[[]byte](t)(s.packVerdicts(ctx, want[i]))
			if len(body) < 200 {
				short++
			}
			for n := range body {
				if v, err := s.unpackVerdicts(body[:n], nil); err == nil && v.Len() != patches {
					t.Fatalf("cut to %d of %d bytes: %d verdicts", n, len(body), v.Len())
				}
			}
		}
		if short < machines*2/3 {
			t.Errorf("only %d of %d machines are near to a base", short, machines)
		}
	})
}

// Who read a revision's bases before one was made, and comes late, does not make it forgotten: there would be more than there may be.
func TestALateReaderForgetsNoBase(t *testing.T) {
	var b bases
	k := baseKey{os: bookworm}
	b.keep(k, []base{{id: 1}, {id: 2}})
	b.keep(k, []base{{id: 1}})
	if n := len(b.byList[k]); n != 2 {
		t.Errorf("%d bases are known", n)
	}
	b.keep(k, []base{{id: 1}, {id: 2}, {id: 3}})
	if n := len(b.byList[k]); n != 3 {
		t.Errorf("%d bases are known after a third", n)
	}
}

// A snapshot's memory is its caller's: what becomes of it later changes nothing that is kept.
func TestABaseIsNobodysMemory(t *testing.T) {
	s := open(t, sqliteURL(t))
	enrol(t, s, "m-1")
	v := snapshot("m-1", 1, bookworm, make([]patch.Verdict, 4000)...)
	v.Verdicts.Set(7, patch.Patched)
	want := bytes.Clone(v.Verdicts.Bits())
	must(t, s.PutSnapshotAfter(ctx, nil, v, nil, nil))
	v.Verdicts.Fill(0, 4000, patch.Faulty)
	if kept := got[patch.Snapshot](t)(s.NewestSnapshot(ctx, "m-1")); !bytes.Equal(kept.Verdicts.Bits(), want) {
		t.Error("the kept verdicts are others now")
	}
}
