package oval

import (
	"context"
	"io"
	"net/http"
	"path"
	"time"

	"github.com/fettle-project/fettle/internal/advisory"
	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/feed"
	"github.com/fettle-project/fettle/internal/patch"
)

// Kind is the patch.Feed.Kind that a Fetcher serves.
const Kind = "oval"

// ParserVersion grows with every change that gives other entries for the same files.
const ParserVersion = 1

// maxFile bounds a document as it is fetched, mostly compressed.
const maxFile = 256 << 20

// Fetcher fetches documents of OVAL definitions. The zero value works; it is safe for concurrent use.
type Fetcher struct {
	HTTP  *http.Client
	Pause time.Duration
}

// Fetch implements feed.Fetcher: Feed.URI is a file of this machine or an https address. Documents carry no signature; feed.UnsignedAddress
// holds what may be used.
func (f *Fetcher) Fetch(ctx context.Context, sub patch.Feed, last *patch.FeedState, dir *content.Dir, now time.Time, progress func(feed.Progress)) (feed.Fetched, error) {
	var out feed.Fetched
	address, err := feed.UnsignedAddress(sub)
	if err != nil {
		return out, err
	}
	get := feed.NewGetter(f.HTTP, f.Pause, sub.Name, progress)
	h, err := get.Whole(ctx, address, path.Base(address), dir, maxFile)
	out.Bytes = get.Bytes
	if err != nil {
		return out, err
	}
	arch := advisory.NativeArch(sub.Arch)
	if last != nil && last.Release == h && len(last.Origins) == 1 && last.Origins[0].Arch == arch {
		out.State, out.Unchanged = *last, true
		return out, nil
	}
	o := patch.Origin{Suite: sub.Name, Component: Kind, Arch: arch, Release: h, Index: h, IndexPath: path.Base(address)}
	out.State = patch.FeedState{Label: sub.Name, Release: h, Origins: []patch.Origin{o}}
	return out, survey(sub, &out.State, func(h patch.Hash) (io.ReadCloser, error) { return dir.Open(h) })
}

// survey reads a generation once: how many patches it has, for which system, and of when it is.
func survey(sub patch.Feed, state *patch.FeedState, open Open) error {
	o := &state.Origins[0]
	d, err := document(*o, open)
	if err != nil {
		return err
	}
	state.Dated, o.Dated = d.Dated, d.Dated
	all := d.Entries(o.Arch)
	if sub.OS == "" && len(all) == 1 {
		for os := range all {
			state.OS = os
		}
	}
	for os, entries := range all {
		if sub.OS == "" || os == sub.OS || os == patch.AnyOS {
			state.Packages += len(entries)
		}
	}
	if state.Packages == 0 {
		return &patch.Error{Kind: patch.Invalid, What: "the feed " + sub.Name + " has no definitions for " + string(sub.OS), Do: "Correct the feed's host OS."}
	}
	return nil
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
