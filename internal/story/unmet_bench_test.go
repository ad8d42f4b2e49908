package story_test

import (
	"fmt"
	"testing"

	"github.com/fettle-project/fettle/internal/approval"
	"github.com/fettle-project/fettle/internal/fleet"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/plan"
)

// BenchmarkAllLack plans and previews for a fleet of which every machine lacks something that an approved patch needs; what they have of what it asks
// for differs from machine to machine.
func BenchmarkAllLack(b *testing.B) {
	s, machines := crowd(b)
	a := patch.Asking{Depends: []string{"source00400 (>= 1.2-3)"}}
	for i := range 200 {
		a.Depends = append(a.Depends, fmt.Sprintf("source%05d | source00080", i*149))
	}
	s.asking("source00000 1.2-3", a)
	s.ledger.World.Fleet = fleet.New(s.store, s.ledger.World.Lists)
	hot := patch.ID("bookworm-security/source00000/1.2-3")
	b.Run("Plan", func(b *testing.B) {
		for b.Loop() {
			p, err := s.planner.Make(s.ctx(), s.admin, plan.Request{Label: "all", Patches: []patch.ID{hot}})
			s.must(err)
			if n := len(p.Machines); n != machines || len(p.Machines[0].Items) != 0 || len(p.Machines[0].Left) != 1 || !p.Machines[0].Left[0].Foretold {
				b.Fatalf("%d machines: %+v", n, p.Machines[0])
			}
		}
	})
	b.Run("PlanAll", func(b *testing.B) {
		for b.Loop() {
			_, err := s.planner.Make(s.ctx(), s.admin, plan.Request{Label: "all"})
			s.must(err)
		}
	})
	b.Run("Preview", func(b *testing.B) {
		for b.Loop() {
			p, err := s.desk.Preview(s.ctx(), approval.Request{Patches: []patch.ID{hot}, Label: "all", Verb: patch.Approve})
			s.must(err)
			if len(p.Patches[0].Needs) == 0 {
				b.Fatalf("%+v", p.Patches[0].Tally)
			}
		}
	})
}
