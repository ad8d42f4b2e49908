package apps

import (
	"context"
	"io"
	"time"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/feed"
	"github.com/fettle-project/fettle/internal/patch"
)

// Kind is the patch.Feed.Kind of app definitions.
const Kind = "apps"

// ParserVersion grows with every change that gives other entries for the same files.
const ParserVersion = 1

// NewFetcher fetches app definitions: one file, or a zip of many.
func NewFetcher() *feed.Single {
	return &feed.Single{Kind: Kind, Limit: maxZip, Survey: func(_ context.Context, _ patch.Feed, raw feed.Raw) (feed.Contents, error) {
		s, err := read(raw.Name, raw, raw.Size)
		return feed.Contents{Definitions: len(s.Apps), Dated: s.Dated()}, err
	}}
}

// Generation gives the patches of a generation.
func Generation(state patch.FeedState, open func(patch.Hash) (io.ReadCloser, error)) (entries []detect.Entry, err error) {
	err = feed.WithFile(state.Origins[0], open, func(name string, in io.ReaderAt, size int64) error {
		s, err := read(name, in, size)
		entries = s.Entries()
		return err
	})
	return entries, err
}

func read(name string, in io.ReaderAt, size int64) (*Set, error) {
	s := &Set{}
	err := s.ReadAny(name, in, size)
	if err == nil {
		err = s.Finish()
	}
	return s, err
}

// Dated is when the newest app was released.
func (s *Set) Dated() (newest time.Time) {
	for _, a := range s.Apps {
		if t, err := a.released(); err == nil && t.After(newest) {
			newest = t
		}
	}
	return newest
}
