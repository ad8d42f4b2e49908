package simfleet_test

import (
	"context"
	"fmt"
	"time"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// This file is what others do to a machine while its agent has an order in its hands: people at its keyboard, and another updater.

// byHand has somebody install a newer version of a package, the vendor's or one of their own.
func (b *box) byHand(name string) {
	p := b.get(name)
	if b.working() != nil || p.Name == "" || p.State != patch.Installed {
		return
	}
	v := b.w.newest(name)
	if version.DpkgCompare(p.Version, v) >= 0 {
		if v = p.Version + "+own"; len(v) > 40 {
			return
		}
	}
	b.set(name, v, patch.Installed)
}

func (w *sim) newest(name string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.offered[name]
}

// unattended is another updater: it keeps the package manager for as long as it needs, sometimes for longer than an agent waits, and brings
// everything to the newest version. Nothing that anybody approved or declined counts for it.
func (b *box) unattended() {
	j := &job{done: make(chan struct{}), by: "unattended-upgr"}
	b.mu.Lock()
	if b.job != nil || !b.on {
		b.mu.Unlock()
		return
	}
	b.job = j
	b.mu.Unlock()
	go func() {
		defer b.ends(j)
		time.Sleep(time.Duration(b.draw(int64(2 * time.Minute)))) // it fetches what it needs
		for _, name := range names {
			was, v := b.get(name), b.w.newest(name)
			if was.Name == "" || was.State != patch.Installed || version.DpkgCompare(was.Version, v) >= 0 {
				continue
			}
			b.set(name, v, patch.Broken)
			time.Sleep(time.Duration(1 + b.draw(int64(4*time.Minute))))
			if j.failed(b) != nil {
				b.set(name, was.Version, was.State)
				return
			}
			b.set(name, v, patch.Installed)
		}
	}()
}

// ends is the end of a package manager's run.
func (b *box) ends(j *job) {
	b.mu.Lock()
	b.job = nil
	b.mu.Unlock()
	close(j.done)
}

// meanwhile is what befalls a machine that was just given an order.
func (b *box) meanwhile(packages []patch.PlanPackage) {
	if !b.w.faults.Load() || len(packages) == 0 {
		return
	}
	p, soon := packages[b.draw(int64(len(packages)))], time.Duration(b.draw(int64(3*time.Second)))
	if n := b.draw(12); n > 2 && !(p.Back && n > 7) {
		return
	} else if n > 1 {
		b.w.later(soon, func() { b.byHand(p.Name) })
	} else {
		b.w.later(soon, b.unattended)
	}
}

// Holder implements agent.Shared.
func (m *machine) Holder() (string, error) {
	j := m.working()
	switch {
	case j == nil:
		return "", nil
	case j.by == "":
		return "dpkg", nil
	}
	return j.by, nil
}

// Await implements agent.Shared.
func (m *machine) Await(ctx context.Context, wait time.Duration, tell func(holder string)) error {
	for until := time.Now().Add(wait); ; {
		j := m.working()
		if j == nil {
			return nil
		}
		who, _ := m.Holder()
		tell(who)
		t := time.NewTimer(time.Until(until))
		select {
		case <-j.done:
			t.Stop()
		case <-ctx.Done():
			t.Stop()
			return errDead
		case <-t.C:
			m.w.waited.Add(1)
			return &host.Failure{Cause: patch.FailLock, Untouched: true, Text: fmt.Sprintf("busy: %s has held the lock for more than %s", who, wait)}
		}
	}
}
