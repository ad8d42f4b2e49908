package kev

import (
	"context"
	"io"
	"sync"

	"github.com/fettle-project/fettle/internal/feed"
	"github.com/fettle-project/fettle/internal/patch"
)

// Kind is the patch.Feed.Kind that a Fetcher serves.
const Kind = "kev"

// NewFetcher fetches catalogs, which are for every host OS.
func NewFetcher() *feed.Single {
	return &feed.Single{Kind: Kind, Limit: maxFile, Survey: func(_ context.Context, _ patch.Feed, raw feed.Raw) (feed.Contents, error) {
		c, err := Read(raw.Reader())
		return feed.Contents{Definitions: len(c.Exploits), Dated: c.Dated, OS: patch.AnyOS}, err
	}}
}

// Store is the storage of feeds.
type Store interface {
	ListFeeds(ctx context.Context) ([]patch.FeedStatus, error)
	FindFeedState(ctx context.Context, feed string) (patch.FeedState, error)
}

// Known answers which CVEs are known to be exploited. Its methods may be called from many goroutines.
type Known struct {
	Store Store
	Open  func(h patch.Hash) (io.ReadCloser, error)

	mu   sync.Mutex
	read map[patch.Hash]patch.Exploits // files of the newest generations, read once
}

// Exploits joins what the newest good generations of all catalogs say; nil where none is subscribed or none had a good run.
func (k *Known) Exploits(ctx context.Context) (patch.Exploits, error) {
	feeds, err := k.Store.ListFeeds(ctx)
	if err != nil {
		return nil, err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	read := map[patch.Hash]patch.Exploits{}
	var all patch.Exploits
	for _, f := range feeds {
		if f.Kind != Kind {
			continue
		}
		state, err := k.Store.FindFeedState(ctx, f.Name)
		if err != nil && patch.KindOf(err) == patch.NotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		one, ok := k.read[state.Release]
		if !ok {
			if one, err = k.file(state.Release); err != nil {
				return nil, err
			}
		}
		read[state.Release] = one
		all = joined(all, one)
	}
	k.read = read
	return all, nil
}

func (k *Known) file(h patch.Hash) (patch.Exploits, error) {
	f, err := k.Open(h)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	c, err := Read(f)
	return c.Exploits, err
}

// joined is both; where both know a CVE, the earlier due date counts. The one catalog that most have is given as it is.
func joined(a, b patch.Exploits) patch.Exploits {
	if a == nil {
		return b
	}
	out := make(patch.Exploits, len(a)+len(b))
	for cve, x := range a {
		out[cve] = x
	}
	for cve, x := range b {
		if old, both := out[cve]; !both || old.Due.IsZero() || !x.Due.IsZero() && x.Due.Before(old.Due) {
			out[cve] = x
		}
	}
	return out
}
