package world

import (
	"context"

	"github.com/fettle-project/fettle/internal/gate"
	"github.com/fettle-project/fettle/internal/patch"
)

// Closing is the gate that is closed for a cohort in the words that it has for this machine of it.
func (s *Sight) Closing(ctx context.Context, a Ask, c Cohort) (gate.Gate, error) {
	if c.Seats.GetCardinality() == 1 {
		return *c.Answer.Closed, nil
	}
	w, ok, err := s.like(ctx, c)
	if err == nil && !ok {
		a.Deep, a.Reason = false, c.World.Verdict == patch.NotApplicable || c.World.Verdict == patch.Faulty
		w, err = s.World(ctx, a)
	}
	return c.Answer.Closing(w), err
}

// Alike reports whether the closed gate has the same words for every machine of a cohort. That a patch is there already names neither a machine nor a
// time, and is what is said of most machines about most patches that were approved; how far the rings before are is the same for all that wait for them.
func (c *Cohort) Alike() bool {
	if c.Answer.Closed == nil {
		return false
	}
	switch c.Answer.Closed.Code {
	case gate.CodePatched, gate.CodeRingWaits, gate.CodeRingSoaks, gate.CodeRingHalted:
		return true
	}
	return false
}

// like turns the world of one machine of a cohort into that of this one, as far as its closed gate looks; ok is false where more than the machine,
// its detect and what its facts say may be in that gate's words.
func (s *Sight) like(ctx context.Context, c Cohort) (w gate.World, ok bool, err error) {
	w = c.World
	switch c.Answer.Closed.Name {
	case gate.Snapshot:
	case gate.Policy, gate.Label:
		if w.Proposed != nil {
			return w, false, nil
		}
	case gate.Prerequisites, gate.InstalledTest:
		w.Finding = patch.Finding{}
		if w.Verdict == patch.NotApplicable || w.Verdict == patch.Faulty {
			w.Machine, w.Receipt = s.Machine, s.Receipt
			return w, true, s.reason(ctx, &w)
		}
	default:
		return w, false, nil
	}
	w.Machine, w.Receipt = s.Machine, s.Receipt
	return w, true, nil
}
