package deploy

import (
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Progress is a deployment as it stands now.
type Progress struct {
	Deployment patch.Deployment  `json:"deployment"`
	Sentence   phrase.Phrase     `json:"sentence"` // "12 of 41 machines done, 3 installing, 1 failed"
	Counts     Counts            `json:"counts"`
	Bytes      int64             `json:"bytes"`              // fetched by agents so far
	TotalBytes int64             `json:"total_bytes"`        // to fetch
	Ended      bool              `json:"ended"`              // nothing will happen any more
	Machines   []MachineProgress `json:"machines,omitempty"` // by name; left out by List
}

// Counts is a number of attempts per state, and what detects proved of those that are done.
type Counts struct {
	Total        int `json:"total"`
	Waiting      int `json:"waiting"`
	Downloading  int `json:"downloading"`
	Installing   int `json:"installing"`
	Done         int `json:"done"`
	Failed       int `json:"failed"`
	Withdrawn    int `json:"withdrawn"`
	Verified     int `json:"verified"`      // of Done
	NotEffective int `json:"not_effective"` // of Done
	Unproven     int `json:"unproven"`      // of Done: no complete detect since
	RebootOwed   int `json:"reboot_owed"`
}

// MachineProgress is one machine's part.
type MachineProgress struct {
	Machine    patch.MachineID `json:"machine"`
	Name       string          `json:"name"`
	State      patch.Execution `json:"state"` // of the item under way, else of the least advanced
	Text       string          `json:"text"`  // what it is doing, or waiting for
	SeenAt     time.Time       `json:"seen_at,omitzero"`
	Bytes      int64           `json:"bytes"`
	TotalBytes int64           `json:"total_bytes"`
	Counts     Counts          `json:"counts"`
	Items      []ItemProgress  `json:"items"`
}

// ItemProgress is one patch on one machine.
type ItemProgress struct {
	Attempt patch.Attempt `json:"attempt"`
	Title   string        `json:"title"`
	Text    string        `json:"text"` // the state as a sentence
}
