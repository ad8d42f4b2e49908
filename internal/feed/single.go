package feed

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"time"

	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/patch"
)

// Single fetches feeds that are one file each, without a signature of their own: Feed.URI is a file of this machine or an https address, and
// the feed is for the host OS that its subscription names. Safe for concurrent use.
type Single struct {
	HTTP  *http.Client
	Pause time.Duration
	Kind  string
	Limit int64 // bytes of the file
	// Survey reads a generation once: how many definitions it has for the host OS, and of when it is.
	Survey func(os patch.HostOS, name string, in io.ReaderAt, size int64) (definitions int, dated time.Time, err error)
}

// Fetch implements Fetcher.
func (f *Single) Fetch(ctx context.Context, sub patch.Feed, last *patch.FeedState, dir *content.Dir, now time.Time, progress func(Progress)) (Fetched, error) {
	var out Fetched
	address, err := UnsignedAddress(sub)
	if err != nil {
		return out, err
	}
	if u, err := url.Parse(address); err == nil && u.Scheme == "file" {
		if info, err := os.Stat(u.Path); err == nil && info.IsDir() {
			return out, &patch.Error{Kind: patch.Invalid, What: "the feed " + sub.Name + " cannot be fetched", Why: "its address is a directory", Do: "Pack the directory into a zip file, and name that."}
		}
	}
	get := NewGetter(f.HTTP, f.Pause, sub.Name, progress)
	h, err := get.Whole(ctx, address, path.Base(address), dir, f.Limit)
	out.Bytes = get.Bytes
	if err != nil {
		return out, err
	}
	if last != nil && last.Release == h && len(last.Origins) == 1 && last.OS == sub.OS {
		out.State, out.Unchanged = *last, true
		return out, nil
	}
	o := patch.Origin{Suite: sub.Name, Component: f.Kind, Arch: sub.Arch, Release: h, Index: h, IndexPath: path.Base(address)}
	err = WithFile(o, func(h patch.Hash) (io.ReadCloser, error) { return dir.Open(h) }, func(name string, in io.ReaderAt, size int64) (err error) {
		out.State.Packages, o.Dated, err = f.Survey(sub.OS, name, in, size)
		return err
	})
	if err != nil {
		return out, err
	}
	if out.State.Packages == 0 {
		return out, &patch.Error{Kind: patch.Invalid, What: "the feed " + sub.Name + " has no definitions for " + string(sub.OS), Do: "Correct the feed's host OS or its address."}
	}
	out.State.Label, out.State.OS, out.State.Release, out.State.Dated, out.State.Origins = sub.Name, sub.OS, h, o.Dated, []patch.Origin{o}
	return out, nil
}

// WithFile calls do with the raw file of an origin.
func WithFile(o patch.Origin, open func(patch.Hash) (io.ReadCloser, error), do func(name string, in io.ReaderAt, size int64) error) error {
	f, err := open(o.Index)
	if err != nil {
		return err
	}
	defer f.Close()
	in, ok := f.(interface {
		io.ReaderAt
		io.Seeker
	})
	if !ok {
		return patch.Errorf(patch.Internal, "cannot read %s: it can only be read from its beginning", o.IndexPath)
	}
	size, err := in.Seek(0, io.SeekEnd)
	if err != nil {
		return patch.Errorf(patch.Unavailable, "cannot read %s: %w", o.IndexPath, err)
	}
	return do(o.IndexPath, in, size)
}
