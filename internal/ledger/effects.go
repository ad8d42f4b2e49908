package ledger

import (
	"context"
	"slices"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/world"
)

// effects works out what a complete snapshot proves about a machine's attempts: the first one after an install whether it took effect, each
// later one whether it still does. Only the newest attempt at a patch that was carried out is judged.
// An owed reboot is paid when a later snapshot comes from another boot than the one before it, which was boot.
//
// An attempt that takes its patch back is proven by facts, because it is about exact versions: while those of the snapshot have not arrived, facts
// is nil and nothing is proven. From when one was handed out, what installed the patch is judged no more: it is gone by our own hand.
func effects(boot string, s patch.Snapshot, list *world.Shelf, attempts []patch.Attempt, facts *patch.Facts) []patch.EffectUpdate {
	newest := map[patch.ID]patch.Attempt{}
	for _, a := range attempts {
		if a.State == patch.ExecDone || a.TakesBack() && a.Order != "" && !a.State.Ended() {
			newest[a.Patch] = a
		}
	}
	var out []patch.EffectUpdate
	for _, a := range attempts {
		if a.Patch == patch.Restart {
			out = append(out, restarted(boot, s, a)...)
			continue
		}
		if newest[a.Patch].ID != a.ID || a.State != patch.ExecDone {
			continue
		}
		_, i, listed := list.Find(a.Patch)
		if !listed {
			continue
		}
		owed := a.RebootOwed && (a.VerifiedSeq == 0 || boot == s.Boot)
		if a.VerifiedSeq == 0 && !follows(s, a) {
			continue
		}
		effect := effect(a, s.Verdicts.At(i), owed)
		if a.TakesBack() {
			if facts == nil {
				continue
			}
			effect = backEffect(a, s.Verdicts.At(i), facts)
		}
		if a.VerifiedSeq == 0 || effect != a.Effect || owed != a.RebootOwed {
			out = append(out, patch.EffectUpdate{Attempt: a.ID, VerifiedSeq: s.Seq, Effect: effect, RebootOwed: owed})
		}
	}
	return out
}

// restarted is what a snapshot proves about a restart that was ordered for itself: it has happened when one comes from another boot than the one before it.
// Every order counts, not the newest alone, because one restart pays what all of them ask for.
func restarted(boot string, s patch.Snapshot, a patch.Attempt) []patch.EffectUpdate {
	switch {
	case a.State != patch.ExecDone || !a.RebootOwed && a.VerifiedSeq != 0 || a.VerifiedSeq == 0 && !follows(s, a):
		return nil
	case a.VerifiedSeq != 0 && boot != s.Boot:
		return []patch.EffectUpdate{{Attempt: a.ID, VerifiedSeq: s.Seq, Effect: patch.EffectVerified}}
	case a.VerifiedSeq == 0:
		return []patch.EffectUpdate{{Attempt: a.ID, VerifiedSeq: s.Seq, Effect: patch.EffectNeedsReboot, RebootOwed: true}}
	}
	return nil
}

// follows reports whether a snapshot was made after an attempt had ended.
func follows(s patch.Snapshot, a patch.Attempt) bool {
	return !s.Begun().Before(a.EndedAt) || a.Order != "" && a.Order == s.Order
}

// effect is what one later snapshot says about one done attempt. A patch that is not applicable or cannot be judged afterwards says nothing.
func effect(a patch.Attempt, v patch.Verdict, owed bool) patch.Effect {
	switch v {
	case patch.Patched:
		if a.Effect == patch.EffectUndone {
			return a.Effect // it was not this attempt that put it back
		}
		if owed {
			return patch.EffectNeedsReboot
		}
		return patch.EffectVerified
	case patch.NotPatched:
		if a.Effect == patch.EffectVerified || a.Effect == patch.EffectNeedsReboot || a.Effect == patch.EffectUndone {
			return patch.EffectUndone
		}
		return patch.EffectNotEffective
	}
	return a.Effect
}

// backEffect is what one later snapshot says about one attempt that took its patch back: it worked where the patch is missing again, and every
// package is at exactly the version named.
func backEffect(a patch.Attempt, v patch.Verdict, facts *patch.Facts) patch.Effect {
	switch {
	case a.Effect == patch.EffectUndone:
		return a.Effect // it was not this attempt that took it back once more
	case a.Effect == patch.EffectRolledBack && v == patch.Patched:
		return patch.EffectUndone
	case a.Effect == patch.EffectRolledBack:
		return a.Effect
	case v == patch.NotPatched && exact(a.Back, facts):
		return patch.EffectRolledBack
	case v == patch.NotPatched || v == patch.Patched:
		return patch.EffectNotEffective
	}
	return a.Effect
}

// exact reports whether a machine has every package at exactly the version that a step leads to.
func exact(steps []patch.Step, facts *patch.Facts) bool {
	return !slices.ContainsFunc(steps, func(s patch.Step) bool {
		return !slices.ContainsFunc(facts.Packages, func(p patch.Package) bool {
			return p.Name == s.Name && p.Version == s.To && p.State == patch.Installed
		})
	})
}

// Settle works out the effects of results that arrived after the snapshot that proves them.
func (l *Ledger) Settle(ctx context.Context, id patch.MachineID) error {
	v := l.World.Records()
	s, err := v.Sight(ctx, id)
	if err != nil || s.Receipt == nil {
		return err
	}
	snap, err := l.World.Store.NewestSnapshot(ctx, id)
	if err != nil {
		return err
	}
	list, err := v.Shelf(ctx, snap.OS, snap.Revision)
	if err != nil || list == nil {
		return err
	}
	attempts, err := s.Attempts(ctx, "")
	if err != nil {
		return err
	}
	facts, err := l.factsOf(ctx, v, attempts, snap.Facts)
	if err != nil {
		return err
	}
	e := effects(snap.Boot, snap, list, attempts, facts)
	if len(e) == 0 {
		return nil
	}
	if err := l.Store.PutEffects(ctx, e); err != nil {
		return err
	}
	l.suspect(ctx, s.Machine, attempts, e)
	return nil
}
