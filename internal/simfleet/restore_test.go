package simfleet_test

import (
	"context"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/plan"
	"github.com/fettle-project/fettle/internal/store"
	"github.com/fettle-project/fettle/internal/wire"
)

// backup is an appliance's database as it was, and what the world knew of it then.
type backup struct {
	file      string
	at        time.Time
	decisions map[decisionKey]patch.Decision
	labels    map[string]map[patch.MachineID]bool
	holds     []held
	boxes     map[*box]keptBox
	open      map[string]bool // attempts that had not ended
}

// keptBox is what the appliance had acknowledged to a machine, and how many lives its agent had had.
type keptBox struct {
	acked, snapshot uint64
	lives           int
}

// misfortune has somebody back the appliance up, bring it back from that later, and then look at what is missing.
func (w *sim) misfortune(r *rand.Rand) {
	if w.server.alive() == nil || !w.restores {
		return
	}
	switch {
	case w.frozen && r.IntN(6) == 0:
		w.thaw()
	case w.behind && r.IntN(2) == 0:
		w.publish()
	case r.IntN(8) > 0:
	case w.backup == nil:
		w.backUp()
	default:
		w.restore(r)
	}
}

func (w *sim) backUp() {
	w.server.busy.Lock()
	defer w.server.busy.Unlock()
	a := w.server.alive()
	b := &backup{file: filepath.Join(w.dir, "backup.db"), at: time.Now(), boxes: map[*box]keptBox{}, open: map[string]bool{}, labels: map[string]map[patch.MachineID]bool{}}
	w.mu.Lock()
	b.decisions, b.holds = maps.Clone(w.decisions), slices.Clone(w.holds)
	for name, members := range w.labels {
		b.labels[name] = maps.Clone(members)
	}
	for _, x := range w.boxes {
		b.boxes[x] = keptBox{x.acked, x.snapshot, x.lived()}
	}
	w.mu.Unlock()
	open, err := a.Store.ListAttempts(a.ctx, patch.AttemptFilter{Open: true})
	w.must(err)
	for _, x := range open {
		b.open[x.ID] = true
	}
	w.must(w.data.keep(b.file))
	w.backup = b
}

func (b *box) lived() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.lives)
}

// restore ends the appliance's life and begins one that is older. The world knows again what was known then: what people have decided since is gone.
// What machines were given since is not.
func (w *sim) restore(r *rand.Rand) {
	w.server.kill()
	b := w.backup
	w.must(w.data.fill(b.file))
	st, err := store.Open(context.Background(), store.MemoryScheme+filepath.Base(w.dir), store.Options{})
	w.must(err)
	w.must(st.VerifyAudit(context.Background()))
	w.must(st.Restore(context.Background(), w.server.admin, store.Restored{At: b.at, Version: "sim", Sign: w.signAgain}))
	for _, x := range w.boxes {
		if _, err := st.NewestSnapshot(context.Background(), x.id); patch.KindOf(err) != patch.NotFound || err == nil {
			w.fail("right after a restore, what %s detected before is told: %v", x.name, err)
		}
	}
	w.must(st.Close())
	w.mu.Lock()
	w.decisions, w.labels, w.holds = b.decisions, b.labels, b.holds
	for x, k := range b.boxes {
		x.acked, x.snapshot = k.acked, k.snapshot
	}
	w.era++
	w.since = time.Now()
	w.frozen, w.behind, w.restored, w.backup = true, true, append(w.restored, b), nil
	w.mu.Unlock()
	w.server.boot()
	w.brought.Add(1)
	w.unknown(r)
}

// signAgain is what a restore has revisions told with: as built now.
func (w *sim) signAgain(m patch.RevisionMeta) (patch.RevisionMeta, []byte, error) {
	if now := time.Now().UTC(); m.Built.Before(now) {
		m.Built = now
	}
	sealed, err := wire.Seal(w.server.keys.Catalog, wire.TypeRevision, m)
	if err != nil {
		return m, nil, err
	}
	b, err := json.Marshal(sealed)
	return m, b, err
}

// unknown holds what a restored appliance says against what it cannot know: nothing is patched, eligible or planned before a machine detects.
func (w *sim) unknown(r *rand.Rand) {
	a := w.server.alive()
	x, id := w.boxes[r.IntN(len(w.boxes))], w.anyPatch(r)
	ex, err := a.Ledger.Explain(a.ctx, x.id, id)
	if patch.KindOf(err) == patch.NotFound && err != nil {
		return
	}
	w.must(err)
	p, err := a.Planner.Make(a.ctx, w.server.admin, plan.Request{Machines: []patch.MachineID{x.id}})
	w.must(err)
	if _, err := a.Store.NewestSnapshot(a.ctx, x.id); err == nil {
		return // it was quick
	}
	if ex.Row.Verdict != patch.Unknown || ex.Answer.Deployable || ex.Answer.Queues() {
		w.fail("after a restore %s on %s is %s, and nobody has looked: %s", id, x.name, ex.Row.Verdict, ex.Answer.Sentence)
	}
	for _, m := range p.Machines {
		if len(m.Items) > 0 {
			w.fail("after a restore something is planned for %s, which has not detected", x.name)
		}
	}
}

// thaw ends the blackout that holds deployments back after a restore.
func (w *sim) thaw() {
	a := w.server.alive()
	w.mu.Lock()
	w.frozen = false
	w.mu.Unlock()
	_, err := a.Store.RemoveBlackout(a.ctx, w.server.admin, "restored")
	w.must(err)
}

// isFrozen says whether a life of the appliance may hand out nothing that begins now or then, whichever is later. That ends by itself.
func (w *sim) isFrozen(a *appliance, begins time.Time) bool {
	if now := time.Now(); begins.Before(now) {
		begins = now
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.frozen && a.era == w.era && begins.Before(w.since.Add(week))
}

// mayMiss says whether a machine cannot be expected to tell once more how an attempt ended, which was acknowledged to an appliance that is no more: its
// agent forgets that when its journal is rewritten, at its next start.
func (w *sim) mayMiss(b *box, attempt string) bool {
	return slices.ContainsFunc(w.restored, func(k *backup) bool { return k.open[attempt] && b.lived() > k.boxes[b].lives })
}
