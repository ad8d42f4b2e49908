package ring

import (
	"strings"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// A machine whose install ended while the appliance's clock was ahead proves what it proves now, and is not awaited until that time has come.
func TestAProofOfATimeToCome(t *testing.T) {
	now := time.Date(2026, 11, 27, 3, 0, 0, 0, time.UTC)
	ahead := now.Add(60 * 24 * time.Hour)
	for name, c := range map[string]struct {
		change func(*witness)
		proof  patch.Proof
		why    string
	}{
		"it is well":          {func(*witness) {}, patch.ProofGood, ""},
		"its probes are well": {func(x *witness) { x.health.Probes[0].OK = true }, patch.ProofGood, ""},
		"a probe is not":      {func(x *witness) { x.ring.Probes = []patch.Probe{"service:nginx"} }, patch.ProofBad, "service:nginx is not well"},
		"answers of before":   {func(x *witness) { x.ring.Probes, x.health.Order = []patch.Probe{"service:nginx"}, "o0" }, patch.ProofPending, ""},
		"no detect has come":  {func(x *witness) { x.attempt.VerifiedSeq, x.attempt.Effect = 0, "" }, patch.ProofPending, ""},
		"it was not ahead at all": {func(x *witness) {
			x.attempt.EndedAt, x.attempt.StartedAt, x.attempt.CreatedAt = now.Add(-time.Minute), now.Add(-2*time.Minute), now.Add(-time.Hour)
			x.attempt.VerifiedSeq, x.attempt.Effect = 0, ""
		}, patch.ProofPending, ""},
	} {
		x := witness{now: now, machine: patch.Machine{SeenAt: now}, ring: patch.Ring{Silence: patch.Span(6 * time.Hour)}.WithDefaults(),
			attempt: patch.Attempt{Order: "o1", State: patch.ExecDone, VerifiedSeq: 4, Effect: patch.EffectVerified, CreatedAt: ahead.Add(-time.Hour), StartedAt: ahead.Add(-time.Minute), EndedAt: ahead},
			health:  &patch.Health{Order: "o1", At: now, Probes: []patch.ProbeAnswer{{Probe: "service:nginx", Seen: "failed"}}},
			closing: func() (time.Time, string, error) { return now.Add(-time.Minute), "b1", nil }}
		c.change(&x)
		if p, why, err := x.judge(); p != c.proof || err != nil || (c.why == "") != (why == "") || !strings.Contains(why.String(), c.why) {
			t.Errorf("%s: %s, %q %v", name, p, why, err)
		}
	}
}
