// Package feed keeps subscriptions to vendors' archives up to date.
//
// It owns what makes a new generation of a feed acceptable: newer than the last good one, not expired, of the right host OS, and of
// a plausible size. What it refuses is recorded, raises an alarm, and leaves the last good generation in force: an empty, shrunken,
// old or unverifiable feed never makes a machine look patched. How an archive is fetched and verified is a Fetcher's: see feed/apt.
package feed

import (
	"context"
	"log/slog"
	"time"

	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/patch"
)

// Runs is the storage of feed generations.
type Runs interface {
	// FindFeedState gives the newest good generation; NotFound before there is one.
	FindFeedState(ctx context.Context, name string) (patch.FeedState, error)
	// PutFeedRun records one attempt and, where state is not nil, makes it the newest good generation, in one transaction.
	PutFeedRun(ctx context.Context, run patch.FeedRun, state *patch.FeedState) error
}

// Alarms is the storage of alarms.
type Alarms interface {
	RaiseAlarm(ctx context.Context, a patch.Alarm) error
	ClearAlarm(ctx context.Context, key string, now time.Time) error
}

// Store is what a Syncer keeps.
type Store interface {
	Runs
	Alarms
}

// Progress is how far a run is.
type Progress struct {
	Feed  string `json:"feed"`
	File  string `json:"file"`  // what is being fetched: "InRelease", "main/binary-amd64/Packages.xz"
	Done  int64  `json:"done"`  // bytes of that file
	Total int64  `json:"total"` // 0: not known
}

// Fetched is what a Fetcher found.
type Fetched struct {
	// State is the verified generation, its raw files kept; At is not set.
	State patch.FeedState
	// Unchanged means that the vendor still offers the generation that the Fetcher was given; State repeats it.
	Unchanged bool
	Bytes     int64 // taken over the network
}

// Fetcher brings one generation of a feed into dir and verifies every byte of it against the vendor's signature. It judges nothing
// but authenticity and integrity; errors are Untrusted where bytes did not verify and Unavailable where the vendor cannot be reached.
type Fetcher interface {
	Fetch(ctx context.Context, f patch.Feed, last *patch.FeedState, dir *content.Dir, now time.Time, progress func(Progress)) (Fetched, error)
}

// Syncer brings feeds up to date, one run at a time per feed.
type Syncer struct {
	Store    Store
	Dir      *content.Dir       // raw files
	Fetchers map[string]Fetcher // by patch.Feed.Kind: {"apt": &apt.Fetcher{HTTP: client}}
	Now      func() time.Time
	Log      *slog.Logger
}
