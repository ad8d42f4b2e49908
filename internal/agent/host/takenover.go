package host

// TakenOver records exactly what a take-over made, so that giving back undoes that and nothing else.
type TakenOver struct {
	Files []string `json:"files,omitempty"` // paths below the root
	Units []string `json:"units,omitempty"` // that were masked
	// Values are registry values that were set, by their place, with the number that each had before; nil where it was not there.
	Values map[string]*uint32 `json:"values,omitempty"`
}
