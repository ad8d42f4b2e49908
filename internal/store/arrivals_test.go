package store

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

// together has what f begins arrive in one statement.
func (s *shared[Q, A]) together(n int, f func()) {
	s.mu.Lock()
	s.busy += sharedAtOnce
	s.mu.Unlock()
	f()
	for waiting := 0; waiting < n; time.Sleep(time.Millisecond) {
		s.mu.Lock()
		waiting = len(s.waiting)
		s.mu.Unlock()
	}
	for range sharedAtOnce {
		s.leave()
	}
}

// Detects that arrive together, at two appliances on one PostgreSQL: of several of one machine, which differ, one becomes its newest and the others are
// refused, and what is wrong with a machine is told to its own alone.
func TestDetectsThatArriveTogether(t *testing.T) {
	url := postgresURL(t)
	stores := []*Store{open(t, url), open(t, url)}
	s := stores[0]
	const machines, each = 24, 4
	const revoked, inTheWay, failed = 0, 1, 2
	ids, before := make([]patch.MachineID, machines), make([]patch.Snapshot, machines)
	for i := range ids {
		ids[i] = patch.MachineID(fmt.Sprintf("m-%02d", i))
	}
	enrol(t, s, ids...)
	for i, id := range ids {
		before[i] = snapshot(id, 3, bookworm, patch.NotPatched, patch.NotPatched, patch.NotPatched)
		must(t, s.PutSnapshotAfter(ctx, nil, before[i], nil, nil))
	}
	must(t, s.SetMachineState(ctx, alice, ids[revoked], patch.Revoked))
	if _, err := s.writer.Exec(`INSERT INTO former (machine, seq, receipt) SELECT number, 3, '' FROM machines WHERE id = $1`, string(ids[inTheWay])); err != nil {
		t.Fatal(err)
	}
	must(t, s.PutDetectFailed(ctx, ids[failed], then.Add(time.Hour), "out of paper"))
	f := following(stores[1])
	f.follow(t)

	snaps := make([][]patch.Snapshot, machines)
	moved := func(v patch.Snapshot, w int) []patch.Transition {
		if w%2 == 1 {
			return nil
		}
		return []patch.Transition{{Machine: v.Machine, OS: bookworm, Patch: patch.ID(fmt.Sprint("s/p/", w)), From: patch.NotPatched, To: patch.Patched, At: v.Ended, Seq: v.Seq}}
	}
	errs := make([][each]error, machines)
	var writers sync.WaitGroup
	stores[0].crowd.arrivals.together(machines*each/2, func() {
		stores[1].crowd.arrivals.together(machines*each/2, func() {
			for i, id := range ids {
				for w := range each {
					v := snapshot(id, uint64(4+w/2*5), bookworm, patch.NotPatched, patch.NotPatched, patch.NotPatched)
					if v.Boot = fmt.Sprint("boot ", w); w%2 == 0 {
						v.Verdicts.Set(w/2, patch.Patched)
					}
					snaps[i] = append(snaps[i], v)
					writers.Go(func() { errs[i][w] = stores[w%2].PutSnapshotAfter(ctx, &before[i], v, moved(v, w), nil) })
				}
			}
		})
	})
	writers.Wait()

	for i, id := range ids {
		var became []int
		for w, err := range errs[i] {
			switch {
			case err == nil:
				became = append(became, w)
			case i == revoked:
				wantKind(t, err, patch.Forbidden)
			default:
				wantKind(t, err, patch.Conflict)
			}
		}
		want, history, ts := before[i], 1, []patch.Transition(nil)
		if i != revoked && i != inTheWay {
			if len(became) != 1 {
				t.Fatalf("%s: %v became the newest", id, became)
			}
			want, history, ts = snaps[i][became[0]], 2, moved(snaps[i][became[0]], became[0])
		} else if len(became) > 0 {
			t.Errorf("%s: %v became the newest", id, became)
		}
		if diff := cmp.Diff(want, got[patch.Snapshot](t)(s.NewestSnapshot(ctx, id)), sameVector); diff != "" {
			t.Error(id, diff)
		}
		if diff := cmp.Diff(ts, got[[]patch.Transition](t)(s.ListTransitions(ctx, patch.TransitionFilter{Machine: id}))); diff != "" {
			t.Error(id, diff)
		}
		if i == inTheWay {
			continue
		}
		rs := got[[]patch.Receipt](t)(s.ListReceipts(ctx, id, 0))
		if len(rs) != history || rs[0] != want.Receipt || rs[history-1] != before[i].Receipt {
			t.Errorf("%s: receipts %+v", id, rs)
		}
	}
	if m := got[patch.Machine](t)(s.FindMachine(ctx, ids[failed])); m.DetectFailed != "" || !m.DetectFailedAt.IsZero() {
		t.Errorf("a complete detect came after the failed one: %+v", m)
	}
	if n := f.follow(t); n < machines-2 {
		t.Errorf("of %d machines %d are told to have changed", machines-2, n)
	}
	f.agree(t)
}

// What is asked for many at once is what each has.
func TestManyAreFoundAtOnce(t *testing.T) {
	s := open(t, postgresURL(t))
	var ids []patch.MachineID
	for i := range 30 {
		ids = append(ids, patch.MachineID(fmt.Sprintf("m-%02d", i)))
	}
	enrol(t, s, ids[:20]...) // the others are not there
	stored, body := compressed(t, `{"hostname":"x"}`)
	must(t, s.PutFacts(ctx, ids[0], stored, body))
	for i, id := range ids[:10] { // the others never detected
		must(t, s.PutSnapshot(ctx, snapshot(id, uint64(i+1), bookworm, patch.Patched), nil))
	}
	var readers sync.WaitGroup
	s.crowd.machines.together(2*len(ids), func() {
		s.crowd.newest.together(2*len(ids), func() {
			s.crowd.facts.together(2*len(ids), func() {
				for i := range 2 * len(ids) { // two ask for each
					id := ids[i%len(ids)]
					readers.Go(func() {
						m, err := s.FindMachine(ctx, id)
						if there := i%len(ids) < 20; there && (err != nil || m.ID != id) || !there && patch.KindOf(err) != patch.NotFound {
							t.Errorf("%s: %+v, %v", id, m, err)
						}
					})
					readers.Go(func() {
						v, err := s.KnownSnapshot(ctx, id, nil)
						if some := i%len(ids) < 10; some && (err != nil || v.Machine != id || v.Seq != uint64(i%len(ids)+1)) || !some && patch.KindOf(err) != patch.NotFound {
							t.Errorf("%s: %+v, %v", id, v, err)
						}
					})
					readers.Go(func() {
						h := stored
						if i%3 > 0 {
							h = hashOf(fmt.Sprint("f", i))
						}
						if there, err := s.HasFacts(ctx, h); err != nil || there != (i%3 == 0) {
							t.Errorf("facts %d: %t, %v", i, there, err)
						}
					})
				}
			})
		})
	})
	readers.Wait()
}
