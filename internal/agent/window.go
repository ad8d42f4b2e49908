package agent

import (
	"fmt"
	"time"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// reserve is what has to be left of a window after an installation.
const reserve = patch.InstallReserve

// guess is how long an item takes on a machine of which nothing is known.
func guess(item wire.OrderItem) time.Duration {
	return patch.InstallTime(item.Packages)
}

// expected is how long an item will take here, by what earlier ones took.
func (r *run) expected(item wire.OrderItem) time.Duration {
	speed := r.get().Speed
	if speed == 0 {
		speed = 1
	}
	return time.Duration(float64(guess(item)) * speed)
}

// learn takes an installation into account for those to come: half of what is known is the newest one.
func (r *run) learn(item wire.OrderItem, took time.Duration) {
	seen := min(max(float64(took)/float64(guess(item)), 0.05), 50)
	err := r.set(func(st *state) {
		if st.Speed == 0 {
			st.Speed = seen
		}
		st.Speed = (st.Speed + seen) / 2
	})
	if err != nil {
		r.log.Warn("cannot keep how long installations take", "err", err)
	}
}

// exceeds says why an item is not started although the window is still open: it would not be over at its end. Empty where it fits.
func (r *run) exceeds(item wire.OrderItem) string {
	end := r.order.Window.NotAfter
	if end.IsZero() {
		return ""
	}
	need, left := r.expected(item), end.Sub(r.clock())
	if need+reserve <= left {
		return ""
	}
	return fmt.Sprintf("window exceeded: it takes about %s and %s of reserve, and the window ends in %s; it was not started and stays pending",
		need.Round(time.Second), reserve, max(left, 0).Round(time.Second))
}

// untilWindow is how long an order that was not begun has to wait for its window; 0 where it need not.
func (s *session) untilWindow() time.Duration {
	c := s.journal.newest()
	if c == nil || c.Closed || len(c.Intents) > 0 || c.Order.Window.NotBefore.IsZero() || len(s.left()) == 0 {
		return 0
	}
	return max(c.Order.Window.NotBefore.Sub(s.clock()), 0)
}

// mostSkew is how far a machine's clock may be from the appliance's for windows to be kept.
const mostSkew = 10 * time.Minute

// clockIsRight refuses to begin by a clock that is wrong: what it calls a window is another time.
func (r *run) clockIsRight() error {
	skew := time.Duration(r.get().Skew) * time.Second
	text := "this machine's clock is %s behind the appliance's, so no window can be kept; set the one that is wrong, or repair its time service"
	if skew < 0 {
		text = "this machine's clock is %s ahead of the appliance's, so no window can be kept; set the one that is wrong, or repair its time service"
	}
	if skew.Abs() <= mostSkew {
		return nil
	}
	return &host.Failure{Cause: patch.FailClock, Text: fmt.Sprintf(text, skew.Abs().Round(time.Second))}
}
