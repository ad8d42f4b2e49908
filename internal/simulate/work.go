package simulate

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// Work is how a fleet carries out orders. Which machine is silent or slow, and which patch fails where, follows from the seed alone.
type Work struct {
	For     time.Duration // for how long orders are asked for
	Every   time.Duration // between two contacts of a machine
	Failing float64       // share of the installs, one patch on one machine each, that fail every time
	Silent  float64       // share of the machines that are not heard of any more once they have begun to install
	Slow    float64       // share of the machines that take SlowFor for each patch
	SlowFor time.Duration
}

// job is an order that is being carried out.
type job struct {
	order wire.Order
	next  int       // item
	until time.Time // a slow machine's item is done then; zero: not begun
}

// work has every machine ask for orders and carry them out, again and again.
func (f *fleet) work(ctx context.Context) error {
	end := time.Now().Add(f.Work.For)
	for time.Now().Before(end) {
		begun := time.Now()
		if err := f.step(ctx, "work", f.machines, func(ctx context.Context, m *machine) error { return m.work(ctx, f) }); err != nil {
			return err
		}
		wait(ctx, min(f.Work.Every-time.Since(begun), time.Until(end)))
	}
	return ctx.Err()
}

// work is one contact of a machine: it goes on with its order, or asks for one.
func (m *machine) work(ctx context.Context, f *fleet) error {
	if m.silent {
		return nil
	}
	reply, err := m.contact(ctx)
	if err != nil {
		return err
	}
	if m.job == nil {
		if !reply.Order {
			return nil
		}
		o, ok, err := m.remote.Order(ctx)
		if err != nil || !ok {
			return err
		}
		m.job, m.packages = &job{order: o}, slices.Clone(m.state.packages)
	}
	for m.job.next < len(m.job.order.Items) {
		if on, err := m.item(ctx, f, m.job.order.Items[m.job.next]); err != nil || !on {
			return err
		}
		m.job.next++
		m.job.until = time.Time{}
	}
	s, err := stateOf(m.group.sigs, m.state.os, m.packages)
	if err != nil {
		return err
	}
	s.packages = m.packages
	if err := m.detectFor(ctx, s, m.job.order.ID); err != nil {
		return err
	}
	f.meter.orders.Add(1)
	m.state, m.job = s, nil
	return nil
}

// item carries one item out; it is over where on says so.
func (m *machine) item(ctx context.Context, f *fleet, item wire.OrderItem) (on bool, err error) {
	now, j := time.Now(), m.job
	if w := j.order.Window; !w.NotAfter.IsZero() && !now.Before(w.NotAfter) {
		return true, m.report(ctx, item, patch.ExecFailed, patch.FailWindow, "the window ended first")
	}
	if j.until.IsZero() {
		for _, s := range []patch.Execution{patch.ExecDownloading, patch.ExecInstalling} {
			if err := m.report(ctx, item, s, "", ""); err != nil {
				return false, err
			}
		}
		j.until = now
		if f.drawn("slow", m.number, "") < f.Work.Slow {
			j.until = now.Add(f.Work.SlowFor)
		}
		if f.drawn("silent", m.number, "") < f.Work.Silent {
			m.silent = true
			f.meter.silent.Add(1)
			return false, nil
		}
	}
	if now.Before(j.until) {
		return false, nil
	}
	if f.drawn("failing", m.number, item.Patch) < f.Work.Failing {
		f.meter.failed.Add(1)
		return true, m.report(ctx, item, patch.ExecFailed, patch.FailPatch, "simulated: the package's own script failed")
	}
	for _, p := range item.Packages {
		m.install(p)
	}
	f.meter.installed.Add(1)
	return true, m.report(ctx, item, patch.ExecDone, "", "")
}

// install puts a package onto the machine.
func (m *machine) install(p patch.PlanPackage) {
	arch := p.Arch
	for i := range m.packages {
		if x := &m.packages[i]; x.Name == p.Name && (x.Arch == arch || arch == "all" || x.Arch == "all") && x.Version == p.From {
			x.Version, x.SourceVersion = p.Version, p.Version
			return
		}
	}
	m.packages = append(m.packages, patch.Package{Name: p.Name, Arch: arch, Version: p.Version, Source: p.Name, SourceVersion: p.Version, State: patch.Installed})
}

func (m *machine) report(ctx context.Context, item wire.OrderItem, state patch.Execution, cause patch.FailCause, text string) error {
	r := wire.Result{Seq: m.results + 1, Order: m.job.order.ID, Attempt: item.Attempt, At: time.Now().UTC(), Boot: m.boot(), State: state, Cause: cause, Text: text}
	ack, err := m.remote.Report(ctx, []wire.Result{r})
	if err == nil && ack != r.Seq {
		err = patch.Errorf(patch.Internal, "result %d of %s was acknowledged as %d", r.Seq, m.name, ack)
	}
	if err == nil {
		m.results = r.Seq
	}
	return err
}

// drawn is a number in [0, 1) that follows from the seed, a machine and a patch alone.
func (f *fleet) drawn(what string, machine int, id patch.ID) float64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %s %d %s", f.Seed, what, machine, id)
	x := h.Sum64()
	x ^= x >> 33 // neighbours' sums differ in few bits
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	return float64(x>>11) / (1 << 53)
}
