package simfleet_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/agent"
	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// stateDir is where agents keep their files, each on its own disk.
const stateDir, policyFile = "/var/lib/fettle-agent", "/etc/fettle-agent/policy"

var errDead = errors.New("this life is over")

// life is one process of an agent: from its start until it is killed or the power fails.
type life struct {
	ctx   context.Context
	end   context.CancelFunc
	done  chan struct{} // closed when its code has returned
	power bool          // it ended by a loss of power
}

// box is a machine: its packages as dpkg has them, its boots, its disk, and its agent's lives one after another.
type box struct {
	w          *sim
	name       string
	id         patch.MachineID
	*rand.Rand            // under mu: use draw
	mu         sync.Mutex // over everything below
	disk       *disk
	lives      []*life
	links      int
	polls      bool // long polls reach the appliance
	on         bool
	veto       bool // its owner lets nobody deploy
	clock      clock

	packages map[string]patch.Package
	boots    int
	owed     bool
	bad      map[string]bool // packages whose maintainer scripts fail here
	job      *job

	runs     map[string]int // executions by attempt
	taken    map[string]takenBack
	acked    uint64 // results that the appliance has acknowledged
	snapshot uint64 // newest snapshot that it has acknowledged
	installs int
}

// job is a package manager at work. It outlives the agent that started it, not the machine.
type job struct {
	done chan struct{}
	by   string // who runs it; empty: an agent
	err  error
}

func (w *sim) newBox(i int) *box {
	b := &box{w: w, name: fmt.Sprint("m", i), Rand: w.random(fmt.Sprint("box ", i)), packages: map[string]patch.Package{}, bad: map[string]bool{}, runs: map[string]int{}, taken: map[string]takenBack{},
		boots: 1, on: true, disk: newDisk()}
	b.polls = i == 0 && b.IntN(4) == 0
	for _, n := range names {
		if b.IntN(4) > 0 {
			b.set(n, "1.0-1", patch.Installed)
		}
		b.bad[n] = b.IntN(12) == 0
	}
	return b
}

func (b *box) set(name, v string, state patch.PackageState) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.packages[name] = patch.Package{Name: name, Arch: "amd64", Version: v, Source: name, SourceVersion: v, State: state}
}

func (b *box) get(name string) patch.Package {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.packages[name]
}

func (b *box) working() *job {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.job
}

// draw gives a number below n from the box's own chance.
func (b *box) draw(n int64) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Rand.Int64N(n)
}

func (b *box) config(l *life) agent.Config {
	r := b.w.random(fmt.Sprint("agent ", b.name, len(b.lives)))
	var mu sync.Mutex
	jitter := func(bound time.Duration) time.Duration {
		mu.Lock()
		defer mu.Unlock()
		return time.Duration(r.Int64N(int64(bound)))
	}
	return agent.Config{
		StateDir: stateDir, Disk: drive{b.disk, b, l}, PolicyFile: policyFile, Version: "sim", Interval: b.w.interval, Host: &machine{b, l}, Installer: &machine{b, l},
		Chain: &machine{b, l}, Steward: noStewardship{}, Prober: &machine{b, l}, Room: func(int64, ...string) error { return nil }, Power: func() error { return nil },
		Transport: func(c *tls.Config) http.RoundTripper { return b.transport(l)(c) },
		Release:   func() {}, Now: b.now, Jitter: jitter, Log: b.w.log,
	}
}

// start begins a life.
func (b *box) start() {
	l := &life{done: make(chan struct{})}
	l.ctx, l.end = context.WithCancel(context.Background())
	b.mu.Lock()
	b.lives = append(b.lives, l)
	b.mu.Unlock()
	cfg, began := b.config(l), time.Now()
	go func() {
		defer close(l.done)
		defer func() { b.w.lived.Add(int64(time.Since(began))) }()
		if err := agent.New(cfg).Run(l.ctx); err != nil && l.ctx.Err() == nil {
			b.w.fail("the agent of %s ended by itself: %v", b.name, err)
		}
	}()
}

func (b *box) life() *life {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lives[len(b.lives)-1]
}

// point is a moment between two steps of a life: time passes, and it may be the last one.
func (b *box) point(l *life, per10000 int64) error {
	if l.ctx.Err() != nil {
		return errDead
	}
	if b.w.faults.Load() && b.draw(10_000) < per10000 {
		b.die(l, b.draw(2) == 0)
		return errDead
	}
	return nil
}

