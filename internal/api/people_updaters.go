package api

import (
	"github.com/fettle-project/fettle/internal/patch"
)

// RulingRequest says what is wanted of another patch service.
type RulingRequest struct {
	Verb patch.RulingVerb `json:"verb"` // "adopt", "alert", "take-over"
	Why  string           `json:"why,omitempty"`
}

func (s *people) listUpdaters(c *call) (any, error) {
	l, err := s.Updaters.List(c.Context())
	return listOf(l), err
}

func (s *people) machineUpdaters(c *call) (any, error) {
	m, err := s.Ledger.Resolve(c.Context(), c.PathValue("machine"))
	if err != nil {
		return nil, err
	}
	l, err := s.Updaters.On(c.Context(), m.ID)
	return listOf(l), err
}

func (s *people) putRuling(c *call) (any, error) {
	in, err := decode[RulingRequest](c)
	if err != nil {
		return nil, err
	}
	r, err := s.Updaters.Put(c.Context(), c.caller, patch.Ruling{Updater: c.PathValue("updater"), Label: c.PathValue("label"), Verb: in.Verb, Why: in.Why})
	if err != nil {
		return nil, err
	}
	return r, s.wakeUpdaters(c)
}

func (s *people) removeRuling(c *call) (any, error) {
	if err := s.Updaters.Release(c.Context(), c.caller, c.PathValue("updater"), c.PathValue("label")); err != nil {
		return nil, err
	}
	return nil, s.wakeUpdaters(c)
}

// wakeUpdaters has the machines with other patch services check in now.
func (s *people) wakeUpdaters(c *call) error {
	all, err := s.Store.ListUpdaters(c.Context(), "")
	for _, u := range all {
		s.Hub.Poke(u.Machine)
	}
	return err
}
