package agent

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// Services knows what runs code that was replaced, live, and restarts a service.
type Services interface {
	Old() []patch.OldCode
	Restart(ctx context.Context, unit string) error
}

// settleTime is how long a service that was restarted may still be seen with old code: its old processes end.
const settleTime = 10 * time.Second

// restartOld restarts those of the services that the order names which run old code after its installations, and looks again: only what is seen
// then counts. Each is restarted once; one at which the agent was stopped is looked at again, and restarted again only where it still runs old code.
func (r *run) restartOld(ctx context.Context) error {
	c := r.journal.newest()
	names := r.manner().Services
	if len(c.Intents) == 0 || len(names) == 0 {
		return nil
	}
	old := r.cfg.Services.Old()
	for _, unit := range names {
		h, begun := c.hooked(hookUnit, unit)
		if h.Ended || !begun && !runsOld(old, unit) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if !begun {
			if err := r.journal.append(event{Hook: &hookRun{Phase: hookUnit, Name: unit}}); err != nil {
				return err
			}
		}
		r.doing("restarting " + unit)
		h = hookRun{Phase: hookUnit, Name: unit, Ended: true, Text: unit + " ran old code and runs new code now; the agent was stopped while it was restarted"}
		if runsOld(old, unit) {
			h.Text = r.restartOne(ctx, unit)
		}
		r.log.Info("a service ran old code", "unit", unit, "text", h.Text)
		if err := r.journal.append(event{Hook: &h}); err != nil {
			return err
		}
	}
	return nil
}

// restartOne gives a sentence that says how a restart went.
func (r *run) restartOne(ctx context.Context, unit string) string {
	if err := r.cfg.Services.Restart(ctx, unit); err != nil {
		return fmt.Sprintf("%s runs old code and could not be restarted: %.300s", unit, err)
	}
	for end := time.Now().Add(settleTime); ; {
		if !runsOld(r.cfg.Services.Old(), unit) {
			return unit + " ran old code and was restarted"
		}
		if time.Now().After(end) || sleep(ctx, 200*time.Millisecond) != nil {
			return unit + " was restarted and still runs old code"
		}
	}
}

func runsOld(all []patch.OldCode, unit string) bool {
	return slices.ContainsFunc(all, func(o patch.OldCode) bool { return o.Unit == unit })
}
