package ring

import (
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// silentSince begins what is said of a machine that has failed by saying nothing.
const silentSince phrase.Phrase = "silent since {1}"

func effectWord(e patch.Effect) phrase.Phrase {
	if e == patch.EffectUndone {
		return "effect\x04undone"
	}
	return "effect\x04not effective"
}

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
func (x witness) judge() (patch.Proof, phrase.Phrase, error) {
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
		if err == nil && alive && len(x.ring.Probes) > 0 {
			if why := x.health.SickBefore(a.EndedAt); why != "" {
				return patch.ProofPending, why, nil // it lives, and the patch is neither to blame nor proven
			}
		}
		if err != nil || alive {
			return patch.ProofGood, "", err
		}
		if x.machine.RebootOwed && a.RebootOwed {
			return patch.ProofPending, "", nil // it lives, and has to reboot; when, its owner says
		}
	}
	tooLong := func(since time.Time) bool { return x.now.Sub(since) > time.Duration(x.ring.Silence) }
	if !a.StartedAt.IsZero() && tooLong(latest(a.StartedAt, a.EndedAt, a.CreatedAt)) {
		return patch.ProofBad, phrase.Of("unproven {1} after it began: no complete detect, check-in or answer to a probe", time.Duration(x.ring.Silence)), nil
	}
	if a.StartedAt.IsZero() && a.Proof == patch.ProofPending && tooLong(a.ProofAt) {
		return patch.ProofNone, "", nil // the machine is there and does not begin: its place is for another one
	}
	return patch.ProofPending, "", nil
}

// failed settles what is certain: it failed, it never came to the patch, or the machine has gone silent or sick since.
func (x witness) failed() (p patch.Proof, why phrase.Phrase, sure bool) {
	a := x.attempt
	ill := a.Cause.UsesUp() || a.Cause == patch.FailInterrupted
	silent := patch.Quiet(x.machine.SeenAt, x.now) > time.Duration(x.ring.Silence)
	switch {
	case (a.State == patch.ExecFailed || a.State == patch.ExecWithdrawn) && ill:
		return patch.ProofBad, phrase.Of("{1}: {2}", string(a.Cause), a.Text), true
	case a.State == patch.ExecFailed, a.State == patch.ExecWithdrawn && a.StartedAt.IsZero() && !silent:
		return patch.ProofNone, "", true
	case a.Effect == patch.EffectNotEffective, a.Effect == patch.EffectUndone:
		return patch.ProofBad, phrase.Of("it is not there after the install: {1}", effectWord(a.Effect)), true
	case silent:
		return patch.ProofBad, phrase.Of(silentSince, phrase.At(x.now, x.machine.SeenAt)), true
	case a.State == patch.ExecWithdrawn:
		return patch.ProofNone, "", true
	case x.sick() != "":
		return patch.ProofBad, x.sick(), true
	}
	return "", "", false
}

// sick is what the machine's probes say, as of after the install.
func (x witness) sick() phrase.Phrase {
	if len(x.ring.Probes) == 0 || x.attempt.EndedAt.IsZero() || !x.answered() {
		return ""
	}
	return x.health.Sick(x.attempt.EndedAt)
}

// timeless reports whether the attempt ended at a time that is yet to come, by a clock that was ahead: no other time is before it.
func (x witness) timeless() bool { return x.attempt.EndedAt.After(x.now) }

// answered reports whether the machine has answered to its probes since the attempt: an order's are asked from its end.
func (x witness) answered() bool {
	switch a := x.attempt; {
	case x.health == nil:
		return false
	case x.timeless():
		return a.Order != "" && x.health.Order == a.Order
	default:
		return !x.health.At.Before(a.EndedAt)
	}
}

// alive reports whether the machine is back: seen after the detect that judged it, with another boot where it had to reboot, with answers
// to all probes.
func (x witness) alive() (bool, error) {
	a, m := x.attempt, x.machine
	at, boot, err := x.closing()
	if err != nil || !m.SeenAt.After(at) || !x.timeless() && !m.SeenAt.After(a.EndedAt) {
		return false, err
	}
	if len(x.ring.Probes) > 0 && !x.answered() {
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
