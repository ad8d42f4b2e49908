package story_test

import (
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/deploy"
	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
)

// worn is a site on whose machine perl has failed as often as it may.
func worn(t *testing.T) (*site, *box) {
	s, b := ready(t, perl)
	b.fails[perl] = patch.FailPatch
	for range patch.MaxAttempts {
		s.roll()
		if !b.work() {
			t.Fatal("no order")
		}
	}
	if g := s.explain(b, perl).Answer.Gate(gate.Attempts); g.Code != gate.CodeOutOf || !strings.Contains(g.Next.String(), "fettle deploy reset-attempts") {
		t.Fatalf("%s: %s", g.Code, g.Next)
	}
	return s, b
}

func TestAPersonResetsAttempts(t *testing.T) {
	for name, r := range map[string]deploy.ResetRequest{"machine": {Patch: perl, Why: "the disk is mended"}, "label": {Patch: perl, Label: "all", Why: "the disk is mended"}} {
		t.Run(name, func(t *testing.T) {
			s, b := worn(t)
			if status, err := s.ledger.Status(t.Context()); err != nil || status.Exhausted != 1 {
				t.Errorf("%d pairs are out of attempts (%v)", status.Exhausted, err)
			}
			if l, n, err := s.ledger.ListMachines(t.Context(), ledger.MachineQuestion{Show: "exhausted"}, 0, 9); err != nil || n != 1 || l[0].ID != b.id {
				t.Errorf("where they are: %+v, %v", l, err)
			}
			if r.Label == "" {
				r.Machine = b.id
			}
			s.later(time.Minute)
			done, err := s.deploy.ResetAttempts(t.Context(), s.admin, r)
			s.must(err)
			if len(done) != 1 || done[0].Machine != b.id || done[0].By != s.admin.Name || done[0].Label != r.Label {
				t.Errorf("%+v", done)
			}
			if g := s.explain(b, perl).Answer.Gate(gate.Attempts); g.State != gate.Open || !strings.Contains(g.Text.String(), "3 of 3; reset by "+s.admin.Name) || !strings.Contains(g.Text.String(), "the disk is mended") {
				t.Errorf("%s %s", g.State, g.Text)
			}
			if _, n, err := s.ledger.ListMachines(t.Context(), ledger.MachineQuestion{Show: "exhausted"}, 0, 9); err != nil || n != 0 {
				t.Errorf("reset, and still listed: %d, %v", n, err)
			}
			if a := s.explain(b, perl).Answer; !strings.Contains(a.Sentence.String(), "the next deployment installs it") {
				t.Errorf("what was reset counts in what is said: %s", a.Sentence)
			}
			all, err := s.store.ListAudit(t.Context(), time.Time{}, 1)
			s.must(err)
			if all[0].Action != "attempts.reset" || !strings.Contains(all[0].Detail, "the disk is mended") {
				t.Errorf("%+v", all[0])
			}
			s.roll()
			if !b.work() {
				t.Error("it is not tried again")
			}
			if g := s.explain(b, perl).Answer.Gate(gate.Attempts); !strings.HasPrefix(g.Text.String(), "2 of 3") {
				t.Errorf("a failure after it does not count: %s", g.Text)
			}
			if a := s.explain(b, perl).Answer; a.Sentence.String() != `Approved for "all", and the next deployment tries it again: 1 attempt of 3 has failed on the patch itself.` || a.Next != "the next deployment tries it again" {
				t.Errorf("%s / %s", a.Sentence, a.Next)
			}
			if r.Label != "" {
				if _, err := s.deploy.ResetAttempts(t.Context(), s.admin, r); patch.KindOf(err) != patch.Conflict || !strings.Contains(err.Error(), "no machine of "+r.Label+" is out of attempts of "+string(perl)) ||
					!strings.Contains(err.Error(), "fettle explain --label "+r.Label+" "+string(perl)) {
					t.Errorf("nothing was used up: %v", err)
				}
			}
		})
	}
	s, b := worn(t)
	for _, bad := range []deploy.ResetRequest{{Patch: perl, Why: "w"}, {Patch: perl, Machine: b.id, Label: "all", Why: "w"}, {Patch: perl, Machine: b.id, Why: " "}} {
		if _, err := s.deploy.ResetAttempts(t.Context(), s.admin, bad); patch.KindOf(err) != patch.Invalid {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

// What failed was other bytes: the vendor has replaced the file under the same version.
func TestOtherFilesAreTriedAnew(t *testing.T) {
	s, b := worn(t)
	for i, f := range s.cat.newest[bookworm].files[perl] {
		s.cat.newest[bookworm].files[perl][i].SHA256 = f.SHA256[1:] + "0"
	}
	s.fetch(bookworm, perl)
	b.detect()
	if g := s.explain(b, perl).Answer.Gate(gate.Attempts); g.State != gate.Open || g.Text.String() != "3 of 3; the files are other ones now than those that failed" {
		t.Errorf("%s %s", g.State, g.Text)
	}
}
