package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// run is the carrying out of one order.
type run struct {
	*session
	order wire.Order
	ready map[patch.Hash]host.Staged // packages that verified completely
	lacks string                     // what the machine has too little of to begin; empty where it may
	// waited is for how long others have kept the package manager from this order.
	waited time.Duration
}

// carryOut brings the newest order to its end: what was interrupted is examined and never executed again, what has not begun is done,
// and a full detect closes it. When the agent is stopped or a disk fails on the way, the order stays open and the next run goes on. It says
// whether items wait for the appliance's word.
func (s *session) carryOut(ctx context.Context) (waits bool) {
	c := s.journal.newest()
	r := &run{session: s, order: c.Order, ready: map[patch.Hash]host.Staged{}}
	defer s.doing("")
	waits, err := r.all(ctx)
	s.lacksNow(r.lacks)
	if err == nil && !waits {
		err = r.conclude(ctx)
	}
	if err != nil && ctx.Err() == nil {
		s.log.Error("the order could not be brought to its end; the next check-in goes on with it", "order", c.Order.ID, "err", err)
		s.note(ctx, err)
	}
	return waits
}

// all brings every item to an outcome, but those that wait for the appliance's word.
func (r *run) all(ctx context.Context) (waits bool, err error) {
	r.doing("examining an interrupted installation")
	if err := r.examine(ctx); err != nil {
		return false, err
	}
	if items := r.open(); len(items) == 1 && items[0].Patch == patch.Restart {
		return false, r.takeRestart(items[0])
	} else if len(items) > 0 {
		if waits, err = r.perform(ctx); err != nil || waits {
			return waits, err
		}
	}
	if err := r.restartOld(ctx); err != nil {
		return false, err
	}
	return false, r.after(ctx)
}

// perform installs what has no outcome yet, with what comes before it.
func (r *run) perform(ctx context.Context) (waits bool, err error) {
	if err := r.await(ctx); err != nil {
		_, err = r.filter(ctx, r.open(), func(wire.OrderItem) error { return err })
		return false, err
	}
	if r.awaitsRoom() {
		return true, nil
	}
	_ = r.confirm(ctx) // who cannot be asked keeps nothing back that need not ask
	r.doing("preparing an order")
	if items, err := r.prepare(ctx, r.open()); err != nil || len(items) == 0 {
		return false, err
	}
	if !r.mayBegin(ctx) {
		return true, nil
	}
	if err := r.lookBefore(ctx); err != nil {
		return false, err
	}
	if err := r.before(ctx); err != nil {
		return false, err
	}
	for _, item := range r.open() {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		if r.held(ctx, item) {
			waits = true
		} else if err := r.install(ctx, item); err != nil {
			return false, err
		}
	}
	return waits, nil
}

// open lists the items without an outcome.
func (r *run) open() []wire.OrderItem { return r.left() }

// result writes one line of an item's story. Every line is durable before the next step.
func (r *run) result(item wire.OrderItem, state patch.Execution, more func(*wire.Result)) error {
	res := r.line(item, state)
	if more != nil {
		more(&res)
	}
	return r.journal.report(res)
}

func (r *run) line(item wire.OrderItem, state patch.Execution) wire.Result {
	return wire.Result{Order: r.order.ID, Attempt: item.Attempt, At: r.cfg.Now().UTC(), Boot: r.cfg.Host.Boot(), State: state, Total: size(item)}
}

func size(item wire.OrderItem) (n int64) {
	for _, p := range item.Packages {
		n += p.Size
	}
	return n
}

// fail ends an item with the cause that err carries.
func (r *run) fail(item wire.OrderItem, err error) error {
	f := failureOf(err)
	r.log.Warn("an item failed", "patch", item.Patch, "cause", f.Cause, "text", f.Text)
	return r.result(item, patch.ExecFailed, func(res *wire.Result) {
		res.Cause, res.Text, res.Log = f.Cause, clip(f.Text, 2000), f.Log
		res.RebootOwed = r.cfg.Host.Reboot().Owed
	})
}

