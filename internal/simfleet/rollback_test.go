package simfleet_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/approval"
	"github.com/fettle-project/fettle/internal/deploy"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/plan"
	"github.com/fettle-project/fettle/internal/wire"
)

// backKey is a patch that goes back on a machine, by a deployment.
type backKey struct {
	deployment string
	machine    patch.MachineID
	patch      patch.ID
}

// held is a patch that was taken back and does not come again on a machine until then; label is the hold's.
type held struct {
	machine patch.MachineID
	patch   patch.ID
	label   string
	until   time.Time
}

// takeBack has somebody plan a rollback, of what a deployment brought or of a patch, and apply it.
func (w *sim) takeBack(r *rand.Rand) {
	a := w.server.alive()
	req := plan.Request{Rollback: &patch.Rollback{Why: "chance"}, Window: w.window(r)}
	if r.IntN(4) > 0 {
		req.Rollback.HoldUntil = time.Now().Add(w.chance(r, 60)).UTC().Truncate(time.Second).Add(time.Second)
	}
	switch r.IntN(4) {
	case 0, 1:
		all, err := a.Store.ListDeployments(a.ctx, 5)
		w.must(err)
		if len(all) == 0 {
			return
		}
		req.Rollback.Deployment = all[r.IntN(len(all))].ID
	case 2:
		req.Patches, req.Label = []patch.ID{w.anyPatch(r)}, []string{"all", "canary", "web"}[r.IntN(3)]
	default:
		req.Patches, req.Machines = []patch.ID{w.anyPatch(r), w.anyPatch(r)}, []patch.MachineID{w.boxes[r.IntN(len(w.boxes))].id}
	}
	p, err := a.Planner.Make(a.ctx, w.server.admin, req)
	if err != nil {
		w.mayFail(err) // it took patches back itself, or knows nothing of them since a restore
		return
	}
	if !slices.ContainsFunc(p.Machines, func(m patch.MachinePlan) bool { return len(m.Items) > 0 }) {
		return
	}
	dep, err := a.Deploy.Apply(a.ctx, w.server.admin, p)
	if err != nil {
		if patch.KindOf(err) != patch.Conflict {
			w.must(err)
		}
		return
	}
	if second := w.needsSecond(p); second != (dep.State == patch.Suggested) {
		w.fail("a rollback that needs a second person (%v) became %s", second, dep.State)
	}
	if dep.State == patch.Suggested {
		w.answer(r, *dep.Proposal)
		return
	}
	w.goesBack(dep)
}

// needsSecond is the world's own account of who decides: two persons for machines of the canary label, where it is a world of two persons.
func (w *sim) needsSecond(p patch.Plan) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.twoPersons && slices.ContainsFunc(p.Machines, func(m patch.MachinePlan) bool { return len(m.Items) > 0 && w.labels["canary"][m.Machine] })
}

// goesBack notes what a rollback that was ordered may do, and what it keeps from coming again.
func (w *sim) goesBack(dep patch.Deployment) {
	w.mu.Lock()
	defer w.mu.Unlock()
	label, until := "rollback-"+strings.ToLower(dep.ID), dep.Plan.Rollback.HoldUntil
	for _, m := range dep.Plan.Machines {
		for _, i := range m.Items {
			w.backs[backKey{dep.ID, m.Machine, i.Patch}] = patch.StepsOf(i.Packages)
			on := []patch.MachineID{m.Machine}
			for _, b := range w.boxes {
				if dep.Plan.Label == patch.LabelAll || w.labels[dep.Plan.Label][b.id] {
					on = append(on, b.id)
				}
			}
			for _, id := range on {
				w.holds = append(w.holds, held{id, i.Patch, label, until})
			}
		}
	}
}

// mayGoBack holds an item of an order against what people have ordered: exactly these packages, from and to exactly these versions.
func (w *sim) mayGoBack(b *box, o wire.Order, item wire.OrderItem) {
	w.mu.Lock()
	want, known := w.backs[backKey{o.Deployment, b.id, item.Patch}]
	w.mu.Unlock()
	if got := patch.StepsOf(item.Packages); !known || !slices.Equal(got, want) {
		w.fail("%s was told to take %s back (%s), and ordered was %q", b.name, item.Patch, patch.StepsText(got), patch.StepsText(want))
	}
}

