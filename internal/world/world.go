package world

import (
	"context"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
)

// World gathers what the gates judge for one patch on this machine.
func (s *Sight) World(ctx context.Context, a Ask) (w gate.World, err error) {
	err = s.Fill(ctx, a, &w)
	return w, err
}

// Fill is World into a value that may have been another world: it is a large one, and pages need many.
func (s *Sight) Fill(ctx context.Context, a Ask, w *gate.World) error { return s.fill(ctx, a, nil, w) }

// fill is Fill; above are the patches whose worlds are being gathered because they might be superseded by this one.
func (s *Sight) fill(ctx context.Context, a Ask, above []patch.ID, w *gate.World) error {
	v := s.v
	*w = gate.World{Now: v.Now, Start: a.Start, Limits: v.Limits, Machine: s.Machine, OS: s.OS, Revision: s.Meta, Receipt: s.Receipt,
		Window: a.Window, Own: a.Own, Verdict: s.Verdict(a.Patch), PatchOS: s.OS}
	if w.Start.IsZero() {
		w.Start = v.Now
	}
	var err error
	if w.Restart = a.Restart; w.Restart != "" {
		if w.Freezes, err = s.Freezes(ctx); err != nil {
			return err
		}
		if w.Attempts, _, err = s.tries(ctx, a.Patch); err == nil {
			w.RestartDue, err = v.restartDue(ctx, w.Attempts)
		}
		return err
	}
	if w.Patch, _, w.Listed = s.Shelf.Find(a.Patch); !w.Listed {
		if err = s.unlisted(ctx, a.Patch, w); err != nil {
			return err
		}
	}
	s.feeds(w)
	if w.Policy, err = v.policy(ctx, a.Patch, s.seat.Number, w.Start, a.Assume); err != nil {
		return err
	}
	if w.Proposed, err = v.Proposed(ctx, a.Patch, s.Machine.ID); err != nil {
		return err
	}
	if w.Freezes, err = s.Freezes(ctx); err != nil {
		return err
	}
	if w.Schedules, err = s.scheduled(ctx); err != nil {
		return err
	}
	if w.Attempts, w.Blocked, err = s.triesFor(ctx, a); err != nil {
		return err
	}
	if w.Blocked, err = v.standing(ctx, a, w.Attempts, w.Blocked); err != nil {
		return err
	}
	w.Reset = v.resets[resetKey{s.Machine.ID, a.Patch}]
	if s.Machine.RebootOwed {
		if err = s.rebooting(ctx, w); err != nil {
			return err
		}
	}
	if a.Back {
		back, _, err := s.back(ctx, a, w.Attempts)
		if err != nil {
			return err
		}
		w.Back = &back
		return s.Deepen(ctx, a, w)
	}
	if w.Verdict == patch.NotPatched && !a.Eligible {
		if err = s.ringed(ctx, a.Patch, w); err != nil {
			return err
		}
	}
	if err = s.approved(ctx, w); err != nil {
		return err
	}
	if w.Verdict == patch.NotPatched {
		if w.Superseding, err = s.superseding(ctx, a, append(above, a.Patch)); err != nil {
			return err
		}
		if _, approved := w.Approval(); approved && !a.Eligible {
			if err = s.payloads(ctx, a.Patch, w); err != nil {
				return err
			}
			if w.Unmet, err = s.unmet(ctx, a); err != nil {
				return err
			}
		}
	}
	return s.Deepen(ctx, a, w)
}

// approved fills in when anything was last approved for the machine, where what failed last may wait for that.
func (s *Sight) approved(ctx context.Context, w *gate.World) (err error) {
	if slices.ContainsFunc(w.Attempts, func(t patch.Attempt) bool { return t.Cause == patch.FailDependency }) {
		w.Approved, err = s.v.Approved(ctx, s.Machine.ID)
	}
	return err
}

// Deepen adds to a world of this machine what was asked for with Reason or Deep.
func (s *Sight) Deepen(ctx context.Context, a Ask, w *gate.World) error {
	if a.Reason || a.Deep {
		if err := s.reason(ctx, w); err != nil {
			return err
		}
	}
	if !a.Deep {
		return nil
	}
	var err error
	if w.Order, err = s.Order(ctx); err != nil {
		return err
	}
	return s.deepen(ctx, w)
}

// Order is what the machine holds and has not ended; nil where it holds none.
func (s *Sight) Order(ctx context.Context) (*patch.OrderRow, error) {
	if s.ordered || s.Machine.OrderNumber == 0 { // it never had one
		return s.order, nil
	}
	o, err := s.v.r.Store.OpenOrder(ctx, s.Machine.ID)
	if err == nil {
		s.order = &o
	} else if patch.KindOf(err) != patch.NotFound {
		return nil, err
	}
	s.ordered = true
	return s.order, nil
}