// failureOf finds the cause of an error: its own, or the one that fits its kind.
func failureOf(err error) *host.Failure {
	if f := (*host.Failure)(nil); errors.As(err, &f) {
		return f
	}
	f := &host.Failure{Cause: patch.FailPatch, Text: err.Error()}
	switch kind := patch.KindOf(err); {
	case host.IsFull(err):
		f.Cause, f.Text = patch.FailDisk, "no room on this machine's disk: "+f.Text
	case kind == patch.Untrusted || kind == patch.Invalid:
		f.Cause = patch.FailUntrusted
	case kind == patch.Unavailable || kind == patch.NotFound || kind == patch.Exhausted || kind == patch.Forbidden:
		f.Cause = patch.FailNetwork
	}
	return f
}

func clip(s string, n int) string { return s[:min(len(s), n)] }

// install brings one prepared item to its outcome: last checks, simulation, intent, execution, and what the package database says then.
func (r *run) install(ctx context.Context, item wire.OrderItem) error {
	if _, ended := r.journal.newest().outcome(item.Attempt); ended {
		return nil // it came along with an earlier item
	}
	if kept, err := r.keeps(item); kept || err != nil {
		return err
	}
	if err := r.await(ctx); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return r.fail(item, err)
	}
	r.doing("installing " + string(item.Patch))
	facts, err := r.cfg.Host.Facts(ctx)
	if err != nil {
		return r.fail(item, &host.Failure{Cause: patch.FailDrift, Text: "the package database cannot be read: " + err.Error()})
	}
	if err := r.drifted(ctx, facts, item); err != nil {
		return r.fail(item, err)
	}
	t, err := r.cfg.Installer.Plan(ctx, item.Attempt, facts, r.staged(item), r.allowed())
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return r.fail(item, err)
	}
	if kept, err := r.keeps(item); kept || err != nil { // others may have been waited for meanwhile
		return err
	}
	return r.transact(ctx, item, t)
}

// keeps writes an item's outcome where it may not be begun at this moment, and says whether it did.
func (r *run) keeps(item wire.OrderItem) (kept bool, err error) {
	if why := r.closedNow(r.order); why != "" {
		return true, r.fail(item, &host.Failure{Cause: patch.FailWindow, Text: why})
	}
	if why := r.exceeds(item); why != "" {
		r.log.Info("an item stays pending", "patch", item.Patch, "text", why)
		return true, r.result(item, patch.ExecWithdrawn, func(res *wire.Result) { res.Cause, res.Text = patch.FailWindow, why })
	}
	if ok, word := r.cfg.policy().Deploys(); !ok {
		return true, r.fail(item, ownerForbids(word))
	}
	err = r.blocked(item)
	if err == nil {
		err = r.clockIsRight() // it may have been set since the order was prepared
	}
	if err != nil {
		return true, r.fail(item, err)
	}
	return false, nil
}

// await waits while another program uses the package manager. What it changes meanwhile is seen after it. The patience is the order's and not
// each item's: once it was used up, the items that follow do not wait.
func (r *run) await(ctx context.Context) error {
	shared, ok := r.cfg.Installer.(Shared)
	if !ok {
		return nil
	}
	began := r.cfg.Now()
	err := shared.Await(ctx, max(r.cfg.LockWait-r.waited, 0), func(holder string) { r.doing("locked by " + holder) })
	r.waited += r.cfg.Now().Sub(began)
	return err
}

