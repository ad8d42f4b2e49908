package feed

import (
	"context"

	"github.com/fettle-project/fettle/internal/patch"
)

// Sync brings f up to date: it asks for what changed, and takes the answer over only when it verifies, is not older than the last
// good generation, has not expired, is for f's host OS, and holds a plausible number of packages. Whatever happens is recorded with
// PutFeedRun; a failure is returned as well, raises the alarm "feed/<name>", and leaves the last good generation in force.
// progress may be nil.
func (s *Syncer) Sync(ctx context.Context, f patch.Feed, progress func(Progress)) (patch.FeedRun, error) {
	return patch.FeedRun{}, patch.Errorf(patch.Internal, "not built yet")
}

// SyncAccepting is Sync for a person who has checked that the number of packages did change that much: it skips that gate alone.
func (s *Syncer) SyncAccepting(ctx context.Context, f patch.Feed, progress func(Progress)) (patch.FeedRun, error) {
	return patch.FeedRun{}, patch.Errorf(patch.Internal, "not built yet")
}
