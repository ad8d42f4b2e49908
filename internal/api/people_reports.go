package api

import (
	"context"

	"github.com/fettle-project/fettle/internal/ledger"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Complying is one label's compliance with what follows from it.
type Complying struct {
	patch.Compliance
	Low      float64       `json:"low"`  // share of machines that are certainly compliant
	High     float64       `json:"high"` // share that may be
	Sentence phrase.Phrase `json:"sentence"`
}

func complying(c patch.Compliance) Complying {
	return Complying{Compliance: c, Low: c.Low(), High: c.High(), Sentence: ledger.ComplianceSentence(c)}
}

// Compliances gives how the machines of labels stand now; of all labels of machines where none is named.
func (a *Appliance) Compliances(ctx context.Context, labels []string) ([]Complying, error) {
	if len(labels) == 0 {
		all, err := a.Labels.Sizes(ctx)
		if err != nil {
			return nil, err
		}
		for _, m := range all {
			if m.Label.Of == patch.OfMachines {
				labels = append(labels, m.Label.Name)
			}
		}
	}
	all, err := a.Ledger.Compliance(ctx, labels, a.Allowance)
	if err != nil {
		return nil, err
	}
	out := make([]Complying, 0, len(all))
	for _, c := range all {
		out = append(out, complying(c))
	}
	return out, nil
}

func (s *people) compliance(c *call) (any, error) {
	l, err := s.Compliances(c.Context(), list[string](c, "label"))
	return listOf(l), err
}

// longestHistory is how many days of compliance one answer gives.
const longestHistory = 3660

func (s *people) complianceHistory(c *call) (any, error) {
	days, err := c.number("days", 30, longestHistory)
	if err != nil {
		return nil, err
	}
	label := c.text("label")
	if label == "" {
		label = patch.LabelAll
	}
	all, err := s.Store.ListCompliance(c.Context(), label, s.Now().AddDate(0, 0, -days))
	out := make([]Complying, 0, len(all))
	for _, x := range all {
		out = append(out, complying(x))
	}
	return listOf(out), err
}

// machineAsOf tells how a machine stood at ?at=, or with ?to= what has changed until then.
func (s *people) machineAsOf(c *call) (any, error) {
	m, err := s.Ledger.Resolve(c.Context(), c.PathValue("machine"))
	if err != nil {
		return nil, err
	}
	at, err := c.moment("at")
	if err != nil {
		return nil, err
	}
	to, err := c.moment("to")
	if err != nil {
		return nil, err
	}
	if !to.IsZero() {
		return s.Ledger.Between(c.Context(), m.ID, at, to)
	}
	if at.IsZero() {
		at = s.Now()
	}
	return s.Ledger.AsOf(c.Context(), m.ID, at)
}

// ineligible lists what is approved for machines that are not eligible, by why: of ?label=, ?os=, ?patch=, ?code=.
func (s *people) ineligible(c *call) (any, error) {
	return s.Ledger.Ineligible(c.Context(), ledger.IneligibleFilter{Label: c.text("label"), OS: patch.HostOS(c.text("os")), Patch: patch.ID(c.text("patch")), Code: c.text("code")})
}
