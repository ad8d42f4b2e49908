package feed

import (
	"context"
	"fmt"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Outcomes of a run.
const (
	New         = "new"
	Unchanged   = "unchanged"
	Failed      = "failed"
	Quarantined = "quarantined"
)

// Sync brings f up to date: it asks for what changed, and takes the answer over only when it verifies, is not older than the last
// good generation, has not expired, is for f's host OS, and holds a plausible number of packages. Whatever happens is recorded with
// PutFeedRun; a failure is returned as well, raises the alarm "feed/<name>", and leaves the last good generation in force.
// progress may be nil.
func (s *Syncer) Sync(ctx context.Context, f patch.Feed, progress func(Progress)) (patch.FeedRun, error) {
	return s.sync(ctx, f, progress, nil)
}

// SyncAccepting is Sync for a person who has checked the generation that the run seen put in quarantine: the gate of size lets that one
// through, and no other. Every other gate stays.
func (s *Syncer) SyncAccepting(ctx context.Context, f patch.Feed, seen patch.FeedRun, progress func(Progress)) (patch.FeedRun, error) {
	return s.sync(ctx, f, progress, &seen)
}

func (s *Syncer) sync(ctx context.Context, f patch.Feed, progress func(Progress), seen *patch.FeedRun) (patch.FeedRun, error) {
	if progress == nil {
		progress = func(Progress) {}
	}
	run := patch.FeedRun{Feed: f.Name, Started: s.Now()}
	last, err := s.last(ctx, f.Name)
	if err != nil {
		return run, err
	}
	next, err := s.attempt(ctx, f, last, &run, progress, seen)
	if ctx.Err() != nil {
		return run, ctx.Err()
	}
	run.Ended = s.Now()
	return run, s.record(ctx, f, run, next, err)
}

func (s *Syncer) last(ctx context.Context, name string) (*patch.FeedState, error) {
	state, err := s.Store.FindFeedState(ctx, name)
	switch {
	case patch.KindOf(err) == patch.NotFound && err != nil:
		return nil, nil
	case err != nil:
		return nil, err
	}
	return &state, nil
}

// attempt fetches and judges; it gives the state to take over, nil for none.
func (s *Syncer) attempt(ctx context.Context, f patch.Feed, last *patch.FeedState, run *patch.FeedRun, progress func(Progress), seen *patch.FeedRun) (*patch.FeedState, error) {
	run.Outcome = Failed
	fetcher, ok := s.Fetchers[f.Kind]
	if !ok {
		return nil, &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot sync the feed {1}", f.Name), Why: phrase.Format("feeds of the kind %q are not known", f.Kind)}
	}
	got, err := fetcher.Fetch(ctx, f, last, s.Dir, run.Started, progress)
	run.Bytes, run.Dated, run.Packages = got.Bytes, got.State.Dated, got.State.Packages
	if err != nil {
		return nil, fmt.Errorf("cannot sync the feed %s: %w", f.Name, err)
	}
	if err := authentic(f, last, &got.State, run.Started); err != nil {
		return nil, err
	}
	if err := plausible(f, last, &got.State); err != nil && !accepted(f, &got.State, seen) {
		run.Outcome = Quarantined
		return nil, err
	}
	run.Outcome = New
	if got.Unchanged {
		run.Outcome = Unchanged
	}
	next := got.State
	next.Feed, next.At = f.Name, run.Started
	if next.OS == "" {
		next.OS = f.OS
	}
	if got.Unchanged && last != nil {
		next.At = last.At
	}
	return &next, nil
}

// record stores the run and sets or clears the alarm. Storage comes after ctx may have ended, because the run did happen.
func (s *Syncer) record(ctx context.Context, f patch.Feed, run patch.FeedRun, next *patch.FeedState, failure error) error {
	ctx = context.WithoutCancel(ctx)
	key := "feed/" + f.Name
	if failure == nil {
		if err := s.Store.PutFeedRun(ctx, run, next); err != nil {
			return err
		}
		return s.Store.ClearAlarm(ctx, key, run.Ended)
	}
	run.Text = patch.Said(failure)
	if err := s.Store.PutFeedRun(ctx, run, nil); err != nil {
		return err
	}
	alarm := patch.Alarm{Key: key, Kind: "feed", Text: run.Text, Do: advice(run.Outcome, f.Name), RaisedAt: run.Ended, SeenAt: run.Ended}
	if err := s.Store.RaiseAlarm(ctx, alarm); err != nil {
		return err
	}
	return failure
}

func advice(outcome, name string) phrase.Phrase {
	if outcome == Quarantined {
		return phrase.Of("Compare with the vendor's archive. If the change is right, take it over with {1}. Until then the last good generation stays in force.", "`fettle catalog sync --accept "+name+"`")
	}
	return "The last good generation stays in force. It is tried again with every sync; check the feed's address, its keyring and this machine's clock and network if it lasts."
}
