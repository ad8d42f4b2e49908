package plan

import (
	"context"
	"time"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/world"
)

func (r Request) checkRestarts() error {
	switch {
	case r.Rollback != nil, len(r.Patches) > 0:
		return patch.Errorf(patch.Invalid, "a plan of restarts alone installs nothing and takes nothing back: name no patches")
	case r.Manner != nil:
		return patch.Errorf(patch.Invalid, "a plan of restarts alone runs no hook and restarts no service: it restarts machines")
	case r.Reboot != nil && r.Reboot.Mode == patch.RebootNever:
		return &patch.Error{Kind: patch.Invalid, What: "cannot plan restarts that never happen", Do: "Say if-needed, ask or force."}
	}
	return nil
}

// restarts makes a plan of restarts alone. Every machine that is not restarted is left out with the gate that says why.
func (p *Planner) restarts(ctx context.Context, v *world.View, caller patch.Caller, r Request) (patch.Plan, error) {
	if r.Reboot == nil {
		r.Reboot = &patch.RebootPolicy{Mode: patch.RebootIfNeeded}
	}
	machines, err := p.machines(ctx, v, r)
	if err != nil {
		return patch.Plan{}, err
	}
	if err := v.GatherAttempts(ctx, []patch.ID{patch.Restart}); err != nil {
		return patch.Plan{}, err
	}
	look, err := v.Look(ctx)
	if err != nil {
		return patch.Plan{}, err
	}
	out := patch.Plan{Made: v.Now.UTC(), By: caller.Name, Label: r.Label, Window: r.Window, Reboot: r.Reboot, Restarts: true, Machines: []patch.MachinePlan{}}
	var s world.Sight
	for it := machines.Iterator(); it.HasNext(); {
		if err := v.Turn(ctx, &s, look.At(it.Next())); err != nil {
			return patch.Plan{}, err
		}
		m, err := restartOf(ctx, v, &s, r)
		if err != nil {
			return patch.Plan{}, err
		}
		out.Machines = append(out.Machines, m)
	}
	return sealed(out), nil
}

func restartOf(ctx context.Context, v *world.View, s *world.Sight, r Request) (patch.MachinePlan, error) {
	m := patch.MachinePlan{Machine: s.Machine.ID, Name: s.Machine.Name, OS: s.OS, Items: []patch.PlanItem{}}
	if s.Receipt != nil {
		m.Snapshot, m.Revision = s.Receipt.Seq, s.Receipt.Revision
	}
	w, err := s.World(ctx, world.Ask{Patch: patch.Restart, Start: r.start(v.Now), Window: r.Window, Restart: r.Reboot.Mode})
	if err != nil {
		return m, err
	}
	if closed := gate.Sketch(&w).Closed; closed != nil {
		left := patch.LeftOut{Patch: patch.Restart, Gate: string(closed.Name) + "/" + closed.Code, Text: closed.Text, Outcome: patch.IsBlocked}
		if closed.Code == gate.CodeNotOwed {
			left.Outcome = patch.NotOwed
		}
		m.Left = append(m.Left, left)
		return m, nil
	}
	m.Items = append(m.Items, patch.PlanItem{Patch: patch.Restart, Title: "Restart"})
	foretell(&m, r, v.Now)
	return m, nil
}

// foretellRestart is foretell for a restart alone.
func foretellRestart(m *patch.MachinePlan, r Request, now time.Time) {
	item := &m.Items[0]
	item.Outcome, item.Text = patch.WillRestart, ""
	m.Expected = patch.Expected{Restart: true, Why: "it owes one"}
	switch end := r.Window.NotAfter; {
	case !end.IsZero() && r.start(now).Add(rebootReserve).After(end):
		item.Outcome, item.Text = patch.WillNotFit, "the window ends before the machine could be back"
		m.Expected = patch.Expected{Why: item.Text}
	case r.Reboot.Mode == patch.RebootAsk:
		m.Expected.Why = phrase.Of("{1}; whoever works there is asked", m.Expected.Why)
	case r.Reboot.Mode == patch.RebootForce:
		m.Expected.Why = "the plan says so"
	}
}
