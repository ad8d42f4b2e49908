package item

import (
	"context"

	"github.com/fettle-project/fettle/internal/patch"
)

// Stored is a Source that answers from facts: what Judge.Collect gave. What was not collected then is "not collected".
type Stored struct{ facts map[string]patch.Collected }

// NewStored indexes facts.
func NewStored(facts []patch.Collected) *Stored {
	s := &Stored{facts: make(map[string]patch.Collected, len(facts))}
	for _, c := range facts {
		s.facts[c.Class+" "+c.Key] = c
	}
	return s
}

// Probe gives what was collected for the same request.
func (s *Stored) Probe(_ context.Context, r Request) patch.Collected {
	if c, ok := s.facts[r.Class+" "+r.Key()]; ok {
		return c
	}
	return patch.Collected{Flag: patch.FlagNotCollected, Message: "the facts hold no answer to this question"}
}
