package patch

import (
	"time"

	"github.com/fettle-project/fettle/internal/phrase"
)

// Feed is one subscription to a vendor's archive.
type Feed struct {
	Name       string   `json:"name"` // "debian-bookworm-security"
	Kind       string   `json:"kind"` // "apt"
	URI        string   `json:"uri"`
	Suite      string   `json:"suite"`
	Components []string `json:"components"`
	Arch       string   `json:"arch"`
	OS         HostOS   `json:"os"`      // the host OS whose list this feed contributes to
	Keyring    string   `json:"keyring"` // path of the OpenPGP keyring that its signatures must verify with
	// IgnoreExpiry accepts a Release whose Valid-Until is past, for frozen mirrors. Rollback is refused all the same.
	IgnoreExpiry bool `json:"ignore_expiry,omitempty"`
}

// FeedRun is one attempt to bring a feed up to date.
type FeedRun struct {
	Feed     string        `json:"feed"`
	Started  time.Time     `json:"started"`
	Ended    time.Time     `json:"ended"`
	Outcome  string        `json:"outcome"` // "new", "unchanged", "failed", "quarantined"
	Text     phrase.Phrase `json:"text,omitempty"`
	Dated    time.Time     `json:"dated,omitzero"` // the Release's Date
	Bytes    int64         `json:"bytes"`
	Packages int           `json:"packages"`
}

// Release is what the signed Release of a suite says of itself, as far as it decides which versions a machine chooses.
type Release struct {
	Origin   string `json:"origin,omitempty"`
	Label    string `json:"label,omitempty"`
	Suite    string `json:"suite,omitempty"` // apt calls it the archive: "stable-backports"
	Codename string `json:"codename,omitempty"`
	Version  string `json:"version,omitempty"`
	// NotAutomatic: nothing of the suite is chosen unless somebody asks for it; with ButAutomaticUpgrades, what was once installed
	// from there follows it.
	NotAutomatic         bool `json:"not_automatic,omitempty"`
	ButAutomaticUpgrades bool `json:"but_automatic_upgrades,omitempty"`
}

// FeedState is the newest good generation of a feed: verified, complete, kept as raw files under their content addresses.
type FeedState struct {
	Feed       string    `json:"feed"`
	OS         HostOS    `json:"os"`    // the host OS that the generation itself names
	Label      string    `json:"label"` // the vendor's word for the archive: "Debian-Security"
	About      Release   `json:"about,omitzero"`
	Origins    []Origin  `json:"origins"` // one per component, in the feed's order
	Dated      time.Time `json:"dated"`
	ValidUntil time.Time `json:"valid_until,omitzero"`
	Packages   int       `json:"packages"`
	Release    Hash      `json:"release"` // the signed index of the generation, as a raw file
	// ETag and Modified let the next run ask only for what changed.
	ETag     string    `json:"etag,omitempty"`
	Modified string    `json:"modified,omitempty"`
	At       time.Time `json:"at"` // when the appliance took it over
}

// FeedStatus is a feed with its newest run and its newest good one.
type FeedStatus struct {
	Feed
	Last     *FeedRun `json:"last,omitempty"`
	LastGood *FeedRun `json:"last_good,omitempty"`
}

// Alarm is something that a person must know, raised once and kept until it clears by itself.
type Alarm struct {
	Key       string        `json:"key"`  // one row per key: "feed/debian-bookworm", "detect/<machine>"
	Kind      string        `json:"kind"` // "feed", "detect", "payload", "disk", "mismatch"
	Text      phrase.Phrase `json:"text"`
	Do        phrase.Phrase `json:"do,omitempty"`
	RaisedAt  time.Time     `json:"raised_at"`
	SeenAt    time.Time     `json:"seen_at"`
	ClearedAt time.Time     `json:"cleared_at,omitzero"`
}

// Good reports whether the newest run read the feed well.
func (f FeedStatus) Good() bool {
	return f.Last != nil && (f.Last.Outcome == "new" || f.Last.Outcome == "unchanged")
}
