package host

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/fettle-project/fettle/internal/macos"
	"github.com/fettle-project/fettle/internal/patch"
)

// Offers is what an operating system's own updater says that it would install. It is its own word: no verdict comes of it.
type Offers struct {
	Provider string  `json:"provider"`       // "windows-update", "softwareupdate"
	Source   string  `json:"source"`         // of its knowledge: see Source
	Code     uint32  `json:"code,omitempty"` // of a failure, an HRESULT
	Step     string  `json:"step,omitempty"` // what failed
	Text     string  `json:"text,omitempty"` // the failure in words
	Updates  []Offer `json:"updates"`
}

// Offer is one update in the words of who offers it.
type Offer struct {
	ID         string   `json:"id"`
	Title      string   `json:"title"`
	Version    string   `json:"version,omitempty"`
	Articles   []string `json:"articles,omitempty"` // "KB5034122"
	Severity   string   `json:"severity,omitempty"`
	Downloaded bool     `json:"downloaded,omitempty"`
	Restart    bool     `json:"restart,omitempty"` // it needs one, or may
}

// Source is where the operating system's updater looks.
type Source string

// Sources. A Mac knows its vendor's alone.
const (
	AsSet   Source = "as-set"  // wherever this machine's policy sends it
	Online  Source = "online"  // the vendor's own servers
	Managed Source = "wsus"    // the server that policy names
	Offline Source = "offline" // a catalog in a file: wsusscn2.cab
)

// Provider asks the operating system's own updater.
type Provider interface {
	Offers(ctx context.Context, from Source, cab string) (Offers, error)
}

// Limits of an answer.
const (
	maxAnswer = 8 << 20
	maxOffers = 5000
)

// readAnswer reads what the child process that asks Windows Update printed, and translates its codes. Every text in it is a stranger's.
func readAnswer(b []byte, from Source) (Offers, error) {
	var o Offers
	if len(b) > maxAnswer {
		return o, patch.Errorf(patch.Invalid, "Windows Update's answer has more than %d bytes", maxAnswer)
	}
	if err := json.Unmarshal(b, &o); err != nil {
		return Offers{}, patch.Errorf(patch.Invalid, "Windows Update's answer is cut off or garbled: %w", err)
	}
	o.Provider, o.Source, o.Step = patch.WindowsUpdate, string(from), tidy(o.Step, 60)
	o.Text = ""
	if o.Code != 0 {
		o.Text = fmt.Sprintf("Windows Update failed with %#08x", o.Code)
		if o.Step != "" {
			o.Text = fmt.Sprintf("Windows Update failed at %s with %#08x", o.Step, o.Code)
		}
		if words := UpdateCode(o.Code); words != "" {
			o.Text += ": " + words
		}
	}
	o.Updates = o.Updates[:min(len(o.Updates), maxOffers)]
	if o.Updates == nil || o.Code != 0 {
		o.Updates = []Offer{} // a failed search found nothing
	}
	for i := range o.Updates {
		u := &o.Updates[i]
		u.ID, u.Title, u.Version, u.Severity = tidy(u.ID, 80), tidy(u.Title, 300), tidy(u.Version, 60), tidy(u.Severity, 20)
		for k := range u.Articles {
			u.Articles[k] = tidy(u.Articles[k], 20)
		}
	}
	return o, nil
}

// macOffers reads what softwareupdate printed.
func macOffers(text string) Offers {
	o := Offers{Provider: patch.SoftwareUpdate, Source: string(Online), Updates: []Offer{}}
	all, known := macos.ReadOffers(text)
	if !known {
		o.Text = "softwareupdate gives no list: " + tidy(text, 200)
	}
	for _, x := range all {
		o.Updates = append(o.Updates, Offer{ID: x.Label, Title: x.Title, Version: x.Version, Restart: x.Restart})
	}
	return o
}