// transact writes the intent, runs the transaction once, and writes the outcome of every attempt that it was part of.
func (r *run) transact(ctx context.Context, item wire.OrderItem, t host.Transaction) error {
	in := intent{Transaction: t, Attempts: r.touched(item, t)}
	if begun, err := r.journal.reportOpen(r.line(item, patch.ExecInstalling)); err != nil || !begun {
		return err
	}
	if err := r.journal.intend(in); err != nil {
		return err
	}
	began := r.cfg.Now()
	log, runErr := r.cfg.Installer.Run(ctx, t)
	if runErr == nil {
		r.learn(item, r.cfg.Now().Sub(began))
	}
	switch f := (*host.Failure)(nil); {
	case errors.As(runErr, &f) && f.Untouched:
		return r.fail(item, f)
	case f != nil && (f.Killed || f.Cause == patch.FailTimeout) || runErr != nil && r.leftHalf(ctx, in):
		return r.restore(ctx, in, log, failureOf(runErr))
	}
	return r.settle(ctx, in, log, runErr, "")
}

// leftHalf says whether a package of a transaction is half-installed.
func (r *run) leftHalf(ctx context.Context, in intent) bool {
	facts, err := r.cfg.Host.Facts(context.WithoutCancel(ctx))
	return err == nil && slices.ContainsFunc(in.Changes, func(c host.Change) bool {
		now, _ := installedAt(facts, c.Name, c.Arch)
		return now.State == patch.Broken
	})
}

// restore puts in order what a failed installation may have left, at once or, where another holds the package manager, when it has ended: then
// the failure waits in the journal, and examine goes on with it.
func (r *run) restore(ctx context.Context, in intent, log string, why *host.Failure) error {
	var err error
	if why.Cause == patch.FailTimeout {
		err = r.mend(ctx, in, why)
	} else {
		err = r.repair(ctx, in, log, why)
	}
	f := occupied(err)
	if f == nil || r.journal.newest().failed(in.Attempts[0]) != nil {
		return err
	}
	item, _ := r.item(in.Attempts[0])
	return errors.Join(err, r.result(item, patch.ExecInstalling, func(res *wire.Result) {
		res.Cause, res.Text, res.Log = why.Cause, fmt.Sprintf("%s; the repair had to wait (%s)", clip(why.Text, 1000), f.Text), cmp.Or(log, why.Log)
	}))
}

// repair finishes once what a failed installation left half-installed, as after an interruption: no machine is left with that.
func (r *run) repair(ctx context.Context, in intent, log string, why *host.Failure) error {
	r.doing("repairing a failed installation")
	more, err := r.heal(ctx, in)
	if occupied(err) != nil {
		return err
	}
	f := *why
	if err != nil {
		f.Text += "; the repair failed: " + failureOf(err).Text
	}
	log = strings.TrimSpace(log + "\n" + more)
	return r.settle(ctx, in, log[max(0, len(log)-host.MaxLog):], &f, clip("finished by a repair, after "+why.Text, 1000))
}

// mend puts the package database in order after a script was ended in the middle of a transaction. The attempt has failed, whatever comes of that.
func (r *run) mend(ctx context.Context, in intent, why *host.Failure) error {
	r.doing("repairing after a script that did not end")
	log, err := r.heal(ctx, in)
	if occupied(err) != nil {
		return err
	}
	f := *why
	facts, factsErr := r.cfg.Host.Facts(context.WithoutCancel(ctx))
	item, _ := r.item(in.Attempts[0])
	switch left := notThere(facts, item); {
	case factsErr != nil || err != nil || strings.HasSuffix(left, "is only half-installed"):
		f.Text += fmt.Sprintf("; the repair did not succeed: %s", cmp.Or(left, fmt.Sprint(errors.Join(err, factsErr))))
	case left == "":
		f.Text += "; the package was installed once more and is whole"
	default:
		f.Text += "; the package was left as it was before"
	}
	if log != "" {
		f.Log = log
	}
	if err := r.fail(item, &f); err != nil {
		return err
	}
	return r.settle(ctx, in, log, &f, "")
}

