package store

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
)

// follower is what an index does with changes: it remembers the newest of every machine.
type follower struct {
	mu    sync.Mutex
	store *Store
	mark  patch.Mark
	all   map[patch.MachineID]patch.Machine
	seqs  map[patch.MachineID]uint64
}

func (f *follower) follow(t testing.TB) (told int) {
	t.Helper()
	var err error
	f.mark, err = f.store.Changes(ctx, f.mark, func(id patch.MachineID) uint64 { f.mu.Lock(); defer f.mu.Unlock(); return f.seqs[id] }, func(v patch.Standing) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		told++
		f.all[v.Machine.ID] = v.Machine
		if v.Snapshot != nil {
			f.seqs[v.Machine.ID] = v.Snapshot.Seq
		}
		return nil
	})
	must(t, err)
	return told
}

func following(s *Store) *follower {
	return &follower{store: s, all: map[patch.MachineID]patch.Machine{}, seqs: map[patch.MachineID]uint64{}}
}

func (f *follower) agree(t testing.TB) {
	t.Helper()
	want := map[patch.MachineID]patch.Machine{}
	for _, m := range got[[]patch.Machine](t)(f.store.ListMachines(ctx, patch.MachineFilter{})) {
		want[m.ID] = m
		if m.SnapshotSeq != f.seqs[m.ID] {
			t.Errorf("%s: followed to snapshot %d, stored is %d", m.ID, f.seqs[m.ID], m.SnapshotSeq)
		}
	}
	if diff := cmp.Diff(want, f.all); diff != "" {
		t.Error(diff)
	}
}

// Whatever changes a machine, those who follow learn of it at their next look, and only then.
func TestChangesAreToldOnceTheyAreAcknowledged(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		f := following(s)
		if f.follow(t) != 0 {
			t.Error("an empty store has changes")
		}
		enrol(t, s, "m-1", "m-2")
		inventory := blobHash(t, s)
		for i, change := range []func() error{
			func() error {
				return s.PutCheckin(ctx, "m-1", patch.CheckinUpdate{At: then, Counter: 9, OS: bookworm, Hostname: "renamed"})
			},
			func() error { return s.PutSnapshot(ctx, snapshot("m-1", 5, bookworm, patch.Patched), nil) },
			func() error { return s.PutSnapshot(ctx, snapshot("m-1", 6, bookworm, patch.NotPatched), nil) },
			func() error { // of a machine that is known
				got[patch.Machine](t)(s.FindMachine(ctx, "m-1"))
				got[patch.Snapshot](t)(s.NewestSnapshot(ctx, "m-1"))
				return s.PutCheckin(ctx, "m-1", patch.CheckinUpdate{At: then.Add(time.Hour), Counter: 10, OS: bookworm, Hostname: "renamed"})
			},
			func() error { return s.PutDetectFailed(ctx, "m-2", then.AddDate(1, 0, 0), "out of paper") },
			func() error { return inventory("m-2") },
			func() error { return s.SetMachineState(ctx, alice, "m-2", patch.Revoked) },
		} {
			f.follow(t)
			must(t, change())
			if f.follow(t) == 0 {
				t.Errorf("change %d was not told", i)
			}
			f.agree(t)
		}
		f.follow(t)
		if n := f.follow(t); n > 1 {
			t.Errorf("%d changes when nothing has changed", n)
		}
		again := following(s)
		again.follow(t)
		again.agree(t)
	})
}

// Who begins to follow is told of every machine once, also where they are so many that several read them.
func TestABeginningIsEveryMachine(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4)) // one processor has one reader
	onBoth(t, func(t *testing.T, s *Store) {
		var group sync.WaitGroup
		for part := range 5 {
			group.Go(func() {
				var ids []patch.MachineID
				for i := range manyMachines/4 + 1 {
					ids = append(ids, patch.MachineID(fmt.Sprintf("m-%d-%04d", part, i)))
				}
				enrol(t, s, ids...)
				must(t, s.PutSnapshot(ctx, snapshot(ids[part], 3, bookworm, patch.Patched), nil))
			})
		}
		group.Wait()
		f := following(s)
		if told, machines := f.follow(t), 5*(manyMachines/4+1); told != machines {
			t.Errorf("%d of %d machines were told", told, machines)
		}
		f.agree(t)
	})
}

func blobHash(t testing.TB, s *Store) func(patch.MachineID) error {
	h, body := compressed(t, `{"hostname":"x"}`)
	return func(id patch.MachineID) error { return s.PutInventory(ctx, id, h, body) }
}

// Two appliances on one PostgreSQL write as their transactions end in any order; a third misses nothing.
func TestChangesOfOtherAppliancesAreSeen(t *testing.T) {
	url := postgresURL(t)
	one, two, reader := open(t, url), open(t, url), open(t, url)
	ids := make([]patch.MachineID, 40)
	for i := range ids {
		ids[i] = patch.MachineID(fmt.Sprintf("m-%02d", i))
	}
	enrol(t, one, ids...)
	f := following(reader)
	var writers sync.WaitGroup
	for w, s := range []*Store{one, two, one, two} {
		writers.Go(func() {
			for n := range 25 {
				id := ids[(w*7+n*3)%len(ids)]
				seq := uint64(4*n + w + 1)
				if err := s.PutSnapshot(ctx, snapshot(id, seq, bookworm, patch.Verdict(n%3)), nil); err != nil && patch.KindOf(err) != patch.Conflict {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { writers.Wait(); close(done) }()
	for open := true; open; {
		select {
		case <-done:
			open = false
		case <-time.After(time.Millisecond):
		}
		f.follow(t)
	}
	f.agree(t)
	slow, err := two.writer.BeginTx(ctx, nil)
	must(t, err)
	_, err = slow.ExecContext(ctx, `UPDATE machines SET name = 'late', changed = `+two.engine.changed+` WHERE id = $1`, string(ids[0]))
	must(t, err)
	must(t, one.PutCheckin(ctx, ids[1], patch.CheckinUpdate{At: then, Counter: 99, Hostname: "early"}))
	f.follow(t)
	must(t, slow.Commit())
	f.follow(t)
	f.agree(t)
}

// A database that was restored on another server carries marks that this one has not reached.
func TestForeignMarksAreForgotten(t *testing.T) {
	url := postgresURL(t)
	s := open(t, url)
	enrol(t, s, "m-1", "m-2")
	_, err := s.writer.Exec(`UPDATE machines SET changed = 4000000000000`)
	must(t, err)
	f := following(open(t, url))
	f.follow(t)
	if n := f.follow(t); n > 0 {
		t.Errorf("%d old changes are told again", n)
	}
	f.agree(t)
}

// What has changed is found by indexes: a walk over all machines at every question after a change would be felt by a large fleet alone.
func TestChangesAreFoundByIndexes(t *testing.T) {
	s := open(t, sqliteURL(t))
	steps, err := list(ctx, s.read(), func(r scanner) (step string, err error) {
		var id, parent, unused int
		return step, r.Scan(&id, &parent, &unused, &step)
	}, `EXPLAIN QUERY PLAN SELECT id FROM machines WHERE number IN (`+changedSince+`)`, 7)
	must(t, err)
	if plan := strings.Join(steps, "\n"); strings.Contains(plan, "SCAN") || strings.Count(plan, "_changed (changed>?)") != 2 {
		t.Error(plan)
	}
}