// die ends a life, by kill -9 or with the machine's power. What comes after begins when the dead code has noticed.
func (b *box) die(l *life, power bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if l.ctx.Err() != nil {
		return
	}
	l.power = power
	if power {
		b.disk = b.disk.lose(b.Rand)
		b.disk.everything()
		b.boots++
		if b.job != nil {
			b.job.err = errDead
		}
	}
	l.end()
	again := time.Duration(1 + b.Rand.Int64N(int64(20*time.Minute)))
	if power && b.Rand.IntN(4) == 0 {
		again = time.Duration(b.Rand.Int64N(int64(30 * time.Hour)))
	}
	b.w.later(again, func() {
		<-l.done
		if b.isOn() && b.life() == l {
			b.start()
		}
	})
	b.w.deaths.Add(1)
}

// machine is a box as one life of its agent sees it.
type machine struct {
	*box
	l *life
}

func (m *machine) alive() error {
	if m.l.ctx.Err() != nil {
		return errDead
	}
	return nil
}

func (m *machine) Facts(context.Context) (patch.Facts, error) { return m.facts(), m.alive() }

// facts are the packages as dpkg has them.
func (m *box) facts() patch.Facts {
	f := patch.Facts{OS: patch.OSFacts{Key: hostOS, ID: "debian", VersionID: "12", Codename: "bookworm", Arch: "amd64"}}
	m.mu.Lock()
	defer m.mu.Unlock()
	f.Packages = make([]patch.Package, 0, len(names))
	for _, n := range names {
		if p := m.packages[n]; p.Name != "" {
			f.Packages = append(f.Packages, p)
		}
	}
	return f
}

func (m *machine) Collect(ctx context.Context, sigs *detect.Signatures, f *patch.Facts) error {
	return sigs.Collect(ctx, f, item.NewStored(nil))
}

func (m *machine) Inventory(_ context.Context, f patch.Facts) (patch.Inventory, error) {
	return patch.Inventory{Hostname: m.name, OS: f.OS}, m.alive()
}
func (m *machine) Boot() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return fmt.Sprint("boot-", m.boots)
}
func (m *machine) Reboot() patch.RebootSignal {
	m.mu.Lock()
	defer m.mu.Unlock()
	return patch.RebootSignal{Owed: m.owed}
}

// Lists says that there are none: what the vendor offers comes through the appliance alone.
func (m *machine) Lists() time.Time { return time.Time{} }

func (m *machine) Probe(_ context.Context, p patch.Probe, _ time.Duration) patch.ProbeAnswer {
	return patch.ProbeAnswer{Probe: p, OK: true, Seen: "well"}
}

func (m *machine) Stage(context.Context, []host.Staged) error { return m.point(m.l, 50) }

func (m *machine) Plan(_ context.Context, attempt string, _ patch.Facts, want, _ []host.Staged) (host.Transaction, error) {
	t := host.Transaction{Attempt: attempt}
	for _, w := range want {
		t.Want = append(t.Want, w.PlanPackage)
		if now := m.get(w.Name); now.Version != w.Version {
			t.Changes = append(t.Changes, host.Change{Name: w.Name, Arch: w.Arch, From: now.Version, To: w.Version})
		}
	}
	return t, m.point(m.l, 50)
}

// Run starts the package manager and waits for it. The world holds every execution against what was ordered.
func (m *machine) Run(ctx context.Context, t host.Transaction) (string, error) {
	if err := m.point(m.l, 100); err != nil {
		return "", err
	}
	m.w.executed(m.box, t)
	if m.working() != nil {
		m.w.fail("%s starts a second package manager", m.name)
	}
	j := &job{done: make(chan struct{})}
	m.mu.Lock()
	m.job = j
	m.mu.Unlock()
	go m.work(j, t)
	select {
	case <-j.done:
	case <-m.l.ctx.Done():
		return "", errDead // the agent is gone; the package manager is not
	}
	return "output", j.failed(m.box)
}

func (j *job) failed(b *box) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return j.err
}

