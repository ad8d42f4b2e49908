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
type Counts = patch.AttemptCounts

// Part is which machines of a deployment are wanted: those with an install at a stage, and so many of them by name. Limit 0: none.
type Part struct {
	Stage         patch.Stage
	Offset, Limit int
}

// MachineProgress is one machine's part.
type MachineProgress struct {
	Machine    patch.MachineID `json:"machine"`
	Name       string          `json:"name"`
	State      patch.Execution `json:"state"` // of the item under way, else of the least advanced
	Text       phrase.Phrase   `json:"text"`  // what it is doing, or waiting for
	SeenAt     time.Time       `json:"seen_at,omitzero"`
	Bytes      int64           `json:"bytes"`
	TotalBytes int64           `json:"total_bytes"`
	Counts     Counts          `json:"counts"`
	Items      []ItemProgress  `json:"items"`
}

// ItemProgress is one patch on one machine.
type ItemProgress struct {
	Attempt patch.Attempt `json:"attempt"`
	Title   string        `json:"title"` // empty in a Part
	Text    phrase.Phrase `json:"text"`  // the state as a sentence
}
