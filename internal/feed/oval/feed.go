package oval

import (
	"context"
	"io"

	"github.com/fettle-project/fettle/internal/advisory"
	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/feed"
	"github.com/fettle-project/fettle/internal/patch"
)

// Kind is the patch.Feed.Kind that a Fetcher serves.
const Kind = "oval"

// ParserVersion grows with every change that gives other entries for the same files.
const ParserVersion = 2

// maxFile bounds a document as it is fetched, mostly compressed.
const maxFile = 256 << 20

// NewFetcher fetches documents of OVAL definitions.
func NewFetcher() *feed.Single {
	return &feed.Single{Kind: Kind, Limit: maxFile, Arch: advisory.NativeArch, Survey: func(_ context.Context, sub patch.Feed, raw feed.Raw) (feed.Contents, error) {
		d, err := Read(debian.Decompress(raw.Name, raw.Reader(), MaxDocument), Options{})
		if err != nil {
			return feed.Contents{}, err
		}
		found, all := feed.Contents{Dated: d.Dated}, d.Entries(raw.Arch)
		for os, entries := range all {
			if len(all) == 1 {
				found.OS = os
			}
			if sub.OS == "" || os == sub.OS || os == patch.AnyOS {
				found.Definitions += len(entries)
			}
		}
		return found, nil
	}}
}

// Open gives a raw file by its hash.
type Open func(patch.Hash) (io.ReadCloser, error)

// Generation gives the patches of a generation for one host OS, and those that the vendor has withdrawn. Definitions that name no system
// that is known are for the system that the feed is for.
func Generation(os patch.HostOS, state patch.FeedState, open Open) (entries []detect.Entry, withdrawn []patch.ID, err error) {
	d, err := document(state.Origins[0], open)
	if err != nil {
		return nil, nil, err
	}
	all := d.Entries(advisory.ArchOf(os))
	entries = all[os]
	if os != patch.AnyOS {
		entries = append(entries, all[patch.AnyOS]...)
	}
	return entries, d.Withdrawn(), nil
}

func document(o patch.Origin, open Open) (*Document, error) {
	f, err := open(o.Index)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Read(debian.Decompress(o.IndexPath, f, MaxDocument), Options{})
}
