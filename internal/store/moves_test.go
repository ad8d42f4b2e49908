package store

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// What a snapshot changed comes back as it was, of patches that the catalog has, had not yet when the store was opened, and never had.
func TestTransitionsComeBack(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		enrol(t, s, "m-1", "m-2")
		ps := []patch.Patch{aPatch("s/a/1"), aPatch("s/b/1"), aPatch("s/c/1")}
		must(t, s.PutRevision(ctx, revision("r1", bookworm, 2), []byte("e"), ps[:2]))
		first := snapshot("m-1", 1, bookworm, patch.NotPatched, patch.Patched)
		must(t, s.PutSnapshotAfter(ctx, nil, first, nil, nil))
		second := snapshot("m-1", 2, bookworm, patch.Patched, patch.NotPatched)
		second.Started, second.Ended = then.Add(time.Hour), then.Add(time.Hour)
		move := func(seq uint64, id patch.ID, from, to patch.Verdict, cause patch.Cause, note string) patch.Transition {
			return patch.Transition{Machine: "m-1", OS: bookworm, Patch: id, From: from, To: to, At: then.Add(time.Duration(seq-1) * time.Hour), Seq: seq, Cause: cause, Note: phrase.Phrase(note)}
		}
		moved := []patch.Transition{move(2, "never/had/1", patch.Unknown, patch.Faulty, patch.ByOther, "a\x00b"), move(2, "s/a/1", patch.NotPatched, patch.Patched, patch.ByFettle, ""),
			move(2, "s/b/1", patch.Patched, patch.NotPatched, patch.ByOther, "somebody: downgrade of b")}
		must(t, s.PutSnapshotAfter(ctx, &first, second, moved, nil))
		must(t, s.PutRevision(ctx, revision("r2", bookworm, 3), []byte("e"), ps))
		third := snapshot("m-1", 3, bookworm, patch.Patched, patch.NotPatched)
		third.Started, third.Ended = then.Add(2*time.Hour), then.Add(2*time.Hour)
		var many []patch.Transition
		many = append(many, move(3, "s/a/1", patch.Patched, patch.Unknown, patch.CatalogChange, "left the list"), move(3, "s/c/1", patch.Unknown, patch.NotPatched, patch.CatalogChange, "new on the list"))
		for i := range 60 {
			many = append(many, move(3, patch.ID(fmt.Sprintf("t/none/%02d", i)), patch.NotPatched, patch.Patched, patch.ByOther, fmt.Sprintf("note %d", i%3)))
		}
		must(t, s.PutSnapshotAfter(ctx, &second, third, many, nil))
		moved[0].Note = "a\uFFFDb"
		for name, c := range map[string]struct {
			f    patch.TransitionFilter
			want []patch.Transition
		}{
			"all":           {patch.TransitionFilter{Machine: "m-1"}, append(many[:len(many):len(many)], moved...)},
			"of a patch":    {patch.TransitionFilter{Machine: "m-1", Patch: "s/a/1"}, []patch.Transition{many[0], moved[1]}},
			"the newest":    {patch.TransitionFilter{Machine: "m-1", Limit: 2}, many[:2]},
			"since":         {patch.TransitionFilter{Patch: "s/b/1", Since: then.Add(time.Hour)}, moved[2:]},
			"too late":      {patch.TransitionFilter{Patch: "s/b/1", Since: then.Add(2 * time.Hour)}, nil},
			"of another":    {patch.TransitionFilter{Machine: "m-2"}, nil},
			"of another OS": {patch.TransitionFilter{Machine: "m-1", OS: "else"}, nil},
		} {
			if diff := cmp.Diff(c.want, got[[]patch.Transition](t)(s.ListTransitions(ctx, c.f))); diff != "" && len(c.want) > 0 {
				t.Errorf("%s: %s", name, diff)
			}
		}
		if diff := cmp.Diff(many[:1], got[[]patch.Transition](t)(s.ListLeavings(ctx, "s/a/1"))); diff != "" {
			t.Error(diff)
		}
		fourth := snapshot("m-1", 4, bookworm, patch.Patched, patch.NotPatched)
		fourth.Started, fourth.Ended = then.Add(3*time.Hour), then.Add(3*time.Hour)
		must(t, s.PutSnapshotAfter(ctx, &third, fourth, []patch.Transition{move(4, "s/a/1", patch.Unknown, patch.Patched, patch.CatalogChange, "")}, nil))
		if back := got[[]patch.Transition](t)(s.ListLeavings(ctx, "s/a/1")); len(back) != 0 {
			t.Errorf("it came back, and %v", back)
		}
		if none := got[[]patch.Transition](t)(s.ListLeavings(ctx, "s/b/1")); len(none) != 0 {
			t.Errorf("it never left, and %v", none)
		}
	})
}

