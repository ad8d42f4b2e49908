package approval

import (
	"time"

	"github.com/fettle-project/fettle/internal/criterion"
	"github.com/fettle-project/fettle/internal/patch"
)

// condition is a rule that can be asked.
type condition struct {
	rule patch.Rule
	is   criterion.Criterion
	// carry are the patches of the label that the rule keeps to; nil: it keeps to none.
	carry map[patch.ID]bool
	kev   patch.Exploits
	// passed is when patches passed the ring that the rule waits for; nil: it waits for none.
	passed map[patch.ID]time.Time
}

// meets reports whether a patch is one of the rule's; a condition that cannot be judged for a patch does not hold for it.
func (c condition) meets(p patch.Patch, os patch.HostOS, now time.Time) bool {
	if c.carry != nil && !c.carry[p.ID] {
		return false
	}
	yes, err := c.is.Holds(criterion.Subject{Patch: p, OS: os, Now: now, KEV: c.kev})
	return err == nil && yes
}

// due is when a patch has been out for long enough, or has passed the rule's ring for long enough; zero while it has not passed it. A patch whose release is
// not known counts from now on, and so never comes due by itself.
func (c condition) due(p patch.Patch, now time.Time) time.Time {
	if c.passed != nil {
		at, ok := c.passed[p.ID]
		if !ok {
			return time.Time{}
		}
		return at.AddDate(0, 0, c.rule.SoakDays)
	}
	from := p.Released
	if from.IsZero() {
		from = now
	}
	return from.AddDate(0, 0, c.rule.SoakDays)
}