// isHeld says whether a patch that was taken back has to stay away from a machine at a moment; w.mu is held.
func (w *sim) isHeld(b *box, id patch.ID, at time.Time) bool {
	return slices.ContainsFunc(w.holds, func(h held) bool { return h.machine == b.id && h.patch == id && at.Before(h.until) })
}

// lift ends the hold of a patch that was taken back.
func (w *sim) lift(r *rand.Rand) {
	w.mu.Lock()
	if len(w.holds) == 0 {
		w.mu.Unlock()
		return
	}
	h := w.holds[r.IntN(len(w.holds))]
	w.holds = slices.DeleteFunc(w.holds, func(x held) bool { return x.label == h.label && x.patch == h.patch })
	w.mu.Unlock()
	w.submit(r, approval.Request{Patches: []patch.ID{h.patch}, Label: h.label, Verb: patch.Clear, Why: "chance"})
}

// submit is a decision of one person, which another one may have to confirm.
func (w *sim) submit(r *rand.Rand, req approval.Request) {
	a := w.server.alive()
	out, err := a.Approval.Submit(a.ctx, w.server.admin, req)
	if err != nil {
		w.mayFail(err)
		return
	}
	w.decided(out.Decisions)
	if out.Proposal == nil {
		return
	}
	if !w.twoPersons {
		w.fail("a decision for %s waits for a second person", req.Label)
	}
	if r.IntN(3) > 0 {
		w.answer(r, *out.Proposal)
	}
}

// answers has the second person look at something that waits.
func (w *sim) answers(r *rand.Rand) {
	a := w.server.alive()
	open, err := a.Approval.Proposals.ListProposals(a.ctx, true)
	w.must(err)
	if len(open) > 0 {
		w.answer(r, open[r.IntN(len(open))])
	}
}

// answer confirms a proposal, rejects it, or leaves it for another day.
func (w *sim) answer(r *rand.Rand, p patch.Proposal) {
	a := w.server.alive()
	second := patch.Caller{Name: "a.novak", Role: patch.Admin, From: "local", Via: "cli"}
	switch r.IntN(8) {
	case 0:
		_, err := a.Approval.Reject(a.ctx, second, p.ID, "chance")
		w.must(err)
		return
	case 1:
		if _, err := a.Approval.Confirm(a.ctx, w.server.admin, p.ID, "chance"); err == nil {
			w.fail("%s confirms what they proposed", w.server.admin.Name)
		}
		return
	case 2:
		return
	}
	w.confirming = p.Plan
	ds, err := a.Approval.Confirm(a.ctx, second, p.ID, "chance")
	w.confirming = ""
	if err != nil {
		w.mayFail(err)
		return
	}
	w.decided(ds)
}

// mayFail takes what a decision may come to where the world has changed meanwhile.
func (w *sim) mayFail(err error) {
	if kind := patch.KindOf(err); kind != patch.NotFound && kind != patch.Conflict && kind != patch.Invalid {
		w.must(err)
	}
}

func (w *sim) decided(ds []patch.Decision) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range ds {
		w.decisions[decisionKey{d.Patch, d.Label}] = d
	}
}

// rollbacks joins planner and deployments for rollbacks that the second person confirms.
type rollbacks struct {
	w       *sim
	planner *plan.Planner
	desk    *deploy.Desk
}

// Again implements approval.Rollbacks.
func (b rollbacks) Again(ctx context.Context, caller patch.Caller, p patch.Proposal) (patch.Plan, error) {
	return b.planner.Make(ctx, caller, plan.Request{Label: p.Rollback.Label, Machines: p.Rollback.Machines, Patches: p.Patches, Window: p.Rollback.Window,
		Reboot: p.Rollback.Reboot, Manner: p.Rollback.Manner, Rollback: &p.Rollback.Rollback})
}

// Carry implements approval.Rollbacks.
func (b rollbacks) Carry(ctx context.Context, caller patch.Caller, p patch.Plan, confirmed patch.Proposal) (patch.Deployment, error) {
	dep, err := b.desk.ApplySeconded(ctx, caller, p, confirmed)
	if err == nil && p.Hash == b.w.confirming {
		b.w.goesBack(dep)
	}
	return dep, err
}