// work is dpkg: it unpacks, runs maintainer scripts, configures. Only a loss of power stops it halfway.
func (b *box) work(j *job, t host.Transaction) {
	defer b.ends(j)
	for _, c := range t.Changes {
		was := b.get(c.Name)
		b.mu.Lock()
		if b.bad[c.Name] {
			j.err = &host.Failure{Cause: patch.FailPatch, Text: "the maintainer script failed", Log: "exit status 1"}
			b.mu.Unlock()
			return
		}
		b.mu.Unlock()
		b.set(c.Name, c.To, patch.Broken)
		time.Sleep(time.Duration(1 + b.draw(int64(40*time.Second))))
		if b.w.faults.Load() && b.draw(60) == 0 {
			b.die(b.life(), b.draw(2) == 0)
		}
		if j.failed(b) != nil {
			if b.draw(3) == 0 {
				b.set(c.Name, was.Version, was.State) // dpkg had not come to it
			}
			return
		}
		b.set(c.Name, c.To, patch.Installed)
		b.mu.Lock()
		b.installs++
		b.owed = b.owed || b.Rand.IntN(6) == 0
		b.mu.Unlock()
	}
}

// Recover waits for a package manager that an earlier life left behind, then installs the kept files that are not there.
func (m *machine) Recover(ctx context.Context, _ string, undone func(begun bool) ([]host.Staged, error)) (string, error) {
	if j := m.working(); j != nil {
		select {
		case <-j.done:
		case <-ctx.Done():
			return "", errDead
		}
	}
	if err := m.point(m.l, 100); err != nil {
		return "", err
	}
	files, err := undone(false)
	if err != nil {
		return "", err
	}
	for _, f := range files {
		if err := m.drive().holds(f.Path, f.Size, f.SHA256); err != nil {
			return "", err
		}
		if m.isBad(f.Name) {
			return "", &host.Failure{Cause: patch.FailPatch, Text: "the maintainer script failed"}
		}
		if now := m.get(f.Name).Version; version.DpkgCompare(now, f.Version) > 0 && !(f.Back && now == f.From) {
			m.w.fail("%s would downgrade %s from %s to %s in a repair", m.name, f.Name, m.get(f.Name).Version, f.Version)
		}
		m.set(f.Name, f.Version, patch.Installed)
		if err := m.point(m.l, 100); err != nil {
			return "", err
		}
	}
	return "repaired", nil
}

func (m *machine) Verify(_ context.Context, _ host.Origin, want []patch.PlanPackage) (map[patch.Hash][]byte, error) {
	out := map[patch.Hash][]byte{}
	for _, p := range want {
		out[p.SHA256] = []byte("Package: " + p.Name + "\n")
	}
	return out, m.point(m.l, 20)
}

// noStewardship is a machine without other patch services.
type noStewardship struct{}

func (noStewardship) Updaters([]patch.Package) []patch.UpdaterState          { return nil }
func (noStewardship) Plan(string) (host.TakenOver, error)                    { return host.TakenOver{}, errDead }
func (noStewardship) TakeOver(context.Context, string, host.TakenOver) error { return errDead }
func (noStewardship) GiveBack(context.Context, string, host.TakenOver) error { return errDead }
func (noStewardship) Missing(string, host.TakenOver) []string                { return nil }

func (b *box) drive() *disk {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.disk
}

func (b *box) isBad(name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bad[name]
}

func (b *box) isOn() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.on
}

// owner is the machine's administrator: a reboot, a policy, an upgrade by hand, a repair.
func (b *box) owner() {
	if !b.isOn() {
		return
	}
	switch b.draw(5) {
	case 0:
		if b.working() == nil {
			b.away(2 * time.Minute)
		}
	case 1:
		words := []string{"", "", "", "no-deploy\n", "detect-only\n"}
		b.policy(words[b.draw(5)])
	case 2:
		b.byHand(names[b.draw(int64(len(names)))])
	case 3:
		b.unattended()
	case 4:
		b.mend()
	}
}

func (b *box) policy(words string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.veto = words != ""
	b.disk.write(policyFile, []byte(words))
}

// mend ends what makes maintainer scripts fail, and configures what they left behind.
func (b *box) mend() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.bad)
}

// away switches the machine off for a while; it comes back with another boot.
func (b *box) away(d time.Duration) {
	l := b.life()
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.on || l.ctx.Err() != nil {
		return
	}
	b.on, b.owed = false, false
	b.boots++
	if b.job != nil {
		b.job.err = errDead
	}
	l.end()
	b.w.later(d, func() {
		<-l.done
		b.mu.Lock()
		b.on = true
		b.mu.Unlock()
		if b.life() == l {
			b.start()
		}
	})
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}
