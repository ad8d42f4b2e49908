package api

import (
	"github.com/fettle-project/fettle/internal/approval"
	"github.com/fettle-project/fettle/internal/calendar"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/whatif"
)

// WhatIfRequest is a change that is supposed: exactly one of its fields.
type WhatIfRequest struct {
	Decide         *approval.Request       `json:"decide,omitempty"`
	Label          *NamedLabel             `json:"label,omitempty"`
	RemoveLabel    string                  `json:"remove_label,omitempty"`
	Rule           *NamedRule              `json:"rule,omitempty"`
	RemoveRule     string                  `json:"remove_rule,omitempty"` // with its decisions taken back
	Schedule       *NamedSchedule          `json:"schedule,omitempty"`
	RemoveSchedule string                  `json:"remove_schedule,omitempty"`
	Blackout       *calendar.BlackoutDraft `json:"blackout,omitempty"`
	RemoveBlackout string                  `json:"remove_blackout,omitempty"`
	Catalog        *whatif.Revision        `json:"catalog,omitempty"` // one that waits for a person
}

// NamedLabel is a label as it might be put.
type NamedLabel struct {
	Name string `json:"name"`
	LabelRequest
}

// NamedRule is a rule as it might be put.
type NamedRule struct {
	Name string `json:"name"`
	RuleRequest
}

// NamedSchedule is a schedule as it might be put.
type NamedSchedule struct {
	Name string `json:"name"`
	ScheduleRequest
}

// whatIf says what a change would do. It stores nothing.
func (s *people) whatIf(c *call) (any, error) {
	in, err := decode[WhatIfRequest](c)
	if err != nil {
		return nil, err
	}
	change, err := s.change(c, in)
	if err != nil {
		return nil, err
	}
	return s.WhatIf.Ask(c.Context(), change)
}

func (s *people) change(c *call, in WhatIfRequest) (out whatif.Change, err error) {
	n := 0
	for _, given := range []bool{in.Decide != nil, in.Label != nil, in.RemoveLabel != "", in.Rule != nil, in.RemoveRule != "", in.Schedule != nil, in.RemoveSchedule != "", in.Blackout != nil, in.RemoveBlackout != "", in.Catalog != nil} {
		if given {
			n++
		}
	}
	if n != 1 {
		return out, patch.Errorf(patch.Invalid, "exactly one change can be supposed at a time, not %d", n)
	}
	out = whatif.Change{RemoveLabel: in.RemoveLabel, RemoveRule: in.RemoveRule, TakeBack: true, RemoveSchedule: in.RemoveSchedule, RemoveBlackout: in.RemoveBlackout, Publish: in.Catalog}
	switch {
	case in.Decide != nil:
		r, err := s.resolved(c, *in.Decide)
		if err != nil {
			return out, err
		}
		out.Decide, err = s.Approval.Draft(c.Context(), c.caller.Name, r)
		return out, err
	case in.Label != nil:
		l, err := s.labelOf(c, in.Label.Name, in.Label.LabelRequest)
		out.Label = &l
		return out, err
	case in.Rule != nil:
		r := in.Rule.rule(in.Rule.Name)
		out.Rule = &r
	case in.Schedule != nil:
		v := in.Schedule.schedule(in.Schedule.Name)
		out.Schedule = &v
	case in.Blackout != nil:
		b, err := s.Calendar.DraftBlackout(c.Context(), c.caller, *in.Blackout)
		out.Blackout = &b
		return out, err
	}
	return out, nil
}
