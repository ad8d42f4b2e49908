package feed

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"time"

	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Single fetches feeds that are one file each, without a signature of their own: Feed.URI is a file of this machine or an https address.
// Safe for concurrent use.
type Single struct {
	HTTP  *http.Client
	Pause time.Duration
	Kind  string
	Limit int64 // bytes of the file
	// Arch gives a subscription's architecture as the source names it; nil: as it is.
	Arch func(string) string
	// Pack makes one file of a directory, the same bytes for the same content; nil: a directory is refused.
	Pack func(w io.Writer, dir string) error
	// Survey reads a generation once.
	Survey func(ctx context.Context, sub patch.Feed, raw Raw) (Contents, error)
}

// Raw is the raw file of a generation.
type Raw struct {
	io.ReaderAt
	Name string
	Arch string // as the source names it
	Size int64
}

// Reader reads the file from its beginning.
func (r Raw) Reader() io.Reader { return io.NewSectionReader(r, 0, r.Size) }

// Contents is what a generation holds.
type Contents struct {
	Definitions int          // of the subscription's host OS, where it names one
	Dated       time.Time    // of when it is
	OS          patch.HostOS // what it is for, where the subscription does not say so and it tells itself
}

// Fetch implements Fetcher.
func (f *Single) Fetch(ctx context.Context, sub patch.Feed, last *patch.FeedState, dir *content.Dir, now time.Time, progress func(Progress)) (Fetched, error) {
	var out Fetched
	address, err := UnsignedAddress(sub)
	if err != nil {
		return out, err
	}
	u, err := url.Parse(address)
	if err != nil {
		return out, patch.Errorf(patch.Invalid, "cannot read %q: %w", address, err)
	}
	get := NewGetter(f.HTTP, f.Pause, sub.Name, progress)
	h, err := f.bring(ctx, sub, u, get, dir)
	out.Bytes = get.Bytes
	if err != nil {
		return out, err
	}
	o := patch.Origin{Suite: sub.Name, Component: f.Kind, Arch: sub.Arch, Release: h, Index: h, IndexPath: path.Base(u.Path)}
	if f.Arch != nil {
		o.Arch = f.Arch(sub.Arch)
	}
	if last != nil && last.Release == h && len(last.Origins) == 1 && last.Origins[0].Suite == sub.Name && last.Origins[0].Arch == o.Arch && (sub.OS == "" || sub.OS == last.OS) {
		out.State, out.Unchanged = *last, true
		return out, nil
	}
	var found Contents
	err = WithFile(o, func(h patch.Hash) (io.ReadCloser, error) { return dir.Open(h) }, func(name string, in io.ReaderAt, size int64) (err error) {
		found, err = f.Survey(ctx, sub, Raw{ReaderAt: in, Name: name, Arch: o.Arch, Size: size})
		return err
	})
	if err != nil {
		return out, err
	}
	if found.Definitions == 0 {
		return out, &patch.Error{Kind: patch.Invalid, What: phrase.Of("the feed {1} has no definitions for {2}", sub.Name, cmp.Or(string(sub.OS), "any host OS that is known")),
			Do: "Correct the feed's host OS or its address."}
	}
	o.Dated = found.Dated
	out.State = patch.FeedState{Label: sub.Name, OS: cmp.Or(sub.OS, found.OS), Release: h, Dated: o.Dated, Packages: found.Definitions, Origins: []patch.Origin{o}}
	return out, nil
}

func (f *Single) bring(ctx context.Context, sub patch.Feed, u *url.URL, get *Getter, dir *content.Dir) (patch.Hash, error) {
	if u.Scheme == "file" {
		if info, err := os.Stat(u.Path); err == nil && info.IsDir() {
			if f.Pack == nil {
				return "", &patch.Error{Kind: patch.Invalid, What: phrase.Of("the feed {1} cannot be fetched", sub.Name), Why: "its address is a directory", Do: "Pack the directory into a zip file, and name that."}
			}
			return f.pack(ctx, u.Path, dir)
		}
	}
	return get.Whole(ctx, u.String(), path.Base(u.Path), dir, f.Limit)
}

func (f *Single) pack(ctx context.Context, from string, dir *content.Dir) (patch.Hash, error) {
	r, w := io.Pipe()
	packed := make(chan struct{})
	go func() {
		defer close(packed)
		w.CloseWithError(f.Pack(w, from))
	}()
	h, err := dir.Put(ctx, r, content.Want{Limit: f.Limit})
	r.Close()
	<-packed
	return h, err
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
