package ring

import (
	"fmt"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// silentSince begins what is said of a machine that has failed by saying nothing.
const silentSince = "silent since "

// witness is what is known about one attempt and its machine, now.
type witness struct {
	attempt patch.Attempt
	machine patch.Machine
	health  *patch.Health // nil where none was reported
	ring    patch.Ring
	now     time.Time
	// closing is when the complete detect arrived that the effect rests on, and the boot it was made in; began is the boot that the
	// machine installed in. They are asked for only where nothing speaks against a proof.
	closing func() (at time.Time, boot string, err error)
	began   func() (boot string, err error)
}

// judge says what an attempt that was handed out proves. Only a machine that installed it, whose own complete detect says patched, which rebooted
// if it had to, answers its probes well and was seen after all that, proves anything. Silence is failure.
func (x witness) judge() (patch.Proof, string, error) {
	if p, why, sure := x.failed(); sure {
		return p, why, nil
	}
	a := x.attempt
	good := a.State == patch.ExecDone && a.VerifiedSeq > 0 && (a.Effect == patch.EffectVerified || a.Effect == patch.EffectNeedsReboot)
	if a.Proof == patch.ProofGood && good {
		return patch.ProofGood, "", nil
	}
	if good {
		alive, err := x.alive()
		if err != nil || alive {
			return patch.ProofGood, "", err
		}
		if x.machine.RebootOwed && a.RebootOwed {
			return patch.ProofPending, "", nil // it lives, and has to reboot; when, its owner says
		}
	}
	tooLong := func(since time.Time) bool { return x.now.Sub(since) > time.Duration(x.ring.Silence) }
	if !a.StartedAt.IsZero() && tooLong(latest(a.StartedAt, a.EndedAt, a.CreatedAt)) {
		return patch.ProofBad, fmt.Sprintf("unproven %s after it began: no complete detect, check-in or answer to a probe", patch.Span(x.ring.Silence)), nil
	}
	if a.StartedAt.IsZero() && a.Proof == patch.ProofPending && tooLong(a.ProofAt) {
		return patch.ProofNone, "", nil // the machine is there and does not begin: its place is for another one
	}
	return patch.ProofPending, "", nil
}

// failed settles what is certain: it failed, it never came to the patch, or the machine has gone silent or sick since.
func (x witness) failed() (p patch.Proof, why string, sure bool) {
	a := x.attempt
	ill := a.Cause.UsesUp() || a.Cause == patch.FailInterrupted
	silent := x.now.Sub(x.machine.SeenAt) > time.Duration(x.ring.Silence)
	switch {
	case (a.State == patch.ExecFailed || a.State == patch.ExecWithdrawn) && ill:
		return patch.ProofBad, string(a.Cause) + ": " + a.Text, true
	case a.State == patch.ExecFailed, a.State == patch.ExecWithdrawn && a.StartedAt.IsZero() && !silent:
		return patch.ProofNone, "", true
	case a.Effect == patch.EffectNotEffective, a.Effect == patch.EffectUndone:
		return patch.ProofBad, "it is not there after the install: " + string(a.Effect), true
	case silent:
		return patch.ProofBad, silentSince + x.machine.SeenAt.UTC().Format("2006-01-02 15:04 UTC"), true
	case a.State == patch.ExecWithdrawn:
		return patch.ProofNone, "", true
	case x.sick() != "":
		return patch.ProofBad, x.sick(), true
	}
	return "", "", false
}

// sick is what the machine's probes say, as of after the install.
func (x witness) sick() string {
	if len(x.ring.Probes) == 0 || x.health == nil || x.attempt.EndedAt.IsZero() || x.health.At.Before(x.attempt.EndedAt) {
		return ""
	}
	return x.health.Sick()
}

// alive reports whether the machine is back: seen after the detect that judged it, with another boot where it had to reboot, with answers
// to all probes.
func (x witness) alive() (bool, error) {
	a, m := x.attempt, x.machine
	at, boot, err := x.closing()
	if err != nil || !m.SeenAt.After(at) || !m.SeenAt.After(a.EndedAt) {
		return false, err
	}
	if len(x.ring.Probes) > 0 && (x.health == nil || x.health.At.Before(a.EndedAt)) {
		return false, nil
	}
	if a.RebootOwed || a.Effect == patch.EffectNeedsReboot {
		began, err := x.began()
		if err != nil || m.RebootOwed || m.BootID == began || boot != m.BootID {
			return false, err
		}
	}
	return true, nil
}

func latest(times ...time.Time) (t time.Time) {
	for _, x := range times {
		if x.After(t) {
			t = x
		}
	}
	return t
}
