package api

import (
	"github.com/fettle-project/fettle/internal/patch"
)

// RuleRequest creates or changes a rule.
type RuleRequest struct {
	Label     string     `json:"label"`
	Verb      patch.Verb `json:"verb"` // "approve", "decline"
	Expr      string     `json:"expr,omitempty"`
	Patches   string     `json:"patches,omitempty"`    // a label of patches that it keeps to
	AfterRing string     `json:"after_ring,omitempty"` // a ring that a patch must have passed
	SoakDays  int        `json:"soak_days,omitempty"`
	Note      string     `json:"note,omitempty"`
	Paused    bool       `json:"paused,omitempty"`
}

// RuleRemoved says what removing a rule did.
type RuleRemoved struct {
	Cleared int `json:"cleared"` // decisions that were taken back
}

func (r RuleRequest) rule(name string) patch.Rule {
	return patch.Rule{Name: name, Label: r.Label, Verb: r.Verb, Expr: r.Expr, Patches: r.Patches, AfterRing: r.AfterRing, SoakDays: r.SoakDays, Note: r.Note, Paused: r.Paused}
}

func (s *people) listRules(c *call) (any, error) {
	l, err := s.Rules.List(c.Context())
	return listOf(l), err
}

func (s *people) putRule(c *call) (any, error) {
	in, err := decode[RuleRequest](c)
	if err != nil {
		return nil, err
	}
	return s.Rules.Put(c.Context(), c.caller, in.rule(c.PathValue("rule")))
}

func (s *people) previewRule(c *call) (any, error) {
	in, err := decode[RuleRequest](c)
	if err != nil {
		return nil, err
	}
	return s.Rules.Look(c.Context(), in.rule(c.PathValue("rule")))
}

func (s *people) removeRule(c *call) (any, error) {
	n, err := s.Rules.Remove(c.Context(), c.caller, c.PathValue("rule"), c.flag("take_back"))
	return RuleRemoved{n}, err
}
