package simulate

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fettle-project/fettle/internal/agent"
	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/patch"
)

// Config is what a run is told.
type Config struct {
	Server      string         // the agent listener, "https://127.0.0.1:8461"
	Token       string         // enrols all machines and admits them
	Machines    int            // ≥ 1
	OSes        []patch.HostOS // the machines are spread over them; each has a catalog
	Facts       *patch.Facts   // a real machine's: those of its host OS have its packages; may be nil
	Applicable  int            // patches that shall apply to one machine; reached where the list has that many
	States      int            // different machines of one host OS
	Rounds      int            // of a changed and an unchanged detect of each machine
	Rate        float64        // machines a second; 0: as many as the appliance takes
	Workers     int            // machines at work at once
	Connections int            // kept open between a machine's requests; further machines resume their TLS session
	Active      int            // only so many machines take part in the rounds; 0: all
	Seed        uint64
	Prefix      string // of the machines' names
	Version     string // that the machines say they run
	Work        *Work  // after the rounds; nil: the machines take no orders
	Progress    func(step string, done, total int)
}

// fleet is a run.
type fleet struct {
	Config
	groups   []*group
	machines []*machine
	meter    meter
	figures  Figures
	order    []string // of the steps
}

// Run makes the fleet and lets it work. When ctx ends it stops and gives what was measured until then, with ctx's error.
func Run(ctx context.Context, c Config) (Figures, error) {
	begun := time.Now()
	f := &fleet{Config: c, figures: Figures{Server: c.Server, Connections: min(c.Connections, c.Machines), Patches: map[patch.HostOS]int{},
		Applicable: map[patch.HostOS]int{}, States: map[patch.HostOS]int{}, steps: map[string]*stopwatch{}}}
	err := f.run(ctx)
	for _, m := range f.machines {
		if m.remote != nil {
			m.remote.Close()
		}
	}
	f.figures.settle(f.order)
	if c.Work != nil {
		f.figures.Work = &WorkFigures{Orders: int(f.meter.orders.Load()), Installed: int(f.meter.installed.Load()), Failed: int(f.meter.failed.Load()), Silent: int(f.meter.silent.Load())}
	}
	f.figures.Seconds = time.Since(begun).Seconds()
	return f.figures, err
}

func (f *fleet) run(ctx context.Context) error {
	guest, err := agent.NewGuest(f.Server, f.Token, f.Version, f.meter.dial)
	if err != nil {
		return err
	}
	defer guest.Close()
	for i := range f.Machines {
		f.machines = append(f.machines, &machine{name: fmt.Sprintf("%s%06d", f.Prefix, i+1), number: i, version: f.Version, random: rand.New(rand.NewPCG(f.Seed, uint64(i)))})
	}
	err = f.step(ctx, "enrol", f.machines, func(ctx context.Context, m *machine) (err error) {
		m.remote, err = guest.Enrol(ctx, m.name)
		return err
	})
	if err != nil {
		return err
	}
	if err := f.survey(ctx); err != nil {
		return err
	}
	active := f.machines
	if f.Active > 0 && f.Active < len(active) {
		active = active[:f.Active]
	}
	type part struct {
		name string
		over []*machine
		do   func(*machine, context.Context) error
	}
	run := func(parts ...part) error {
		for _, p := range parts {
			if err := f.step(ctx, p.name, p.over, func(ctx context.Context, m *machine) error { return p.do(m, ctx) }); err != nil {
				return err
			}
		}
		return nil
	}
	if err := run(part{"join", f.machines, (*machine).join}, part{"whole", f.machines, (*machine).unchanged}); err != nil {
		return err
	}
	f.letGo(len(active))
	ask := func(m *machine, ctx context.Context) error { return m.remote.Ask(ctx) }
	parts := []part{{"resume", active, ask}} // the first of them were idle for as long as the others took, and appliances close idle connections
	for range f.Rounds {
		parts = append(parts, part{"changed", active, (*machine).changed}, part{"unchanged", active, (*machine).unchanged})
	}
	parts = append(parts, part{"documents", active, (*machine).checkin}, part{"checkin", active, (*machine).checkin},
		part{"empty", active, ask})
	if err := run(parts...); err != nil {
		return err
	}
	if f.Work != nil {
		return f.work(ctx)
	}
	return nil
}

