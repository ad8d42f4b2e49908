package patch

import "time"

// Blackout is a time in which nothing is deployed: a holiday, a change freeze. It covers whoever carries its label at the moment.
type Blackout struct {
	Name   string    `json:"name"`
	From   time.Time `json:"from"`  // included
	Until  time.Time `json:"until"` // not included
	Label  string    `json:"label"` // LabelAll: the whole organisation
	Reason string    `json:"reason"`
	Owner  string    `json:"owner"` // whom to ask about it

	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by"`
}

// Covers reports whether a moment lies in it.
func (b Blackout) Covers(t time.Time) bool { return !t.Before(b.From) && t.Before(b.Until) }
