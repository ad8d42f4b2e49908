package simfleet_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/fettle-project/fettle/internal/approval"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/plan"
)

// release has the vendor publish newer versions of some packages.
func (w *sim) release(r *rand.Rand, n int) {
	w.mu.Lock()
	for range n {
		name := names[r.IntN(len(names))]
		w.before[name] = w.offered[name]
		w.offered[name] = fmt.Sprintf("1.0-%d", 2+len(w.all))
		w.all = append(w.all, patch.ID("bookworm-security/"+name+"/"+w.offered[name]))
	}
	w.mu.Unlock()
	w.publish()
}

// publish has the appliance take what the vendor offers.
func (w *sim) publish() {
	versions := map[string][]string{}
	w.mu.Lock()
	for k, v := range w.offered {
		if b := w.before[k]; b != "" && w.keeps {
			versions[k] = append(versions[k], b)
		}
		versions[k] = append(versions[k], v)
	}
	w.behind = false
	w.mu.Unlock()
	w.server.release(versions)
}

func (w *sim) relabel(r *rand.Rand, name string) {
	var members []patch.MachineID
	now := map[patch.MachineID]bool{}
	for _, b := range w.boxes {
		if r.IntN(2) == 0 {
			members, now[b.id] = append(members, b.id), true
		}
	}
	a := w.server.alive()
	w.must(a.Labels.Put(a.ctx, w.server.admin, patch.Label{Name: name, Members: members, CreatedAt: time.Now()}))
	w.mu.Lock()
	w.labels[name] = now
	w.mu.Unlock()
}

// act is what somebody does, or what befalls the appliance.
func (w *sim) act(r *rand.Rand) {
	if w.server.alive() == nil {
		w.server.boot()
		return
	}
	w.server.busy.Lock()
	kill := false
	switch n := r.IntN(100); {
	case n < 8:
		w.release(r, 1+r.IntN(2))
	case n < 40:
		w.decide(r)
	case n < 45:
		w.relabel(r, []string{"canary", "web"}[r.IntN(2)])
	case n < 67:
		w.deploy(r)
	case n < 72:
		w.takeBack(r)
	case n < 74:
		w.halt(r)
	case n < 76:
		w.answers(r)
	case n < 79:
		w.rings(r)
	case n < 87:
		w.boxes[r.IntN(len(w.boxes))].owner()
	case n < 90:
		w.boxes[r.IntN(len(w.boxes))].away(time.Duration(r.Int64N(int64(30 * time.Hour))))
	case n < 95:
		w.cutOff(w.boxes[r.IntN(len(w.boxes))], time.Now().Add(time.Duration(r.Int64N(int64(12*time.Hour)))))
	default:
		kill = true
	}
	w.server.busy.Unlock()
	if kill {
		w.server.kill()
		w.kills.Add(1)
	}
}

// chance is a span of up to n hours in a world where machines check in every few hours, and in proportion where they do so less often.
func (w *sim) chance(r *rand.Rand, n int) time.Duration {
	return time.Duration(1+r.IntN(n)) * max(time.Hour, w.interval/4)
}

func (w *sim) anyPatch(r *rand.Rand) patch.ID {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.all); n > 6 {
		return w.all[n-6+r.IntN(6)]
	}
	return w.all[r.IntN(len(w.all))]
}

func (w *sim) decide(r *rand.Rand) {
	if r.IntN(12) == 0 {
		w.lift(r)
		return
	}
	verbs := []patch.Verb{patch.Approve, patch.Approve, patch.Approve, patch.Approve, patch.Approve, patch.Decline, patch.Hold, patch.Clear}
	req := approval.Request{Patches: []patch.ID{w.anyPatch(r)}, Label: []string{"all", "all", "canary", "web"}[r.IntN(4)], Verb: verbs[r.IntN(len(verbs))], Why: "chance"}
	if req.Verb == patch.Hold {
		req.Until = time.Now().Add(w.chance(r, 48))
	}
	w.submit(r, req)
}

// window is when a deployment may begin and has to end: now and at any time, or not.
func (w *sim) window(r *rand.Rand) (out patch.Window) {
	switch r.IntN(4) {
	case 0:
		out.NotBefore = time.Now().Add(w.chance(r, 10))
		out.NotAfter = out.NotBefore.Add(w.chance(r, 3))
	case 1:
		out.NotAfter = time.Now().Add(w.chance(r, 5))
	}
	return out
}

func (w *sim) deploy(r *rand.Rand) {
	a := w.server.alive()
	req := plan.Request{Label: []string{"all", "all", "canary", "web"}[r.IntN(4)], Window: w.window(r)}
	p, err := a.Planner.Make(a.ctx, w.server.admin, req)
	w.must(err)
	if err != nil || !slices.ContainsFunc(p.Machines, func(m patch.MachinePlan) bool { return len(m.Items) > 0 }) {
		return
	}
	if _, err := a.Deploy.Apply(a.ctx, w.server.admin, p); err != nil && patch.KindOf(err) != patch.Conflict {
		w.must(err)
	}
}

func (w *sim) halt(r *rand.Rand) {
	a := w.server.alive()
	all, err := a.Store.ListDeployments(a.ctx, 5)
	w.must(err)
	if len(all) == 0 {
		return
	}
	if _, err := a.Deploy.Halt(a.ctx, w.server.admin, all[r.IntN(len(all))].ID); err != nil && patch.KindOf(err) != patch.Conflict {
		w.must(err)
	}
}

// rings sets rings up, takes them down, and takes what they halted back.
func (w *sim) rings(r *rand.Rand) {
	a, id := w.server.alive(), w.anyPatch(r)
	var err error
	switch r.IntN(6) {
	case 0, 1:
		_, err = a.Rings.Put(a.ctx, w.server.admin, patch.Ring{Name: "canary", Label: "canary", Position: 1, Soak: patch.Span(w.chance(r, 20)),
			Silence: patch.Span(4*time.Hour + w.chance(r, 20)), First: 1 + r.IntN(3), AtOnce: r.IntN(3), Splay: patch.Span(time.Duration(r.IntN(3)) * time.Hour)})
	case 2:
		err = a.Rings.Remove(a.ctx, w.server.admin, "canary")
	case 3:
		err = a.Rings.Halt(a.ctx, w.server.admin, id, "chance")
	default:
		err = a.Rings.Resume(a.ctx, w.server.admin, id, "chance")
	}
	if kind := patch.KindOf(err); err != nil && kind != patch.Conflict && kind != patch.NotFound {
		w.must(err)
	}
}