// touched lists the attempts whose packages a transaction completes or touches: the item's own first.
func (r *run) touched(item wire.OrderItem, t host.Transaction) []string {
	out := []string{item.Attempt}
	for _, other := range r.open() {
		if other.Attempt == item.Attempt {
			continue
		}
		for _, p := range t.Along {
			if carriesPackage(other, p) {
				out = append(out, other.Attempt)
				break
			}
		}
	}
	return out
}

func carriesPackage(item wire.OrderItem, p patch.PlanPackage) bool {
	for _, q := range item.Packages {
		if q.Name == p.Name && q.Arch == p.Arch && q.Version == p.Version {
			return true
		}
	}
	return false
}

// settle writes outcomes after an execution, judged by the package database alone. runErr explains an item that did not get there.
func (r *run) settle(ctx context.Context, in intent, log string, runErr error, note string) error {
	facts, err := r.cfg.Host.Facts(context.WithoutCancel(ctx))
	if err != nil {
		runErr = errors.Join(runErr, err)
	}
	owed := r.cfg.Host.Reboot().Owed
	for i, attempt := range in.Attempts {
		item, ok := r.item(attempt)
		if _, ended := r.journal.newest().outcome(attempt); ended || !ok {
			continue
		}
		undone, says := notThere(facts, item), note
		if bySetup(item) {
			undone, says = r.afterSetup(ctx, facts, item.Patch, runErr)
			says = cmp.Or(note, says)
		}
		switch {
		case err == nil && undone == "":
			text := strings.Join(append(slices.DeleteFunc([]string{says, in.Doubt}, func(s string) bool { return s == "" }), host.Remarks(log)...), "; ")
			err := r.result(item, patch.ExecDone, func(res *wire.Result) { res.Log, res.Text, res.RebootOwed = log, clip(text, 2000), owed })
			if err != nil {
				return err
			}
		case i == 0:
			f := because(runErr, undone, log)
			if in.Doubt != "" {
				f.Text += "; " + in.Doubt
			}
			if err := r.fail(item, f); err != nil {
				return err
			}
		}
	}
	return nil
}

// because joins what the package manager said with what the database says.
func because(runErr error, undone, log string) *host.Failure {
	if runErr == nil {
		return &host.Failure{Cause: patch.FailPatch, Text: "the package manager ended with success, but " + undone, Log: log}
	}
	f := *failureOf(runErr)
	if undone != "" && f.Cause == patch.FailPatch || f.Cause == patch.FailInterrupted {
		f.Text = fmt.Sprintf("%s; %s", f.Text, undone)
	}
	if f.Log == "" {
		f.Log = log
	}
	return &f
}

func (r *run) item(attempt string) (wire.OrderItem, bool) {
	for _, item := range r.order.Items {
		if item.Attempt == attempt {
			return item, true
		}
	}
	return wire.OrderItem{}, false
}

// conclude makes the full detect that every order ends with, and closes the order once its snapshot is durable here.
func (r *run) conclude(ctx context.Context) error {
	r.doing("detecting after an order")
	snap, err := r.judgeMachine(ctx, r.order.ID)
	if err != nil {
		if reportErr := r.reportFailed(ctx, snap.OS, err); reportErr != nil {
			r.log.Warn("cannot report the failed detect", "err", reportErr)
		}
		return err
	}
	due := r.owes()
	if err := r.set(func(st *state) { st.Probes, st.Asked = r.order.Probes, r.order.ID; st.Reboot = due }); err != nil {
		return err
	}
	if err := r.journal.finish(r.order.ID); err != nil {
		return err
	}
	r.cleanUp()
	r.log.Info("the order is done", "order", r.order.ID, "snapshot", snap.Seq)
	// The snapshot goes with the check-in that follows at once: after the results, and after the inventory, whose history says who did what else
	// has changed.
	if err := r.drain(ctx, r.settleWait); err != nil && ctx.Err() == nil {
		r.log.Warn("the snapshot may come before the results", "err", err)
	}
	return nil
}
