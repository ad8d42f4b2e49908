package kev

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"path"
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/feed"
	"github.com/fettle-project/fettle/internal/patch"
)

// Kind is the patch.Feed.Kind that a Fetcher serves.
const Kind = "kev"

// Fetcher fetches catalogs. The zero value works; it is safe for concurrent use.
type Fetcher struct {
	HTTP  *http.Client
	Pause time.Duration
}

// Fetch implements feed.Fetcher: Feed.URI is a file of the appliance or at an https address.
func (f *Fetcher) Fetch(ctx context.Context, sub patch.Feed, last *patch.FeedState, dir *content.Dir, now time.Time, progress func(feed.Progress)) (feed.Fetched, error) {
	var out feed.Fetched
	address, err := feed.UnsignedAddress(sub)
	if err != nil {
		return out, err
	}
	u, err := url.Parse(address)
	if err != nil {
		return out, patch.Errorf(patch.Invalid, "cannot read %q: %w", address, err)
	}
	get := feed.NewGetter(f.HTTP, f.Pause, sub.Name, progress)
	h, err := get.Whole(ctx, address, path.Base(u.Path), dir, maxFile)
	out.Bytes = get.Bytes
	if err != nil {
		return out, err
	}
	if last != nil && last.Release == h {
		out.State, out.Unchanged = *last, true
		return out, nil
	}
	file, err := dir.Open(h)
	if err != nil {
		return out, err
	}
	defer file.Close()
	c, err := Read(file)
	if err != nil {
		return out, err
	}
	out.State = patch.FeedState{Label: sub.Name, OS: patch.AnyOS, Release: h, Dated: c.Dated, Packages: len(c.Exploits),
		Origins: []patch.Origin{{Suite: sub.Name, Component: Kind, Release: h, Index: h, IndexPath: path.Base(u.Path), Dated: c.Dated}}}
	return out, nil
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