// The first detects after a start do not wait until every patch of their OS was read: those that they name are enough, and each is asked for once.
func TestOnlyPatchesThatMovedAreRead(t *testing.T) {
	onBoth(t, func(t *testing.T, s *Store) {
		ps := []patch.Patch{aPatch("s/a/1"), aPatch("s/b/1"), aPatch("s/c/1"), aPatch("s/d/1")}
		must(t, s.PutRevision(ctx, revision("r1", bookworm, len(ps)), []byte("e"), ps))
		ts := []patch.Transition{{Machine: "m-1", OS: bookworm, Patch: "s/c/1", From: patch.NotPatched, To: patch.Patched}}
		body := got[[]byte](t)(s.moves.pack(ctx, s.read(), bookworm, ts))
		if o := s.moves.oses[bookworm]; len(o.numbers) != 1 || o.ids[o.numbers["s/c/1"]] != "s/c/1" {
			t.Errorf("after one patch is known: %v", o)
		}
		s.moves.oses = nil
		head := patch.Transition{Machine: "m-1", OS: bookworm}
		for range 2 {
			if all := got[[]patch.Transition](t)(s.moves.unpack(ctx, s.read(), moved{head, body})); len(all) != 1 || all[0].Patch != "s/c/1" {
				t.Error(all)
			}
			if o := s.moves.oses[bookworm]; len(o.ids) != 1 || o.ids[o.numbers["s/c/1"]] != "s/c/1" {
				t.Errorf("after one was read back is known: %v", o)
			}
		}
	})
}

// What a detect changed is a part of a row that it writes anyway, and whoever asks since when something changed does not walk over all former detects.
func TestTransitionsAreKeptWithTheFormerDetect(t *testing.T) {
	s := open(t, sqliteURL(t))
	enrol(t, s, "m-1")
	first, second := snapshot("m-1", 1, bookworm, patch.NotPatched), snapshot("m-1", 2, bookworm, patch.Patched)
	must(t, s.PutSnapshotAfter(ctx, nil, first, nil, nil))
	must(t, s.PutSnapshotAfter(ctx, &first, second, []patch.Transition{{Machine: "m-1", OS: bookworm, Patch: "s/a/1", From: patch.NotPatched, To: patch.Patched, At: second.Ended, Seq: 2}}, nil))
	var own, with int
	must(t, s.read().row(ctx, `SELECT (SELECT COUNT(*) FROM moves), (SELECT COUNT(*) FROM former WHERE moves IS NOT NULL)`, nil, &own, &with))
	if all := got[[]patch.Transition](t)(s.ListTransitions(ctx, patch.TransitionFilter{Machine: "m-1"})); own != 0 || with != 1 || len(all) != 1 {
		t.Errorf("%d rows of their own, %d with a former detect: %v", own, with, all)
	}
	for where, index := range map[string]string{" WHERE at >= $1": "former_moved", " WHERE machine = $1 AND seq > 1": "sqlite_autoindex_former_1 (machine=?)"} {
		steps, err := list(ctx, s.read(), func(r scanner) (step string, err error) {
			var id, parent, unused int
			return step, r.Scan(&id, &parent, &unused, &step)
		}, `EXPLAIN QUERY PLAN `+everyMove+where, 7)
		must(t, err)
		if plan := strings.Join(steps, "\n"); strings.Contains(plan, "SCAN former") || strings.Contains(plan, "SCAN machines") || !strings.Contains(plan, index) {
			t.Error(where, plan)
		}
	}
}

func TestCutTransitionsAreFaults(t *testing.T) {
	s := open(t, sqliteURL(t))
	var ts []patch.Transition
	for i := range 5 {
		ts = append(ts, patch.Transition{Machine: "m-1", OS: bookworm, Patch: patch.ID(fmt.Sprint("p/", i)), From: patch.NotPatched, To: patch.Patched, Cause: patch.ByOther, Note: "n"})
	}
	body, err := s.moves.pack(ctx, s.read(), bookworm, ts)
	must(t, err)
	head := patch.Transition{Machine: "m-1", OS: bookworm}
	if all, err := s.moves.unpack(ctx, s.read(), moved{head, body}); err != nil || len(all) != 5 {
		t.Fatal(all, err)
	}
	for n := range body {
		if all, err := s.moves.unpack(ctx, s.read(), moved{head, body[:n]}); err == nil {
			t.Errorf("cut to %d of %d bytes: %v", n, len(body), all)
		}
	}
}
