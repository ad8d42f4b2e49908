package story_test

import (
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
)

func TestWhyIsNothingHappeningHere(t *testing.T) {
	for name, c := range map[string]struct {
		change   func(*site, *box)
		sentence string
		next     string
		actor    gate.Actor
	}{
		"nobody decided": {func(*site, *box) {}, "It needs 4 patches: 4 undecided.", "until somebody approves or declines it", gate.Person},
		"ready, and nobody deploys": {func(s *site, _ *box) { s.decide(patch.Approve, "all", curl) },
			"3 undecided, 1 approved and ready", "nothing until somebody deploys, or a schedule covers it", gate.Person},
		"ready, and a schedule will": {func(s *site, _ *box) {
			s.decide(patch.Approve, "all", curl)
			s.schedule(s.calendar(), patch.Schedule{Name: "nightly", Label: "all", Window: "every day 22:00-04:00"})
		}, "1 approved and ready", "the schedule nightly installs it", gate.Appliance},
		"stale":   {func(s *site, b *box) { s.later(80 * time.Hour); b.checkin() }, "When last judged it needed 4 patches.", "the agent detects again", gate.Agent},
		"silent":  {func(s *site, _ *box) { s.later(30 * time.Hour) }, "was last seen", "checks in when it is on", gate.Owner},
		"revoked": {func(s *site, b *box) { s.must(s.store.SetMachineState(s.ctx(), s.admin, b.id, patch.Revoked)) }, "is shut out", "takes part no more", gate.Person},
		"all installed": {func(s *site, b *box) {
			for _, p := range s.cat.newest[bookworm].patches {
				for _, f := range p.Payloads {
					if b.has(f.Name) != "" {
						b.set(f.Name + "=99:1")
					}
				}
			}
			b.detect()
		}, "Nothing is needed:", "nothing until the catalog or the machine changes", gate.Nobody},
		"held here": {func(s *site, b *box) {
			s.decide(patch.Approve, "all", curl)
			b.set("curl=7.88.1-10+deb12u5!")
			b.detect()
		}, "It needs 3 patches", "until somebody approves or declines it", gate.Person},
	} {
		t.Run(name, func(t *testing.T) {
			s, b := ready(t)
			c.change(s, b)
			ex, err := s.ledger.ExplainMachine(t.Context(), b.id)
			s.must(err)
			if !strings.Contains(ex.Sentence.String(), c.sentence) || !strings.Contains(ex.Next.String(), c.next) || ex.Actor != c.actor {
				t.Errorf("%q, next %q by %q; want %q, %q by %q", ex.Sentence, ex.Next, ex.Actor, c.sentence, c.next, c.actor)
			}
			if name == "held here" && (len(ex.ApprovedNotNeeded) != 1 || ex.ApprovedNotNeeded[0].Code != gate.CodeHeldOnMachine) {
				t.Errorf("approved and not needed: %+v", ex.ApprovedNotNeeded)
			}
		})
	}
}
