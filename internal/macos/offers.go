package macos

import (
	"strings"
)

// Offer is one update that softwareupdate lists: its own word, no verdict.
type Offer struct {
	Label   string // by which it is installed: "macOS Sonoma 14.5-23F79"
	Title   string
	Version string
	Restart bool
}

const maxOffers = 500

// ReadOffers reads what "softwareupdate --list" prints. Nothing new is an empty list; known is false where the text is neither.
func ReadOffers(text string) (all []Offer, known bool) {
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.Contains(line, "No new software available") {
			return nil, true
		}
		if label, ok := strings.CutPrefix(line, "* Label: "); ok && len(all) < maxOffers {
			all = append(all, Offer{Label: clip(label)})
			continue
		}
		if len(all) > 0 && strings.HasPrefix(line, "Title: ") {
			all[len(all)-1].fill(line)
		}
	}
	return all, len(all) > 0
}

// fill reads "Title: macOS Sonoma 14.5, Version: 14.5, Size: 3276800KiB, Recommended: YES, Action: restart,". A title may hold commas.
func (o *Offer) fill(line string) {
	rest := strings.TrimPrefix(line, "Title: ")
	if title, more, ok := strings.Cut(rest, ", Version: "); ok {
		o.Title = clip(title)
		version, _, _ := strings.Cut(more, ",")
		o.Version = clip(version)
	}
	o.Restart = strings.Contains(rest, "Action: restart")
}