// unlisted fills a world for a patch that is not on the machine's newest list: what is remembered of it, and why it is not there.
func (s *Sight) unlisted(ctx context.Context, id patch.ID, w *gate.World) error {
	w.Verdict = patch.Unknown
	row, ok, err := s.v.row(ctx, s.OS, id)
	if err != nil {
		return err
	}
	if !ok {
		w.Patch = patch.Patch{ID: id}
		return nil
	}
	w.Patch, w.PatchOS, w.GoneAt = row.Patch, row.OS, row.GoneAt
	if s.OS == "" {
		if meta := s.v.meta(row.OS); meta != nil {
			w.Revision, w.Listed = meta, row.GoneAt.IsZero()
		}
	}
	if !s.seat.Moved {
		return nil
	}
	ts, err := s.v.r.Store.ListTransitions(ctx, patch.TransitionFilter{Machine: s.Machine.ID, Patch: id, Limit: 1})
	if err != nil {
		return err
	}
	if len(ts) > 0 && ts[0].Cause == patch.OSChange {
		w.Closing, w.GoneAt = ts[0].Note, ts[0].At
	}
	return nil
}

func (s *Sight) feeds(w *gate.World) {
	os := w.OS
	if os == "" {
		os = w.PatchOS
	}
	facts, known := s.v.facing[os]
	if !known {
		facts = s.v.feedFacts(os)
		s.v.facing[os] = facts
	}
	w.Feeds = facts
}

func (v *View) feedFacts(os patch.HostOS) (facts []gate.FeedFact) {
	for _, f := range v.feeds {
		if f.OS != os {
			continue
		}
		fact := gate.FeedFact{Name: f.Name, Suite: f.Suite}
		if f.LastGood != nil {
			fact.LastGood = f.LastGood.Ended
		}
		if f.Last != nil && (f.Last.Outcome == "failed" || f.Last.Outcome == "quarantined") {
			fact.Failing = f.Last.Text
		}
		facts = append(facts, fact)
	}
	return facts
}

// superseding judges the patches that replace this one, on this machine.
func (s *Sight) superseding(ctx context.Context, a Ask, above []patch.ID) ([]gate.Superseder, error) {
	var out []gate.Superseder
	for _, id := range s.Shelf.Newer(a.Patch) {
		if contains(above, id) {
			continue
		}
		p, _, _ := s.Shelf.Find(id)
		sup := gate.Superseder{Patch: id, Title: strings.TrimSpace(p.Source + " " + p.Version)}
		if s.Verdict(id) == patch.NotPatched {
			var err error
			if sup.Deployable, err = s.comes(ctx, a, id, above); err != nil {
				return nil, err
			}
		}
		out = append(out, sup)
	}
	return out, nil
}

// comes reports whether a patch that the machine lacks is on its way, as far as those above go.
func (s *Sight) comes(ctx context.Context, a Ask, id patch.ID, above []patch.ID) (bool, error) {
	k := deployKey{id, a.Start, a.Window}
	own := len(a.Assume) > 0 || circular(s.Shelf, id, above)
	if known, ok := s.deployable[k]; ok && !own {
		return known, nil
	}
	var w gate.World
	if err := s.fill(ctx, Ask{Patch: id, Start: a.Start, Window: a.Window, Assume: assumed(a.Assume, id)}, above, &w); err != nil {
		return false, err
	}
	comes := onItsWay(gate.Sketch(&w))
	if own {
		return comes, nil
	}
	if s.deployable == nil {
		s.deployable = map[deployKey]bool{}
	}
	s.deployable[k] = comes
	return comes, nil
}

// onItsWay reports whether a patch can be deployed, or is being deployed right now.
func onItsWay(o gate.Outline) bool {
	return o.Deployable || o.Closed.Code == gate.CodeUnderWay || o.Closed.Code == gate.CodeAwaiting
}

func assumed(all []patch.Decision, id patch.ID) []patch.Decision {
	var out []patch.Decision
	for _, d := range all {
		if d.Patch == id {
			out = append(out, d)
		}
	}
	return out
}

func contains(ids []patch.ID, id patch.ID) bool {
	for _, x := range ids {
		if x == id {
			return true
		}
	}
	return false
}

// reason adds the reason of the verdict.
func (s *Sight) reason(ctx context.Context, w *gate.World) error {
	f, ok, err := s.Finding(ctx, w.Patch.ID)
	if ok && f.Verdict == w.Verdict {
		w.Finding = f
	}
	return err
}

// deepen adds what only people read: what others changed.
func (s *Sight) deepen(ctx context.Context, w *gate.World) error {
	t, ok, err := s.lastMove(ctx, w.Patch.ID)
	if err != nil {
		return err
	}
	if ok && t.From == patch.Patched && t.To == patch.NotPatched && t.Cause.Outside() {
		w.Changed = &gate.Change{At: t.At, Seq: t.Seq, Note: t.Note}
	}
	return nil
}
