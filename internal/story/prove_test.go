package story_test

import (
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// An agent that says something else than its own facts is found out without anybody asking about the patch.
func TestAgentAndApplianceThatDifferRaiseAnAlarm(t *testing.T) {
	s, b := ready(t)
	if n, ok, err := s.ledger.Prove(t.Context(), b.id); n != 0 || !ok || err != nil {
		t.Fatalf("%d %v %v", n, ok, err)
	}
	mismatch := func() (out []patch.Alarm) {
		all, err := s.store.ListAlarms(t.Context(), true)
		s.must(err)
		for _, a := range all {
			if a.Kind == "mismatch" {
				out = append(out, a)
			}
		}
		return out
	}
	s.later(time.Minute)
	b.checkin()
	lie := b.snapshot("")
	for i, p := range s.cat.newest[bookworm].patches {
		if p.ID == perl {
			lie.Verdicts.Set(i, patch.Patched)
		}
	}
	_, err := s.ledger.Accept(t.Context(), lie)
	s.must(err)
	if n, ok, err := s.ledger.Prove(t.Context(), b.id); n != 1 || !ok || err != nil {
		t.Errorf("%d %v %v", n, ok, err)
	}
	if a := mismatch(); len(a) != 1 || !strings.Contains(a[0].Text.String(), string(perl)+" is patched by the machine and not-patched by the appliance") {
		t.Errorf("%+v", a)
	}
	b.detect()
	if n, ok, err := s.ledger.Prove(t.Context(), b.id); n != 0 || !ok || err != nil || len(mismatch()) != 0 {
		t.Errorf("after an honest detect: %d %v %v %d", n, ok, err, len(mismatch()))
	}
	s2 := s.enrol("never", bookworm)
	if _, ok, err := s.ledger.Prove(t.Context(), s2.id); ok || err != nil {
		t.Errorf("nothing to prove: %v %v", ok, err)
	}
}
