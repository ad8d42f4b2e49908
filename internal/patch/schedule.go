package patch

import "time"

// Schedule acts by itself in recurring windows: it deploys what is approved and eligible for a label, or has its machines detect.
type Schedule struct {
	Name   string `json:"name"`
	Label  string `json:"label"`
	Window string `json:"window"` // as package schedule writes it: "second tuesday + 3 days 22:00-04:00"
	// Detect makes it a schedule that only has machines detect: each once in every window.
	Detect bool `json:"detect,omitempty"`
	// CatchUp is for how many hours after its end a window is made up for on a machine that was away for all of it; 0: such a machine waits
	// for the next window.
	CatchUp int `json:"catch_up_hours,omitempty"`
	// Reboot says when the machines may be restarted after what it deploys; nil: never.
	Reboot *RebootPolicy `json:"reboot,omitempty"`
	// Manner is how the machines go about what it deploys; nil: nothing beside installing.
	Manner    *Manner   `json:"manner,omitempty"`
	Note      string    `json:"note,omitempty"`
	Paused    bool      `json:"paused,omitempty"`
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by"`
}
