package story_test

import (
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/plan"
	"github.com/fettle-project/fettle/internal/prediction"
	"github.com/fettle-project/fettle/internal/world"
)

// codes are what an answer says without words. Whether a machine is ready plays a part only where there is something to install.
func codes(a gate.Answer, v patch.Verdict) (out []string) {
	for _, g := range a.Gates {
		if g.Name == gate.Preflight && v != patch.NotPatched {
			continue
		}
		out = append(out, string(g.Name)+" "+string(g.State)+" "+g.Code)
	}
	return out
}

// partsAlike holds that machines which are judged together about a patch would be judged alike one by one, and that nobody is left out.
func (s *site) partsAlike(p patch.ID, assume ...patch.Decision) {
	s.t.Helper()
	v, err := s.planner.World.View(s.ctx())
	s.must(err)
	look, err := v.Look(s.ctx())
	s.must(err)
	everybody := roaring.New()
	everybody.AddRange(0, uint64(look.Len()))
	ask := world.Ask{Patch: p, Reason: true, Assume: assume}
	cohorts, err := v.Cohorts(s.ctx(), ask, everybody)
	s.must(err)
	left := everybody.Clone()
	for _, c := range cohorts {
		for it := c.Seats.Iterator(); it.HasNext(); {
			n := it.Next()
			if !left.CheckedRemove(n) {
				s.t.Fatalf("%s: %s is in two parts", p, look.At(n).Machine.Name)
			}
			one, err := s.planner.World.View(s.ctx())
			s.must(err)
			sight, err := one.Sight(s.ctx(), look.At(n).Machine.ID)
			s.must(err)
			a, err := sight.Walk(s.ctx(), ask)
			s.must(err)
			got, want := c.Answer.Brief(), a.Brief()
			if got != want {
				s.t.Fatalf("%s on %s is judged %+v together with others, %+v by itself", p, sight.Machine.Name, got, want)
			}
			if d := cmp.Diff(codes(a, c.World.Verdict), codes(c.Answer, c.World.Verdict)); d != "" {
				s.t.Fatalf("%s on %s is judged otherwise together with others:\n%s", p, sight.Machine.Name, d)
			}
		}
	}
	if !left.IsEmpty() {
		s.t.Fatalf("%s: %d machines are in no part", p, left.GetCardinality())
	}
}

// Machines that are judged together: of other OSes, moved, stale, never detected, held, pending, with attempts.
func TestMachinesAreJudgedTogether(t *testing.T) {
	s := newSite(t)
	tools := []src{{"tools", "agent", "1", []string{"agent-doc"}}, {"tools", "agent", "2", []string{"agent-x"}}}
	s.publish(bookworm, append(story(), tools...)...)
	s.publish(trixie, src{"trixie", "curl", "100", []string{"curl"}})
	s.fetch(bookworm, tools[0].id(), tools[1].id(), bash)
	s.decide(patch.Approve, "all", tools[0].id(), tools[1].id())
	stale := s.enrol("stale", bookworm, "curl=1", "perl-base=1")
	stale.detect()
	s.later(80 * time.Hour)
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		b := s.enrol(name, bookworm, "perl-base=5.36.0-7", "curl=7.88.1-10", "bash=5.2.15-2")
		b.detect()
		switch name {
		case "d":
			b.facts.OS.Key = trixie
			b.detect()
		case "e":
			b.set("curl=7.88.1-10!")
			b.detect()
		case "f":
			b.fails[curl] = patch.FailPatch
			s.decide(patch.Approve, "all", curl)
			s.fetch(bookworm, curl)
			s.roll()
			b.work()
		}
	}
	s.enrol("without", bookworm, "bash=5.2.15-2").detect()
	s.enrol("never", bookworm)
	locked := s.enrol("locked", bookworm, "bash=5.2.15-1")
	locked.detect()
	locked.fails[bash] = patch.FailLock
	s.decide(patch.Approve, "all", bash)
	s.roll()
	locked.work()
	locked.set("agent-doc=0")
	locked.detect()
	s.enrol("doc", bookworm, "agent-doc=0", "curl=1", "bash=1").detect()
	frozen := s.enrol("frozen", bookworm, "agent-doc=0", "curl=1", "bash=1")
	frozen.detect()
	s.hand("books", frozen.id)
	s.freeze("books", "2026-11-01", "2026-12-31", "books")
	s.enrol("docs", bookworm, "agent-x=0", "agent-doc=0", "curl=1", "bash=1").detect()
	s.must(s.store.SetMachineState(s.ctx(), s.admin, s.enrol("gone", bookworm, "curl=1").id, patch.Revoked))
	s.decide(patch.Approve, "all", oldPerl, perl)
	s.decide(patch.Hold, "all", bash)
	f := prediction.Filler{Index: &s.parts, Store: s.store, Decode: world.Decode}
	_, err := f.Refresh(s.ctx())
	s.must(err)
	all := []patch.ID{curl, perl, oldPerl, openssl, bash, "trixie/curl/100", tools[0].id(), tools[1].id()}
	for _, id := range all {
		s.partsAlike(id)
		s.rowsAlike(id)
		s.plansAlike(plan.Request{Patches: []patch.ID{id}})
		s.partsAlike(id, patch.Decision{ID: "preview", Patch: id, Label: "all", Verb: patch.Approve, At: s.now})
	}
	s.countsAlike()
	s.plansAlike(plan.Request{})
	s.compliesAlike("all")
	s.previewsAlike(patch.Approve, "all", all...)
	s.previewsAlike(patch.Decline, "all", curl)
	s.publish(bookworm, story()[1:]...)
	s.countsAlike()
	s.plansAlike(plan.Request{})
	for _, id := range all {
		s.partsAlike(id)
	}
}

// plansAlike holds that a plan for all machines has for each what a plan for it alone has, word for word.
func (s *site) plansAlike(r plan.Request) {
	s.t.Helper()
	whole := r
	whole.Label = "all"
	all, err := s.planner.Make(s.ctx(), s.admin, whole)
	s.must(err)
	planned := map[patch.MachineID]patch.MachinePlan{}
	for _, m := range all.Machines {
		planned[m.Machine] = m
	}
	members, err := s.book.Members(s.ctx(), "all")
	s.must(err)
	for _, id := range members {
		r.Machines = []patch.MachineID{id}
		one, err := s.planner.Make(s.ctx(), s.admin, r)
		s.must(err)
		want := patch.MachinePlan{}
		if len(one.Machines) > 0 {
			want = one.Machines[0]
		}
		if d := cmp.Diff(want, planned[id]); d != "" {
			s.t.Fatalf("%s is planned otherwise with others:\n%s", id, d)
		}
	}
}
