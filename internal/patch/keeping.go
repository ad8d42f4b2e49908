package patch

import "time"

// KeepFactsDays is how long facts are kept that nothing names any more, unless a setting says otherwise.
const KeepFactsDays = 90

// Keeping is what the appliance holds of one kind of document, as it was when it last looked, and what it has let go since it keeps count.
type Keeping struct {
	What      string    `json:"what"`         // "facts"
	At        time.Time `json:"at,omitzero"`  // when it last looked; zero: it has not yet
	Documents int64     `json:"documents"`    // that are kept
	Bytes     int64     `json:"bytes"`        // of these, compressed as they are stored
	Unneeded  int64     `json:"unneeded"`     // of these: nothing names them any more
	Days      int       `json:"days"`         // after so many days without a need they are let go; 0: never
	LetGo     int64     `json:"let_go"`       // documents, in all
	LetGoSize int64     `json:"let_go_bytes"` // bytes, in all
	LetGoAt   time.Time `json:"let_go_at,omitzero"`
}
