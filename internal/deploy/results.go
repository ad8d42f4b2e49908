package deploy

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// Limits of what a machine may say about an attempt, in bytes.
const (
	maxText    = 2000
	maxLog     = 16 << 10
	maxResults = 10_000
)

// Accept takes a machine's results and acknowledges up to which line of its journal they are durable. Lines that were taken before change
// nothing, late ones count, attempts only move forward, and a line about another machine's attempt refuses them all.
func (d *Desk) Accept(ctx context.Context, id patch.MachineID, r wire.Results) (wire.ResultsReply, error) {
	if len(r.Results) > maxResults {
		return wire.ResultsReply{}, patch.Errorf(patch.Invalid, "%d results are more than the %d that one call takes", len(r.Results), maxResults)
	}
	known, err := d.states(ctx, id, r.Results)
	if err != nil {
		return wire.ResultsReply{}, err
	}
	updates := make([]patch.AttemptUpdate, 0, len(r.Results))
	for _, x := range r.Results {
		u, err := d.update(x)
		if err != nil {
			return wire.ResultsReply{}, err
		}
		if was, ok := known[u.Attempt]; ok && rank(u.State) < rank(was) {
			u.State = was
		}
		if rank(known[u.Attempt]) < rank(u.State) {
			known[u.Attempt] = u.State
		}
		updates = append(updates, u)
	}
	ack, err := d.Store.ApplyResults(ctx, id, updates)
	if err != nil {
		return wire.ResultsReply{}, err
	}
	if err := d.settle(ctx, id, r.Results); err != nil {
		// The results are durable; what follows from them is made up for by the next sweep and the next snapshot.
		d.Log.ErrorContext(ctx, "cannot work out what results prove", "machine", id, "error", err)
	}
	return wire.ResultsReply{Ack: ack}, nil
}

// states gives the present states of the attempts that open results are about.
func (d *Desk) states(ctx context.Context, id patch.MachineID, results []wire.Result) (map[string]patch.Execution, error) {
	known := map[string]patch.Execution{}
	if len(results) == 0 {
		return known, nil
	}
	open, err := d.World.Store.ListAttempts(ctx, patch.AttemptFilter{Machine: id, Open: true})
	for _, a := range open {
		known[a.ID] = a.State
	}
	return known, err
}

// rank orders the states of an attempt; an unknown one comes first.
func rank(e patch.Execution) int {
	switch e {
	case patch.ExecWaiting:
		return 1
	case patch.ExecDownloading:
		return 2
	case patch.ExecInstalling:
		return 3
	case patch.ExecDone, patch.ExecFailed, patch.ExecWithdrawn:
		return 4
	}
	return 0
}

// update turns a line of a journal, which is hostile text, into a bounded change.
func (d *Desk) update(r wire.Result) (patch.AttemptUpdate, error) {
	u := patch.AttemptUpdate{Seq: r.Seq, Order: r.Order, Attempt: r.Attempt, At: r.At, Boot: clip(r.Boot, 64), State: r.State, Cause: r.Cause,
		Text: clip(r.Text, maxText), Log: clip(r.Log, maxLog), Bytes: max(0, r.Bytes), Total: max(0, r.Total), RebootOwed: r.RebootOwed, Adds: r.Adds && r.State.Ended()}
	if rank(r.State) < rank(patch.ExecDownloading) {
		return u, patch.Errorf(patch.Invalid, "result %d says %q, which no machine can report", r.Seq, r.State)
	}
	u.Cause = causeIn(r)
	if now := d.Now(); u.At.After(now) || u.At.IsZero() {
		u.At = now // the machine's clock is ahead
	}
	return u, nil
}

// causeIn gives the cause that a line may carry: failures have one of the known ones, what worked has none. A machine that says it
// otherwise is not refused, because then none of its later results would ever arrive.
func causeIn(r wire.Result) patch.FailCause {
	switch {
	case r.State != patch.ExecFailed && r.State != patch.ExecWithdrawn:
		return ""
	case slices.Contains(causes(), r.Cause), r.Cause == "" && r.State == patch.ExecWithdrawn:
		return r.Cause
	}
	return patch.FailPatch
}

func causes() []patch.FailCause {
	return []patch.FailCause{patch.FailPatch, patch.FailDependency, patch.FailDrift, patch.FailLock, patch.FailNetwork, patch.FailUntrusted,
		patch.FailDisk, patch.FailWindow, patch.FailPolicy, patch.FailInterrupted,
		patch.FailTimeout, patch.FailPower, patch.FailClock, patch.FailHook, patch.FailBlocker, patch.FailRoom}
}

// clip makes valid text of at most n bytes; of a log, its end matters.
func clip(s string, n int) string {
	s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "\uFFFD")
	if len(s) <= n {
		return s
	}
	s = s[len(s)-n:]
	for len(s) > 0 && !utf8.RuneStart(s[0]) {
		s = s[1:]
	}
	return s
}

// settle proves effects and ends deployments that have nothing open any more.
func (d *Desk) settle(ctx context.Context, id patch.MachineID, results []wire.Result) error {
	ended := false
	for _, r := range results {
		ended = ended || r.State.Ended()
	}
	if !ended {
		return nil
	}
	if d.Settle != nil {
		if err := d.Settle(ctx, id); err != nil {
			return err
		}
	}
	return d.finish(ctx, repeats)
}

// finish ends those of the newest deployments (0: of all) that run and have nothing open any more.
func (d *Desk) finish(ctx context.Context, newest int) error {
	all, err := d.Store.ListDeployments(ctx, newest)
	if err != nil {
		return err
	}
	for _, dep := range all {
		if dep.State != patch.Running {
			continue
		}
		open, err := d.World.Store.ListAttempts(ctx, patch.AttemptFilter{Deployment: dep.ID, Open: true})
		if err != nil {
			return err
		}
		if len(open) > 0 {
			continue
		}
		if due, err := d.restartsDue(ctx, dep); err != nil || due {
			if err != nil {
				return err
			}
			continue
		}
		err = d.Store.SetDeploymentState(ctx, appliance(), dep.ID, patch.Finished, d.Now())
		if err != nil && patch.KindOf(err) != patch.Conflict { // or somebody has halted it meanwhile
			return err
		}
	}
	return nil
}
