package agent

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/patch"
)

// examine looks at every execution that was begun and has no outcome: the agent or the machine went down in the middle. It is recovered
// and judged, and never started again: an order executes each attempt at most once.
func (r *run) examine(ctx context.Context) error {
	c := r.journal.newest()
	for _, in := range c.Intents {
		if _, ended := c.outcome(in.Attempts[0]); ended {
			continue
		}
		if why := c.failed(in.Attempts[0]); why != nil {
			if err := r.restore(ctx, in, why.Log, why); err != nil {
				return err
			}
			continue
		}
		r.log.Warn("an installation was interrupted", "attempt", in.Attempts[0], "packages", len(in.Changes))
		log, err := r.heal(ctx, in)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if occupied(err) != nil {
			return err
		}
		if err := r.settle(ctx, in, log, interrupted(err), "finished after an interruption"); err != nil {
			return err
		}
	}
	return nil
}

// heal brings a transaction that broke off to its end, or leaves it as if it had never begun.
func (r *run) heal(ctx context.Context, in intent) (log string, err error) {
	return r.cfg.Installer.Recover(ctx, in.Attempts[0], func(begun bool) ([]host.Staged, error) { return r.undone(ctx, in, begun || r.rebootedSince(in)) })
}

// occupied gives what holds the package manager where nothing was repaired because of it: it is, when whoever is at it has ended. A lock that a
// package's own script runs into is no such thing, and would be there each time.
func occupied(err error) *host.Failure {
	if f := (*host.Failure)(nil); errors.As(err, &f) && f.Cause == patch.FailLock && f.Untouched {
		return f
	}
	return nil
}

func interrupted(err error) error {
	f := &host.Failure{Cause: patch.FailInterrupted, Text: "the installation was interrupted because the agent or the machine stopped"}
	var why *host.Failure
	if errors.As(err, &why) {
		f.Text, f.Log = f.Text+"; the repair failed: "+why.Text, why.Log
	} else if err != nil {
		f.Text += "; the repair failed: " + err.Error()
	}
	return f
}

// rebootedSince says whether the machine went down since an execution was begun: what a package manager wrote down may be lost then.
func (r *run) rebootedSince(in intent) bool {
	return r.journal.newest().Last[in.Attempts[0]].Boot != r.cfg.Host.Boot()
}

// undone lists the kept files of an interrupted transaction that still have to be installed for it to be whole. It is empty where nothing
// had been changed yet: then the transaction is left as if it had never begun. dpkg's database tells that; rpm's does not, so there begun
// counts too, and all that had been begun is installed once more.
func (r *run) undone(ctx context.Context, in intent, begun bool) ([]host.Staged, error) {
	facts, err := r.cfg.Host.Facts(context.WithoutCancel(ctx))
	if err != nil {
		return nil, err
	}
	var files []host.Staged
	rpm := facts.OS.Manager == "rpm"
	touched := rpm && begun
	for _, p := range append(append([]patch.PlanPackage{}, in.Want...), in.Along...) {
		if p.Setup != nil {
			continue // there is nothing that an interrupted installer could be mended with
		}
		there := stateOf(facts, p) == ""
		now, found := installedAt(facts, p.Name, p.Arch)
		touched = touched || there && p.Version != p.From || found && now.State == patch.Broken || rpm && in.changes(p) && isThere(facts, p)
		if !there || rpm && in.changes(p) {
			files = append(files, host.Staged{PlanPackage: p, Path: filepath.Join(r.files.payloads(), string(p.SHA256))})
		}
	}
	if !touched {
		return nil, nil
	}
	return files, nil
}

func (in intent) changes(p patch.PlanPackage) bool {
	return slices.ContainsFunc(in.Changes, func(c host.Change) bool { return c.Name == p.Name && c.Arch == p.Arch && c.To == p.Version })
}

// isThere says whether exactly this version is among the installed ones.
func isThere(facts patch.Facts, p patch.PlanPackage) bool {
	return slices.ContainsFunc(host.VersionsOf(facts, p.Name, p.Arch), func(q patch.Package) bool { return q.Version == p.Version })
}

// drain waits until the appliance has acknowledged every result, at most for d: a snapshot that closes an order comes after its results.
func (r *run) drain(ctx context.Context, d time.Duration) error {
	end := time.Now().Add(d)
	for len(r.journal.unsent(1)) > 0 {
		if time.Now().After(end) {
			return patch.Errorf(patch.Unavailable, "results are not acknowledged yet")
		}
		if err := sleep(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}
