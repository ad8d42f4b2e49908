package story_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/prediction"
	"github.com/fettle-project/fettle/internal/world"
)

// addsUp holds that the explanation of a patch over a label is the sum of the explanations of its machines, named ones in their own words. Every
// other time the facts are in the index of facts.
func (s *site) addsUp(label string, members []patch.MachineID, p patch.ID) {
	s.t.Helper()
	if len(p)%2 == 0 {
		f := prediction.Filler{Index: &s.parts, Store: s.store, Decode: world.Decode}
		_, err := f.Refresh(s.ctx())
		s.must(err)
	}
	together, err := s.ledger.ExplainLabel(s.ctx(), label, p)
	s.must(err)
	type standing struct {
		Gate           gate.Name
		Code, Standing string
	}
	want, got, nexts := map[standing][]patch.MachineID{}, map[standing][]patch.MachineID{}, map[standing][]string{}
	for _, id := range members {
		ex, err := s.ledger.Explain(s.ctx(), id, p)
		s.must(err)
		b := ex.Answer.Brief()
		k := standing{b.Gate, b.Code, b.Standing.String()}
		want[k] = append(want[k], id)
		nexts[k] = append(nexts[k], b.Next.String())
		text := ex.Answer.Sentence
		if ex.Answer.Closed != nil {
			text = ex.Answer.Closed.Text
		}
		for _, g := range together.Groups {
			for _, m := range g.Machines {
				if m.ID == id && m.Text != text {
					s.t.Fatalf("%s on %s is named with %q, and is explained by %q", p, id, m.Text, text)
				}
			}
		}
	}
	for _, g := range together.Groups {
		k := standing{g.Gate, g.Code, g.Standing.String()}
		if !slices.Contains(nexts[k], g.Next.String()) {
			s.t.Fatalf("%s over %q: next for %+v is %q, and for none of its machines", p, label, k, g.Next)
		}
		for _, m := range g.Machines {
			got[k] = append(got[k], m.ID)
		}
		slices.Sort(got[k])
	}
	for k := range want {
		slices.Sort(want[k])
	}
	if d := cmp.Diff(want, got); d != "" || together.Total != len(members) {
		s.t.Fatalf("%s over %q is not the sum of its %d machines:\n%s", p, label, len(members), d)
	}
}

// Machines that moved to another OS, that never detected, that are behind or stale add up too.
func TestExplanationsAddUpOverAMixedFleet(t *testing.T) {
	s := newSite(t)
	s.publish(bookworm, story()...)
	s.publish(trixie, src{"trixie", "curl", "100", []string{"curl"}})
	stale := s.enrol("stale", bookworm, "curl=1", "perl-base=1")
	stale.detect()
	s.later(80 * time.Hour)
	var all []patch.MachineID
	for _, name := range []string{"web-1", "web-2", "db-1", "db-2"} {
		b := s.enrol(name, bookworm, "perl-base=5.36.0-7", "curl=7.88.1-10", "bash=5.2.15-2")
		b.detect()
		all = append(all, b.id)
		if name == "db-2" {
			s.later(time.Hour)
			b.facts.OS.Key = trixie
			b.detect()
		}
		if name == "db-1" {
			b.set("curl=7.88.1-10!")
			b.detect()
		}
	}
	all = append(all, s.enrol("never", bookworm).id, s.enrol("other", trixie).id, stale.id)
	s.decide(patch.Approve, "all", curl, perl, oldPerl, bash)
	s.fetch(bookworm, curl)
	for _, id := range []patch.ID{curl, perl, oldPerl, openssl, bash, "trixie/curl/100"} {
		s.addsUp("all", all, id)
	}
	s.publish(bookworm, story()[1:]...)
	for _, id := range []patch.ID{curl, perl, oldPerl} {
		s.addsUp("all", all, id)
	}
}
