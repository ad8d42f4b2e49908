package agent

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// Hooks runs what this machine's administrator has provided, by name. Failures are *host.Failure.
type Hooks interface {
	Check(name string) error
	Run(ctx context.Context, call host.HookCall) (log string, err error)
}

// Phases of hooks.
const (
	hookBefore = "before"
	hookAfter  = "after"
	hookUnit   = "service" // no hook, and told like one: a service that was restarted
)

// hookRun is a journal's line about one hook: that it begins, and how it ended. One that began and has no end is run again.
type hookRun struct {
	Phase string        `json:"phase"`
	Name  string        `json:"name"`
	Ended bool          `json:"ended,omitempty"`
	Took  time.Duration `json:"took,omitempty"`
	Text  string        `json:"text,omitempty"` // why it failed; empty where it did not
	Log   string        `json:"log,omitempty"`
}

// mostHookLog bounds what is kept of one hook's output, in bytes.
const mostHookLog = 2 << 10

// hooked gives the newest line about a hook of an order.
func (c *course) hooked(phase, name string) (h hookRun, begun bool) {
	for _, h = range slices.Backward(c.Hooks) {
		if h.Phase == phase && h.Name == name {
			return h, true
		}
	}
	return hookRun{}, false
}

func (r *run) manner() patch.Manner {
	if r.order.Manner == nil {
		return patch.Manner{}
	}
	return *r.order.Manner
}

// hooksAreThere refuses an order that names a hook which this machine does not have or would not run, before anything of it is done.
func (r *run) hooksAreThere() error {
	m := r.manner()
	for _, name := range slices.Concat(m.Before, m.After) {
		if err := r.cfg.Hooks.Check(name); err != nil {
			return err
		}
	}
	return nil
}

// before runs the hooks that come before the first installation. One that fails ends every open item with its own cause. Nothing is run where
// no item could be started any more.
func (r *run) before(ctx context.Context) error {
	if !slices.ContainsFunc(r.open(), func(item wire.OrderItem) bool { return !r.barred(item) }) {
		return nil
	}
	for _, name := range r.manner().Before {
		err := r.hook(ctx, hookBefore, name, "none")
		if f := (*host.Failure)(nil); errors.As(err, &f) {
			for _, item := range r.open() {
				if err := r.fail(item, f); err != nil {
					return err
				}
				f = &host.Failure{Cause: f.Cause, Text: f.Text} // its output is kept once
			}
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// barred says whether an item cannot be started now.
func (r *run) barred(item wire.OrderItem) bool {
	allowed, _ := r.cfg.policy().Deploys()
	return !allowed || r.closedNow(r.order) != "" || r.exceeds(item) != ""
}

// after runs the hooks that come after the last installation, if there was one or a hook before it has begun, and adds how hooks went to what
// was told of the order's first attempt that came to something.
func (r *run) after(ctx context.Context) error {
	c := r.journal.newest()
	if r.order.Manner.Empty() || len(c.Hooks)+len(c.Intents) == 0 {
		return nil
	}
	for _, name := range r.manner().After {
		err := r.hook(ctx, hookAfter, name, c.became())
		if f := (*host.Failure)(nil); errors.As(err, &f) {
			r.log.Error("a hook failed after the installation", "order", r.order.ID, "err", f)
		} else if err != nil {
			return err
		}
	}
	return r.tellHooks()
}

// became sums an order up for a hook.
func (c *course) became() string {
	out := "none"
	for _, res := range c.Last {
		switch {
		case res.State == patch.ExecFailed:
			return "failed"
		case res.State == patch.ExecDone:
			out = "done"
		}
	}
	return out
}

// hook runs one hook that has not ended yet, and gives why it failed, now or before.
func (r *run) hook(ctx context.Context, phase, name, outcome string) error {
	h, begun := r.journal.newest().hooked(phase, name)
	if !h.Ended {
		if err := ctx.Err(); err != nil {
			return err
		}
		r.doing("running the hook " + name)
		if !begun {
			if err := r.journal.append(event{Hook: &hookRun{Phase: phase, Name: name}}); err != nil {
				return err
			}
		}
		h = r.runHook(ctx, phase, name, outcome)
		if err := r.journal.append(event{Hook: &h}); err != nil {
			return err
		}
	}
	if h.Text != "" {
		return &host.Failure{Cause: patch.FailHook, Text: h.Text, Log: h.Log}
	}
	return nil
}

func (r *run) runHook(ctx context.Context, phase, name, outcome string) hookRun {
	began := r.cfg.Now()
	log, err := r.cfg.Hooks.Run(ctx, host.HookCall{Name: name, Phase: phase, Order: r.order.ID, Outcome: outcome, Limit: r.cfg.HookLimit,
		Guard: filepath.Join(r.files.hooks(), r.order.ID+"."+phase+"."+name)})
	h := hookRun{Phase: phase, Name: name, Ended: true, Took: r.cfg.Now().Sub(began), Log: log[max(0, len(log)-mostHookLog):]}
	if err != nil {
		h.Text = clip(err.Error(), 500)
	}
	return h
}

// tellHooks writes the line that adds to an attempt how the hooks went. It is written once: the order is closed after it.
func (r *run) tellHooks() error {
	c := r.journal.newest()
	var texts, logs []string
	for _, h := range c.Hooks {
		if !h.Ended {
			continue
		}
		said := "the hook %s ran after it for %s"
		if h.Phase == hookBefore {
			said = "the hook %s ran before it for %s"
		}
		said = fmt.Sprintf(said, h.Name, max(h.Took, time.Millisecond).Round(time.Millisecond))
		switch {
		case h.Text != "" && h.Phase == hookBefore:
			continue // it is the cause of every item already
		case h.Text != "":
			said = h.Text
		}
		texts = append(texts, said)
		if h.Log != "" {
			logs = append(logs, fmt.Sprintf("--- hook %s (%s)\n%s", h.Name, h.Phase, h.Log))
		}
	}
	for _, item := range r.order.Items {
		res, ended := c.outcome(item.Attempt)
		if !ended || res.State == patch.ExecWithdrawn || len(texts) == 0 || c.Told {
			continue
		}
		return r.result(item, res.State, func(add *wire.Result) {
			add.Adds, add.Cause, add.RebootOwed = true, res.Cause, res.RebootOwed
			add.Text, add.Log = clip(strings.Join(texts, "; "), 2000), clip(strings.Join(logs, "\n"), 16<<10)
		})
	}
	return nil
}
