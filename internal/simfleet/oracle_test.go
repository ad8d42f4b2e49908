package simfleet_test

import (
	"encoding/json"
	"math/rand/v2"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/plan"
)

// look holds what the appliance has stored against what it promised, and what it explains against what it would do.
func (w *sim) look(r *rand.Rand) {
	w.server.busy.Lock()
	defer w.server.busy.Unlock()
	a := w.server.alive()
	if a == nil {
		return
	}
	for _, b := range w.boxes {
		w.mu.Lock()
		acked, snapshot := b.acked, b.snapshot
		w.mu.Unlock()
		m, err := a.Store.FindMachine(a.ctx, b.id)
		w.must(err)
		if m.ResultsAck < acked || m.SnapshotSeq < snapshot {
			w.fail("%s: results %d and snapshot %d were acknowledged, and %d and %d are stored", b.name, acked, snapshot, m.ResultsAck, m.SnapshotSeq)
		}
	}
	w.agree(r, w.boxes[r.IntN(len(w.boxes))], w.anyPatch(r))
}

// agree asks explain and plan about the same machine and patch.
func (w *sim) agree(_ *rand.Rand, b *box, id patch.ID) {
	a := w.server.alive()
	ex, err := a.Ledger.Explain(a.ctx, b.id, id)
	if patch.KindOf(err) == patch.NotFound && err != nil {
		return
	}
	w.must(err)
	p, err := a.Planner.Make(a.ctx, w.server.admin, plan.Request{Machines: []patch.MachineID{b.id}, Patches: []patch.ID{id}})
	w.must(err)
	planned := false
	for _, m := range p.Machines {
		for _, i := range m.Items {
			planned = planned || i.Patch == id
		}
	}
	if would := ex.Answer.Deployable || ex.Answer.Queues(); err == nil && would != planned {
		w.fail("%s on %s: explain says %q (deployable %v), and planned is %v", id, b.name, ex.Answer.Sentence, ex.Answer.Deployable, planned)
	}
	if ex.Answer.Deployable && !w.approved(b, id, time.Time{}) {
		w.fail("%s on %s: explain says deployable, and nobody approved it", id, b.name)
	}
}

// settle lets the world come to rest: no faults, everything on, no policies, no rings; then nothing may be lost, open or half-installed.
func (w *sim) settle() {
	w.faults.Store(false)
	w.mu.Lock()
	clear(w.away)
	w.mu.Unlock()
	if w.server.alive() == nil {
		w.server.boot()
	}
	a := w.server.alive()
	if all, err := a.Store.ListRings(a.ctx); err == nil && len(all) > 0 {
		halted, err := a.Store.ListRingProgress(a.ctx, "")
		w.must(err)
		for _, p := range halted {
			if !p.HaltedAt.IsZero() {
				w.must(a.Rings.Resume(a.ctx, w.server.admin, p.Patch, "the world comes to rest"))
			}
		}
		w.must(a.Rings.Remove(a.ctx, w.server.admin, "canary"))
	}
	for _, b := range w.boxes {
		b.policy("")
		b.mend()
	}
	if w.frozen {
		w.thaw()
	}
	if w.behind {
		w.publish()
	}
	w.right()
	step := 3 * time.Hour
	if w.interval > step {
		step = w.interval
	}
	for spent := time.Duration(0); spent < w.kind.rest; spent += step { // longer than any machine is away
		time.Sleep(step)
		w.server.tick()
	}
	w.rest()
}

func (w *sim) rest() {
	a := w.server.alive()
	for _, b := range w.boxes {
		m, err := a.Store.FindMachine(a.ctx, b.id)
		w.must(err)
		if time.Since(m.SeenAt) > 2*w.interval+time.Hour {
			w.fail("%s has not been seen for %s", b.name, time.Since(m.SeenAt))
		}
		for _, n := range names {
			if p := b.get(n); p.Name != "" && p.State != patch.Installed {
				w.fail("%s is left with %s %s", b.name, n, p.State)
			}
		}
		attempts, err := a.Store.ListAttempts(a.ctx, patch.AttemptFilter{Machine: b.id})
		w.must(err)
		for _, x := range attempts {
			b.mu.Lock()
			ran := b.runs[x.ID] > 0
			b.mu.Unlock()
			if ran && x.State != patch.ExecDone && x.State != patch.ExecFailed && !(x.State == patch.ExecWithdrawn && w.mayMiss(b, x.ID)) {
				w.fail("%s executed the attempt %s, and it is stored as %s", b.name, x.ID, x.State)
			}
			if x.State == patch.ExecDownloading || x.State == patch.ExecInstalling {
				w.fail("the attempt %s of %s is %s for ever", x.ID, b.name, x.State)
			}
		}
		snap, err := a.Store.NewestSnapshot(a.ctx, b.id)
		w.must(err)
		if facts, err := json.Marshal(b.facts()); err != nil || snap.Facts != hashOf(facts) {
			w.fail("%s: the newest snapshot, %d of %s, is not of the machine as it is: %v", b.name, snap.Seq, snap.Ended, err)
		}
		if age := time.Since(snap.Ended); time.Until(b.now()).Abs() < time.Second && (age < 0 || age > 2*w.interval+7*time.Hour) {
			w.fail("%s: the newest snapshot is of %s", b.name, snap.Ended)
		}
		if m.DetectFailed != "" || snap.Expected != snap.Evaluated {
			w.fail("%s: no complete detect at the end: %s", b.name, m.DetectFailed)
		}
	}
	w.must(a.Store.VerifyAudit(a.ctx))
}
