package item

import (
	"context"
	"sync"

	"github.com/fettle-project/fettle/internal/patch"
)

// Stored is a Source that answers from facts: what Judge.Collect gave, or all of a class under an empty key. What was not collected then
// is "not collected". It never changes and is safe for concurrent use.
type Stored struct {
	facts []patch.Collected
	at    map[question]int32

	mu     sync.Mutex
	wholes map[string]*entire // by class
}

// question names a request.
type question struct{ class, key string }

// NewStored indexes facts, which must not be changed afterwards.
func NewStored(facts []patch.Collected) *Stored {
	s := &Stored{facts: facts, at: make(map[question]int32, len(facts))}
	for i := range facts {
		s.at[question{class: facts[i].Class, key: facts[i].Key}] = int32(i)
	}
	return s
}

// Probe gives what was collected for the same request.
func (s *Stored) Probe(_ context.Context, r Request) patch.Collected {
	if i, ok := s.at[question{class: r.Class, key: r.Key()}]; ok {
		return s.facts[i]
	}
	if i, ok := s.at[question{class: r.Class}]; ok {
		s.mu.Lock()
		defer s.mu.Unlock()
		w := s.wholes[r.Class]
		if w == nil {
			if s.wholes == nil {
				s.wholes = map[string]*entire{}
			}
			w = &entire{Collected: s.facts[i]}
			s.wholes[r.Class] = w
		}
		return w.answer(&r)
	}
	return patch.Collected{Flag: patch.FlagNotCollected, Message: "the facts hold no answer to this question"}
}
