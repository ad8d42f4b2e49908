package api

import (
	"github.com/fettle-project/fettle/internal/calendar"
)

// BlackoutRequest creates or changes a blackout. From and Until are days or moments in the organisation's time zone: "2026-12-20",
// "2026-12-20 18:00"; a day as Until is the last day of it.
type BlackoutRequest struct {
	From   string `json:"from"`
	Until  string `json:"until"`
	Label  string `json:"label,omitempty"` // empty: all machines
	Reason string `json:"reason"`
	Owner  string `json:"owner,omitempty"` // empty: whoever sends it
}

func (s *people) listBlackouts(c *call) (any, error) {
	l, err := s.Calendar.ListBlackouts(c.Context())
	return listOf(l), err
}

func (s *people) putBlackout(c *call) (any, error) {
	in, err := decode[BlackoutRequest](c)
	if err != nil {
		return nil, err
	}
	return s.Calendar.PutBlackout(c.Context(), c.caller, calendar.BlackoutDraft{Name: c.PathValue("blackout"), From: in.From, Until: in.Until, Label: in.Label, Reason: in.Reason, Owner: in.Owner})
}

// removeBlackout gives the blackout as it was, so that it can be put back.
func (s *people) removeBlackout(c *call) (any, error) {
	return s.Calendar.RemoveBlackout(c.Context(), c.caller, c.PathValue("blackout"))
}
