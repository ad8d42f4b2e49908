package story_test

import (
	"slices"
	"testing"

	"github.com/fettle-project/fettle/internal/label"
	"github.com/fettle-project/fettle/internal/patch"
)

// A smart label may ask what the newest complete detect says: what a machine needs, and what it has.
func TestSmartLabelsReadTheLedger(t *testing.T) {
	s := newSite(t)
	s.publish(bookworm, story()...)
	a := s.enrol("a", bookworm, "perl-base=5.36.0-7", "curl=7.88.1-10")
	b := s.enrol("b", bookworm, "bash=5.2.15-2")
	s.enrol("silent", bookworm)
	expressions := map[string]string{"perl": `ledger.needs("perl")`, "id": `ledger.needs("` + string(perl) + `")`, "curl": `ledger.has("curl")`, "bash": `ledger.has("bash") && machine.name == "b"`,
		"clean": `ledger.security == 0`, "needy": `ledger.needed > 0`, "not": `!ledger.needs("perl")`}
	for name, text := range expressions {
		s.must(s.book.Put(s.ctx(), s.admin, patch.Label{Name: name, Expr: text, CreatedAt: s.now}))
	}
	check := func(when string, want map[string][]patch.MachineID) {
		t.Helper()
		fresh := &label.Book{Labels: s.book.Labels, Fleet: s.book.Fleet, Inventories: s.book.Inventories, Revisions: s.book.Revisions}
		for name := range expressions {
			got, err := s.book.Membership(s.ctx(), name)
			s.must(err)
			anew, err := fresh.Membership(s.ctx(), name)
			s.must(err)
			if !slices.Equal(got.Members, want[name]) || !slices.Equal(anew.Members, want[name]) || len(got.Unjudged) != len(anew.Unjudged) || got.Unjudged["id-silent"] == "" {
				t.Errorf("%s: %s has %v, anew %v, want %v; unjudged %v", when, name, got.Members, anew.Members, want[name], got.Unjudged)
			}
			for _, id := range []patch.MachineID{"id-a", "id-b", "id-silent"} {
				names, err := s.book.LabelsOf(s.ctx(), id)
				s.must(err)
				if slices.Contains(names, name) != slices.Contains(want[name], id) {
					t.Errorf("%s: %s carries %v", when, id, names)
				}
			}
		}
	}
	check("before any detect", nil)
	a.detect()
	b.detect()
	check("detected", map[string][]patch.MachineID{"perl": {"id-a"}, "id": {"id-a"}, "curl": {"id-a"}, "bash": {"id-b"}, "clean": {"id-b"}, "needy": {"id-a"}, "not": {"id-b"}})
	a.set("perl-base=5.36.0-7+deb12u4")
	b.set("curl=9-1")
	a.detect()
	check("one has detected again", map[string][]patch.MachineID{"curl": {"id-a"}, "bash": {"id-b"}, "clean": {"id-b"}, "needy": {"id-a"}, "not": {"id-a", "id-b"}})
	b.detect()
	check("both have", map[string][]patch.MachineID{"curl": {"id-a", "id-b"}, "bash": {"id-b"}, "clean": {"id-b"}, "needy": {"id-a"}, "not": {"id-a", "id-b"}})
	trial, err := s.book.Test(s.ctx(), label.Probe{Expr: `ledger.needs("curl") || ledger.patched > 100`})
	s.must(err)
	if trial.Judged != 3 || trial.Holding != 1 || trial.Unjudged != 1 || trial.Looked[0].ID != "id-a" || len(trial.Looked[0].Part.Parts) != 2 {
		t.Errorf("%+v", trial)
	}
	if err := s.book.Check(`ledger.needs(5)`); patch.KindOf(err) != patch.Invalid {
		t.Errorf("a number is no word: %v", err)
	}
}
