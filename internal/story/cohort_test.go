package story_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/plan"
	"github.com/fettle-project/fettle/internal/prediction"
	"github.com/fettle-project/fettle/internal/wire"
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

// met is how many machines were judged together with others although something of their own counts for the patch.
type met struct{ tried, replaced, waiting int }

func (m *met) note(c world.Cohort) {
	n := int(c.Seats.GetCardinality()) - 1
	if len(c.World.Attempts) > 0 {
		m.tried += n
	}
	if len(c.World.Superseding) == 0 || c.World.Verdict != patch.NotPatched {
		return
	}
	if c.Answer.Gate(gate.Superseded).Code == gate.CodeSuperseded {
		m.replaced += n
	} else {
		m.waiting += n
	}
}

// partsAlike holds that machines which are judged together about a patch would be judged alike one by one, and that nobody is left out.
func (s *site) partsAlike(p patch.ID, assume ...patch.Decision) (m met) {
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
		m.note(c)
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
	return m
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

// Many machines on which anything was tried and of which some lack newer patches, in any order, are judged together as one by one. It is no
// use unless it meets such machines together.
func TestManyMachinesAreJudgedTogether(t *testing.T) {
	var all met
	for seed := range uint64(3) {
		c := newChaos(t, 100+seed)
		for i := range 9 {
			b := c.enrol(fmt.Sprint("n", i), bookworm, "perl-base=5.36.0-7", "libssl3=3.0.11-1", "curl=7.88.1-10", "bash=5.2.15-1", "agent=1.0")
			b.watch = func(item wire.OrderItem) bool { return c.allowed(b, item) }
			b.detect()
			c.boxes = append(c.boxes, b)
		}
		if seed == 1 {
			for i, label := range c.labels {
				_, err := c.rings.Put(c.ctx(), c.admin, patch.Ring{Name: "ring-" + label, Label: label, Position: len(c.labels) - i, AtOnce: 2, Reboots: 1})
				c.must(err)
			}
		}
		for i := range 24 {
			c.step()
			if i%4 == 0 {
				c.workTogether()
			}
			if i%8 == 7 {
				f := prediction.Filler{Index: &c.parts, Store: c.store, Decode: world.Decode}
				_, err := f.Refresh(c.ctx())
				c.must(err)
				for _, x := range c.lists[bookworm] {
					m := c.partsAlike(x.id())
					n := c.partsAlike(x.id(), patch.Decision{ID: "preview", Patch: x.id(), Label: c.labels[c.IntN(3)], Verb: patch.Approve, At: c.now})
					all = met{all.tried + m.tried + n.tried, all.replaced + m.replaced + n.replaced, all.waiting + m.waiting + n.waiting}
				}
			}
		}
	}
	t.Logf("judged together with another: %d on which it was tried, %d with a newer patch on its way, %d with one that is not", all.tried, all.replaced, all.waiting)
	if all.tried < 50 || all.replaced < 20 || all.waiting < 50 {
		t.Error("the test sees too little")
	}
}

// workTogether has most machines work off what was ordered, all with the same end: some patch fails, or a reboot is owed, or nothing is reported yet.
func (c *chaos) workTogether() {
	c.t.Helper()
	c.decide(patch.Approve, "all", c.any(), c.any())
	c.fetch(bookworm, c.anyOf(bookworm), c.anyOf(bookworm))
	p, err := c.planner.Make(c.ctx(), c.admin, plan.Request{Label: patch.LabelAll})
	c.must(err)
	if _, err := c.deploy.Apply(c.ctx(), c.admin, p); err != nil && patch.KindOf(err) != patch.Invalid { // nothing to install
		c.t.Fatal(err)
	}
	causes := []patch.FailCause{"", patch.FailPatch, patch.FailPatch, patch.FailLock, patch.FailDependency, patch.FailBlocker, patch.FailRoom}
	cause, owes := causes[c.IntN(len(causes))], c.IntN(4) == 0
	for _, b := range c.boxes {
		clear(b.fails)
		for _, x := range c.lists[bookworm] {
			if cause != "" {
				b.fails[x.id()] = cause
			}
		}
		b.owed = owes
		if c.IntN(5) > 0 {
			b.work()
		}
	}
}
