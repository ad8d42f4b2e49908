package story_test

import (
	"fmt"
	"testing"

	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/plan"
)

// big is a site the size of Debian 12: 34,000 patches of 64,000 packages, and machines with 345 packages each, of which 40 need something.
func big(b *testing.B, machines int) (*site, []*box) {
	s := newSite(b)
	var sources []src
	for i := range 34_000 {
		x := src{"bookworm", fmt.Sprintf("source%05d", i), "1.2-3", []string{fmt.Sprintf("source%05d", i)}}
		if i%9 != 0 {
			x.binaries = append(x.binaries, fmt.Sprintf("lib%05d", i))
		}
		sources = append(sources, x)
	}
	s.publish(bookworm, sources...)
	var packages []string
	var needed []patch.ID
	for i := range 345 {
		v := "1.2-3"
		if i < 40 {
			v = "1.2-1"
			needed = append(needed, sources[i*90].id())
		}
		packages = append(packages, fmt.Sprintf("source%05d=%s", i*90, v))
	}
	s.decide(patch.Approve, "all", needed[:20]...)
	s.fetch(bookworm, needed[:20]...)
	var all []*box
	for i := range machines {
		x := s.enrol(fmt.Sprintf("m%04d", i), bookworm, packages...)
		x.detect()
		all = append(all, x)
	}
	return s, all
}

func BenchmarkLedger(b *testing.B) {
	s, boxes := big(b, 50)
	first := boxes[0]
	for name, do := range map[string]func(){
		"Rows": func() {
			_, sum, err := s.ledger.Rows(s.ctx(), first.id, ledger.RowFilter{Limit: 100})
			s.must(err)
			if sum.Deployable != 20 {
				b.Fatalf("%+v", sum)
			}
		},
		"Explain": func() { s.explain(first, "bookworm/source00000/1.2-3") },
		"PatchRows": func() {
			_, _, err := s.ledger.PatchRows(s.ctx(), "bookworm/source00000/1.2-3", ledger.RowFilter{Limit: 50})
			s.must(err)
		},
		"Status50":   func() { _, err := s.ledger.Status(s.ctx()); s.must(err) },
		"Machines50": func() { _, err := s.ledger.Machines(s.ctx(), patch.MachineFilter{}); s.must(err) },
		"PatchCounts50": func() {
			_, _, err := s.ledger.PatchCounts(s.ctx(), bookworm, ledger.RowFilter{Limit: 100})
			s.must(err)
		},
		"Plan50": func() { _, err := s.planner.Make(s.ctx(), s.admin, plan.Request{Label: "all"}); s.must(err) },
		"Accept": func() { first.detect() },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				do()
			}
		})
	}
}
