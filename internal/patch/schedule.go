package patch

import "time"

// Schedule deploys by itself, in recurring windows, what is approved and eligible for a label.
type Schedule struct {
	Name      string    `json:"name"`
	Label     string    `json:"label"`
	Window    string    `json:"window"` // as package schedule writes it: "second tuesday + 3 days 22:00-04:00"
	Note      string    `json:"note,omitempty"`
	Paused    bool      `json:"paused,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by"`
}
