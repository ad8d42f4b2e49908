package advisory

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/fettle-project/fettle/internal/feed"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Kind is the patch.Feed.Kind that a Fetcher serves.
const Kind = "advisories"

// ParserVersion grows with every change that gives other notes for the same files.
const ParserVersion = 2

// maxFetched bounds the file as it is sent.
const maxFetched = 256 << 20

// NewFetcher fetches files of advisories. Feed.OS says which host OS's patches they enrich.
func NewFetcher() *feed.Single {
	return &feed.Single{Kind: Kind, Limit: maxFetched, Survey: func(_ context.Context, sub patch.Feed, raw feed.Raw) (feed.Contents, error) {
		r, err := readAny(raw.Name, raw, raw.Size)
		if err == nil && len(r.Notes) == 0 {
			err = &patch.Error{Kind: patch.Invalid, What: phrase.Of("the feed {1} has no advisories that can be used", sub.Name),
				Do: "Known are the Debian security tracker's lists of DSAs, DLAs and CVEs, and Ubuntu's notices as JSON or OSV."}
		}
		found := feed.Contents{Definitions: len(r.Notes)}
		for _, n := range r.Notes {
			if n.Issued.After(found.Dated) {
				found.Dated = n.Issued
			}
		}
		return found, err
	}}
}

// Notes reads a generation's notes.
func Notes(state patch.FeedState, open func(patch.Hash) (io.ReadCloser, error)) (notes []patch.Note, err error) {
	if len(state.Origins) != 1 {
		return nil, patch.Errorf(patch.Internal, "the feed %s has %d raw files, not one", state.Feed, len(state.Origins))
	}
	err = feed.WithFile(state.Origins[0], open, func(name string, in io.ReaderAt, size int64) error {
		r, err := readAny(name, in, size)
		notes = r.Notes
		return err
	})
	return notes, err
}

func readAny(name string, in io.ReaderAt, size int64) (r Result, err error) {
	if strings.HasSuffix(name, ".zip") {
		r, err = ReadZip(in, size)
	} else {
		r, err = Read(name, io.NewSectionReader(in, 0, size))
	}
	if err != nil {
		return r, fmt.Errorf("cannot read the advisories %s: %w", name, err)
	}
	return r, nil
}
