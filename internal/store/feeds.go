package store

import (
	"context"
	"database/sql"
	"errors"

	"github.com/fettle-project/fettle/internal/patch"
)

func scanDocument[T any](r scanner) (T, error) {
	var v T
	err := r.Scan(document{&v})
	return v, err
}

// PutFeed adds a feed or changes one. Pointing it at another archive forgets its last good state, which belonged to the old one.
func (s *Store) PutFeed(ctx context.Context, c patch.Caller, f patch.Feed) error {
	if f.Name == "" {
		return patch.Errorf(patch.Invalid, "a feed needs a name")
	}
	body, err := toJSON(f)
	if err != nil {
		return err
	}
	err = s.change(ctx, c, deed{"feed.put", f.Name, f}, func(x session) error {
		old, err := find(ctx, x, scanDocument[patch.Feed], `SELECT body FROM feeds WHERE name = $1`, f.Name)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if err == nil && (old.URI != f.URI || old.Suite != f.Suite || old.Arch != f.Arch) {
			if _, err := x.exec(ctx, `DELETE FROM feed_states WHERE name = $1`, f.Name); err != nil {
				return err
			}
		}
		_, err = x.exec(ctx, `INSERT INTO feeds (name, body) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET body = excluded.body`, f.Name, body)
		return err
	})
	return fault(err, "cannot store the feed %s", f.Name)
}

// ListFeeds gives every feed with its newest run and its newest good one, by name.
func (s *Store) ListFeeds(ctx context.Context) ([]patch.FeedStatus, error) {
	return s.seldom.feeds.read(s, func() ([]patch.FeedStatus, error) { return s.readFeeds(ctx) })
}

func (s *Store) readFeeds(ctx context.Context) ([]patch.FeedStatus, error) {
	feeds, err := list(ctx, s.read(), scanDocument[patch.Feed], `SELECT body FROM feeds ORDER BY name`)
	if err != nil {
		return nil, fault(err, "cannot list feeds")
	}
	all := make([]patch.FeedStatus, len(feeds))
	for i, f := range feeds {
		all[i].Feed = f
		if all[i].Last, err = s.newestRun(ctx, f.Name, ``); err != nil {
			return nil, err
		}
		if all[i].LastGood, err = s.newestRun(ctx, f.Name, ` AND good`); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func (s *Store) newestRun(ctx context.Context, name, and string) (*patch.FeedRun, error) {
	run, err := find(ctx, s.read(), scanDocument[patch.FeedRun], `SELECT body FROM feed_runs WHERE feed = $1`+and+` ORDER BY started DESC LIMIT 1`, name)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return &run, fault(err, "cannot read the runs of the feed %s", name)
}

// RemoveFeed ends a subscription. Its runs stay; its patches leave their list with the next revision.
func (s *Store) RemoveFeed(ctx context.Context, c patch.Caller, name string) error {
	err := s.change(ctx, c, deed{"feed.remove", name, nil}, func(x session) error {
		n, err := x.exec(ctx, `DELETE FROM feeds WHERE name = $1`, name)
		if err == nil && n == 0 {
			return patch.NothingCalled("feed", name)
		}
		if err == nil {
			_, err = x.exec(ctx, `DELETE FROM feed_states WHERE name = $1`, name)
		}
		return err
	})
	return fault(err, "cannot remove the feed %s", name)
}

// FindFeedState gives the newest good generation; NotFound before there is one.
func (s *Store) FindFeedState(ctx context.Context, name string) (patch.FeedState, error) {
	v, err := find(ctx, s.read(), scanDocument[patch.FeedState], `SELECT body FROM feed_states WHERE name = $1`, name)
	return v, missing(err, "the feed %s never had a good run", name)
}

// PutFeedRun stores a run and, where state is not nil, the new good generation with it.
func (s *Store) PutFeedRun(ctx context.Context, run patch.FeedRun, state *patch.FeedState) error {
	body, err := toJSON(run)
	if err != nil {
		return err
	}
	good := run.Outcome == "new" || run.Outcome == "unchanged"
	err = s.write(ctx, func(x session) error {
		if _, err := x.exec(ctx, `INSERT INTO feed_runs (feed, started, good, body) VALUES ($1, $2, $3, $4)
			ON CONFLICT (feed, started) DO UPDATE SET good = excluded.good, body = excluded.body`, run.Feed, run.Started, good, body); err != nil {
			return err
		}
		if state == nil {
			return nil
		}
		text, err := toJSON(state)
		if err != nil {
			return err
		}
		_, err = x.exec(ctx, `INSERT INTO feed_states (name, body) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET body = excluded.body`, run.Feed, text)
		return err
	})
	return fault(err, "cannot store a run of the feed %s", run.Feed)
}
