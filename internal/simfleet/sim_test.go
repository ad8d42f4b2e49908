package simfleet_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/auth"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// names are all the packages that there are.
var names = []string{"bash", "curl", "nginx", "openssl", "perl", "zlib"}

// sim is one world: an appliance, machines with their agents, a network, people, and time that passes when nothing else can happen. All of its
// chance comes from one seed.
type sim struct {
	t        *testing.T
	seed     uint64
	dir      string
	interval time.Duration
	faults   atomic.Bool // crashes and losses happen
	server   *server
	data     *database
	boxes    []*box
	began    time.Time
	log      *slog.Logger

	jobs   sync.WaitGroup
	ending chan struct{}

	mu        sync.Mutex
	failed    error
	offered   map[string]string // newest version by package
	before    map[string]string // the version before that
	all       []patch.ID        // every patch that ever was
	decisions map[decisionKey]patch.Decision
	labels    map[string]map[patch.MachineID]bool
	orders    map[string][]ordered
	away      map[string]time.Time // by box: its network is gone until then
	backs     map[backKey][]patch.Step
	holds     []held

	twoPersons bool       // decisions about machines of the canary label need a second person
	keeps      bool       // the vendor's archive has the version before the newest one too
	confirming patch.Hash // the plan that the second person confirms just now

	restores bool      // the appliance is brought back from backups
	backup   *backup   // the newest one, until it was used
	restored []*backup // those that were used
	era      int       // how many
	since    time.Time // of the newest restore
	frozen   bool      // nothing may be handed out since
	behind   bool      // it has not heard of the vendor since

	requests, lost, renewals, deaths, kills, executions, returns, waited, clocks, brought atomic.Int64
	lived, alone                                                                          atomic.Int64 // by agents together, and without a network, in nanoseconds
	kind                                                                                  kind
}

type decisionKey struct {
	patch patch.ID
	label string
}

// random is the chance of one part of the world, whatever the others draw.
func (w *sim) random(part string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(part))
	return rand.New(rand.NewPCG(w.seed, h.Sum64()))
}

// fail notes the first broken invariant; the world ends with it.
func (w *sim) fail(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed == nil {
		w.failed = fmt.Errorf("after %s: "+format, append([]any{time.Since(w.began)}, args...)...)
	}
}

func (w *sim) must(err error) {
	if err != nil && err != context.Canceled {
		w.fail("%v", err)
	}
}

func (w *sim) broken() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.failed
}

// later does something after a while, unless the world ends before.
func (w *sim) later(d time.Duration, f func()) {
	w.jobs.Go(func() {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
			f()
		case <-w.ending:
		}
	})
}

func (w *sim) partitioned(b *box) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Before(w.away[b.name])
}

// cutOff takes a machine's network away until a moment.
func (w *sim) cutOff(b *box, until time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if until.After(w.away[b.name]) {
		w.away[b.name] = until
	}
}

// travel has a machine be at home for some days and then without a network for up to three weeks, in turns: its certificate ends meanwhile, and
// what was ordered and decided is long over when it is back.
func (w *sim) travel(b *box, r *rand.Rand) {
	home, trip := time.Duration(1+r.Int64N(int64(10*day))), time.Duration(1+r.Int64N(int64(21*day)))
	w.later(home, func() {
		if !w.faults.Load() {
			return
		}
		w.cutOff(b, time.Now().Add(trip))
		w.later(trip, func() {
			w.alone.Add(int64(trip))
			w.travel(b, r)
		})
	})
}

