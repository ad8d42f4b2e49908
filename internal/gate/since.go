package gate

import (
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// timeless reports whether an attempt ended at a time that is yet to come: the appliance's clock was ahead then, and nobody knows when it was. No other time is
// before or after it, and nothing waits for it.
func (w *World) timeless(a patch.Attempt) bool { return a.EndedAt.After(w.Now) }

// lately reports whether an attempt ended less than so long ago, as far as that is known.
func (w *World) lately(a patch.Attempt, wait time.Duration) bool {
	return !w.timeless(a) && w.Now.Sub(a.EndedAt) < wait
}

// judgedSince reports whether the machine has detected since an attempt. Where no time tells, what was installed is judged once a detect has said so, and a
// failure is taken for judged.
func (w *World) judgedSince(a patch.Attempt) bool {
	if w.timeless(a) {
		return w.Receipt != nil && (a.State != patch.ExecDone || a.VerifiedSeq != 0)
	}
	return w.Receipt != nil && !w.Receipt.Begun().Before(a.EndedAt)
}

// seenSince reports whether the machine was seen after an attempt, so that what it says of itself is about what came of it.
func (w *World) seenSince(a patch.Attempt) bool {
	return w.timeless(a) || !w.Machine.SeenAt.Before(a.EndedAt)
}

// newsSince reports whether the machine has detected again since an attempt, beyond the detect that closed its order: agents do so when
// something on the machine has changed.
func (w *World) newsSince(a patch.Attempt) bool {
	return w.judgedSince(a) && (a.Order == "" || w.Receipt.Order != a.Order)
}

// approvedSince reports whether this patch or one that it may need was approved after t.
func (w *World) approvedSince(t time.Time) bool {
	d, ok := approval(w.Policy)
	return ok && d.At.After(t) || w.Approved.After(t)
}