// letGo forgets the machines that take no further part and keep no connection: some gigabytes of a large fleet, which would be looked through, to find out
// what of them can go, while others are measured.
func (f *fleet) letGo(active int) {
	if keep := max(active, f.Connections); f.Work == nil && keep < len(f.machines) {
		clear(f.machines[keep:])
		f.machines = f.machines[:keep]
		runtime.GC()
	}
}

// survey fetches each host OS's files once, as one of its machines, and gives every machine its group.
func (f *fleet) survey(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "fettle-simulate-")
	if err != nil {
		return patch.Errorf(patch.Unavailable, "cannot make a folder for catalogs: %w", err)
	}
	defer os.RemoveAll(dir)
	scout := f.machines[0]
	for i, name := range f.OSes {
		f.Progress("states", i, len(f.OSes))
		meta, list, signatures, err := scout.remote.Catalog(ctx, name, dir)
		if err != nil {
			return err
		}
		l, err := catalog.DecodeList(list)
		if err != nil {
			return err
		}
		var known *patch.Facts
		if f.Facts != nil && f.Facts.OS.Key == name {
			known = f.Facts
		}
		g, err := survey(f.Config, meta, l.Patches(), signatures, known)
		if err != nil {
			return err
		}
		f.groups = append(f.groups, g)
		f.figures.Patches[name], f.figures.Applicable[name], f.figures.States[name] = meta.Patches, g.applies, f.States
		f.figures.SnapshotLen = max(f.figures.SnapshotLen, g.jsonSize)
	}
	for i, m := range f.machines {
		m.group = f.groups[i%len(f.groups)]
	}
	f.Progress("states", len(f.OSes), len(f.OSes))
	return nil
}

// step has every machine do one thing, several at once, and waits for all of them.
func (f *fleet) step(ctx context.Context, name string, over []*machine, do func(context.Context, *machine) error) error {
	w := f.figures.steps[name]
	if w == nil {
		w = &stopwatch{}
		f.figures.steps[name] = w
		f.order = append(f.order, name)
	}
	begun, sent, got := time.Now(), f.meter.sent.Load(), f.meter.got.Load()
	var next, done atomic.Int64
	var workers sync.WaitGroup
	at := min(f.Workers, len(over))
	if name == "enrol" {
		at = min(at, enrolAtOnce)
	}
	for range at {
		workers.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(over)) && ctx.Err() == nil; i = next.Add(1) - 1 {
				f.pace(ctx, begun, i)
				f.turn(ctx, w, over[i], do)
				if n := done.Add(1); n%64 == 0 || n == int64(len(over)) {
					f.Progress(name, int(n), len(over))
				}
			}
		})
	}
	workers.Wait()
	w.took += time.Since(begun)
	w.sent, w.got = w.sent+f.meter.sent.Load()-sent, w.got+f.meter.got.Load()-got
	if name == "enrol" {
		f.figures.Machines = len(w.times)
		if w.lost > 0 && len(w.times) == 0 && ctx.Err() == nil {
			return &patch.Error{Kind: patch.Unavailable, What: "no machine could enrol", Do: "Check the address of the agent listener and the token: it must admit by itself and have as many uses as there are machines."}
		}
	}
	return ctx.Err()
}

// pace keeps the i-th machine back until its time has come.
func (f *fleet) pace(ctx context.Context, begun time.Time, i int64) {
	if f.Rate <= 0 {
		return
	}
	wait(ctx, time.Until(begun.Add(time.Duration(float64(i)/f.Rate*float64(time.Second)))))
}

const (
	tries       = 6
	enrolAtOnce = 24 // an appliance lets one address try so often at once
)

// turn has one machine do one thing; what a busy appliance turns away is tried again later, as agents do.
func (f *fleet) turn(ctx context.Context, w *stopwatch, m *machine, do func(context.Context, *machine) error) {
	if m.lost {
		return
	}
	for try := 1; ctx.Err() == nil; try++ {
		begun := time.Now()
		err := do(ctx, m)
		if err == nil {
			w.note(time.Since(begun))
			break
		}
		if ctx.Err() != nil {
			return
		}
		kind := patch.KindOf(err)
		m.lost = try == tries || kind != patch.Unavailable && kind != patch.Exhausted
		if w.failed(err, m.lost); m.lost {
			break
		}
		wait(ctx, rand.N(time.Duration(try)*time.Second))
	}
	if m.number >= f.Connections && m.remote != nil {
		m.remote.Close()
	}
}

func wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