// approved is the world's own account of what people decided, for an installation that begins not before a moment.
func (w *sim) approved(b *box, id patch.ID, begins time.Time) bool {
	if now := time.Now(); begins.Before(now) {
		begins = now
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.isHeld(b, id, begins) {
		return false
	}
	yes := false
	for k, d := range w.decisions {
		if k.patch != id || k.label != patch.LabelAll && !w.labels[k.label][b.id] {
			continue
		}
		switch {
		case d.Verb == patch.Decline, d.Verb == patch.Hold && begins.Before(d.Until):
			return false
		case d.Verb == patch.Approve:
			yes = true
		}
	}
	return yes
}

// executed holds an execution against the orders: each attempt once, exactly the ordered version, inside its window, downwards only from the
// version and to the version that a rollback names.
func (w *sim) executed(b *box, t host.Transaction) {
	w.executions.Add(1)
	b.mu.Lock()
	b.runs[t.Attempt]++
	n := b.runs[t.Attempt]
	back, told := b.taken[t.Attempt]
	told = told && back.life == len(b.lives) && time.Now().After(back.at)
	veto := b.veto
	b.mu.Unlock()
	if veto {
		w.fail("%s begins the attempt %s, and its owner forbids that", b.name, t.Attempt)
	}
	if told {
		w.fail("%s begins the attempt %s, and was told that it is taken back", b.name, t.Attempt)
	}
	if n > 1 {
		w.fail("%s executes the attempt %s for the %dth time", b.name, t.Attempt, n)
	}
	w.mu.Lock()
	orders := w.orders[t.Attempt]
	w.mu.Unlock()
	at, slack := w.timeOf(b)
	for _, c := range t.Changes {
		ok, down := false, version.DpkgCompare(c.From, c.To) >= 0
		for _, o := range orders {
			ok = ok || o.pkg.Back == down && (!down || o.pkg.From == c.From) && o.machine == b.id && o.pkg.Name == c.Name && o.pkg.Version == c.To && !at.After(o.expires.Add(slack)) &&
				(o.window.NotAfter.IsZero() || !at.After(o.window.NotAfter.Add(slack))) && !at.Before(o.window.NotBefore.Add(-slack))
		}
		if !ok {
			w.fail("%s brings %s from %s to %s, which nobody ordered for %s: %+v", b.name, c.Name, c.From, c.To, at, orders)
		}
		if down {
			w.returns.Add(1)
		}
	}
}

// emptySim is a world in which nothing is yet.
func emptySim(t *testing.T, seed uint64, dir string, k kind) *sim {
	w := &sim{t: t, seed: seed, dir: dir, began: time.Now(), ending: make(chan struct{}), offered: map[string]string{}, before: map[string]string{}, decisions: map[decisionKey]patch.Decision{},
		labels: map[string]map[patch.MachineID]bool{}, orders: map[string][]ordered{}, away: map[string]time.Time{},
		backs: map[backKey][]patch.Step{}, kind: k}
	w.log = slog.New(slog.DiscardHandler)
	if os.Getenv("FETTLE_SIM_LOG") != "" {
		w.log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	r := w.random("setup")
	w.interval = k.every[r.IntN(len(k.every))]
	w.twoPersons, w.keeps = r.IntN(4) == 0, r.IntN(3) > 0
	w.restores = w.random("restores").IntN(3) == 0
	return w
}

// begin starts the appliance over a copy of a database.
func (w *sim) begin(keys *auth.Keys, database string) {
	var err error
	w.data, err = newDatabase(filepath.Base(w.dir), database)
	w.must(err)
	w.server = &server{w: w, dir: w.dir, keys: keys, files: map[string][]byte{}, admin: patch.Caller{Name: "m.keller", Role: patch.Admin, From: "local", Via: "cli"}}
	w.server.boot()
}

// newSim sets a world up: an archive, enrolled machines, labels.
func newSim(t *testing.T, seed uint64, dir string, from *enrolled, k kind) *sim {
	w := emptySim(t, seed, dir, k)
	time.Sleep(time.Until(from.at))
	w.begin(from.keys, from.database)
	for _, n := range names {
		w.offered[n] = "1.0-1"
	}
	w.release(w.random("archive"), 3)
	for i, c := range from.boxes {
		b := w.newBox(i)
		b.id, b.disk = c.id, c.disk.copy()
		w.boxes = append(w.boxes, b)
	}
	w.mu.Lock()
	for _, name := range []string{"canary", "web"} {
		w.labels[name] = map[patch.MachineID]bool{}
	}
	w.mu.Unlock()
	labels := w.random("labels")
	w.relabel(labels, "canary")
	w.relabel(labels, "web")
	w.faults.Store(true)
	for _, b := range w.boxes {
		b.start()
		if travels := w.random("travels " + b.name); travels.IntN(100) < k.travel {
			w.travel(b, travels)
		}
		if strays := w.random("clock of " + b.name); strays.IntN(100) < k.strays {
			w.strays(b, strays)
		}
	}
	return w
}

// end stops everything and waits for it.
func (w *sim) end() {
	close(w.ending)
	for _, b := range w.boxes {
		l := b.life()
		l.end()
		<-l.done
	}
	w.jobs.Wait()
	if w.server.alive() != nil {
		w.server.kill()
	}
	w.must(w.data.close())
	for _, b := range w.boxes {
		if j := b.working(); j != nil {
			<-j.done
		}
	}
}
