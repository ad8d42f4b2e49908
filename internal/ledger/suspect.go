package ledger

import (
	"context"
	"strings"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/world"
)

// suspectKey is the alarm of a patch that is installed and missing again and again on a machine.
func suspectKey(m patch.MachineID, p patch.ID) string {
	return "suspect/" + string(m) + "/" + string(p)
}

// suspect raises the alarm about patches that a detect found missing once too often. The gates hold such a patch by themselves; where the
// alarm cannot be raised, the hold stands all the same.
func (l *Ledger) suspect(ctx context.Context, m patch.Machine, attempts []patch.Attempt, proven []patch.EffectUpdate) {
	for _, e := range proven {
		if e.Effect != patch.EffectUndone && e.Effect != patch.EffectNotEffective {
			continue
		}
		for _, a := range attempts {
			if a.ID != e.Attempt || a.TakesBack() {
				continue
			}
			if err := l.holdSuspect(ctx, m, a.Patch); err != nil && ctx.Err() == nil {
				l.Log.ErrorContext(ctx, "suspect definition not reported", "machine", m.ID, "patch", a.Patch, "error", err)
			}
		}
	}
}

func (l *Ledger) holdSuspect(ctx context.Context, m patch.Machine, p patch.ID) error {
	g, err := l.holdGate(ctx, m.ID, p)
	if err != nil || g.Code != gate.CodeSuspect {
		return err
	}
	now := l.World.Now()
	return l.Store.RaiseAlarm(ctx, patch.Alarm{Key: suspectKey(m.ID, p), Kind: "suspect", RaisedAt: now, SeenAt: now,
		Text: phrase.Of("{1} on {2} is held, {3}: {4}", string(p), m.Name, g.Text, g.Evidence),
		Do:   phrase.Of("Find out what takes it away, or report the definition. Approving it again clears the hold: {1}", "fettle explain "+m.Name+" "+string(p))})
}

func (l *Ledger) holdGate(ctx context.Context, m patch.MachineID, p patch.ID) (gate.Gate, error) {
	v, err := l.World.View(ctx)
	if err != nil {
		return gate.Gate{}, err
	}
	s, err := v.Sight(ctx, m)
	if err != nil {
		return gate.Gate{}, err
	}
	a, err := s.Walk(ctx, world.Ask{Patch: p, Deep: true})
	return a.Gate(gate.Hold), err
}

// ClearSuspects ends the alarms about patches that are suspect no more: a person approved them again, or they are there.
func (l *Ledger) ClearSuspects(ctx context.Context) error {
	open, err := l.Store.ListAlarms(ctx, true)
	if err != nil {
		return err
	}
	for _, a := range open {
		machine, id, ok := strings.Cut(strings.TrimPrefix(a.Key, "suspect/"), "/")
		if a.Kind != "suspect" || !ok {
			continue
		}
		g, err := l.holdGate(ctx, patch.MachineID(machine), patch.ID(id))
		if err != nil && patch.KindOf(err) != patch.NotFound {
			return err
		}
		if g.Code != gate.CodeSuspect {
			if err := l.Store.ClearAlarm(ctx, a.Key, l.World.Now()); err != nil {
				return err
			}
		}
	}
	return nil
}
