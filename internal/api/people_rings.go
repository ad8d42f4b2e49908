package api

import (
	"github.com/fettle-project/fettle/internal/patch"
)

// RolloutRequest is a person's decision about one patch on its way through the rings.
type RolloutRequest struct {
	Patch string `json:"patch"`
	Ring  string `json:"ring,omitempty"` // where it passes
	Why   string `json:"why"`
}

// listRings gives the rings in their order with how far patches are in them; ?patch= narrows to one.
func (s *people) listRings(c *call) (any, error) {
	id := patch.ID("")
	if text := c.text("patch"); text != "" {
		row, err := s.patch(c, text)
		if err != nil {
			return nil, err
		}
		id = row.ID
	}
	l, err := s.Rings.List(c.Context(), id)
	return listOf(l), err
}

func (s *people) putRing(c *call) (any, error) {
	r, err := decode[patch.Ring](c)
	if err != nil {
		return nil, err
	}
	r.Name = c.PathValue("ring")
	return s.Rings.Put(c.Context(), c.caller, r)
}

func (s *people) removeRing(c *call) (any, error) {
	return nil, s.Rings.Remove(c.Context(), c.caller, c.PathValue("ring"))
}

// ringAttempts gives what machines of a ring proved about one patch.
func (s *people) ringAttempts(c *call) (any, error) {
	row, err := s.patch(c, c.text("patch"))
	if err != nil {
		return nil, err
	}
	l, err := s.Store.ListAttempts(c.Context(), patch.AttemptFilter{Ring: c.PathValue("ring"), Patch: row.ID})
	return listOf(l), err
}

// rollout takes a decision and gives how the rings stand after it.
func (s *people) rollout(c *call, decide func(r RolloutRequest, id patch.ID) error) (any, error) {
	in, err := decode[RolloutRequest](c)
	if err != nil {
		return nil, err
	}
	row, err := s.patch(c, in.Patch)
	if err != nil {
		return nil, err
	}
	if err := decide(in, row.ID); err != nil {
		return nil, err
	}
	s.Pulse.Beat(patch.TopicRings, patch.TopicDeployments)
	l, err := s.Rings.List(c.Context(), row.ID)
	return listOf(l), err
}

func (s *people) haltPatch(c *call) (any, error) {
	return s.rollout(c, func(r RolloutRequest, id patch.ID) error { return s.Rings.Halt(c.Context(), c.caller, id, r.Why) })
}

func (s *people) resumePatch(c *call) (any, error) {
	return s.rollout(c, func(r RolloutRequest, id patch.ID) error { return s.Rings.Resume(c.Context(), c.caller, id, r.Why) })
}

func (s *people) passPatch(c *call) (any, error) {
	return s.rollout(c, func(r RolloutRequest, id patch.ID) error {
		return s.Rings.Pass(c.Context(), c.caller, id, r.Ring, r.Why)
	})
}
