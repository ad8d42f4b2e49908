package sdp

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/feed"
	"github.com/fettle-project/fettle/internal/patch"
)

// Kind is the patch.Feed.Kind that a Fetcher serves.
const Kind = "sdp"

// ParserVersion grows with every change that gives other entries for the same files.
const ParserVersion = 1

// Complete gives the host OS that a person means by "windows-10.0.19045", with or without an architecture, which dpkg's word arch names.
func Complete(name, arch string) patch.HostOS {
	for _, known := range []string{"-amd64", "-arm64", "-x86"} {
		if strings.HasSuffix(name, known) {
			return patch.HostOS(name)
		}
	}
	arch = cmp.Or(arch, "amd64")
	switch arch {
	case "x86_64":
		arch = "amd64"
	case "aarch64":
		arch = "arm64"
	case "i386", "i686":
		arch = "x86"
	}
	return patch.HostOS(name + "-" + arch)
}

// Fetcher fetches catalogs of software packages. The zero value works; it is safe for concurrent use.
type Fetcher struct {
	HTTP  *http.Client
	Pause time.Duration
}

// Fetch implements feed.Fetcher: Feed.URI is a file of this machine or an https address: a package, a catalog, a cabinet or a zip of them. A
// cabinet's signature is not verified; feed.UnsignedAddress holds what may be used.
func (f *Fetcher) Fetch(ctx context.Context, sub patch.Feed, last *patch.FeedState, dir *content.Dir, now time.Time, progress func(feed.Progress)) (feed.Fetched, error) {
	var out feed.Fetched
	address, err := feed.UnsignedAddress(sub)
	if err != nil {
		return out, err
	}
	if u, err := url.Parse(address); err == nil && u.Scheme == "file" {
		if info, err := os.Stat(u.Path); err == nil && info.IsDir() {
			return out, &patch.Error{Kind: patch.Invalid, What: "the feed " + sub.Name + " cannot be fetched", Why: "its address is a directory", Do: "Pack the packages into a zip file, and name that."}
		}
	}
	get := feed.NewGetter(f.HTTP, f.Pause, sub.Name, progress)
	h, err := get.Whole(ctx, address, path.Base(address), dir, maxCab)
	out.Bytes = get.Bytes
	if err != nil {
		return out, err
	}
	if last != nil && last.Release == h && len(last.Origins) == 1 && last.OS == sub.OS {
		out.State, out.Unchanged = *last, true
		return out, nil
	}
	o := patch.Origin{Suite: sub.Name, Component: Kind, Arch: sub.Arch, Release: h, Index: h, IndexPath: path.Base(address)}
	out.State = patch.FeedState{Label: sub.Name, OS: sub.OS, Release: h, Origins: []patch.Origin{o}}
	set, err := open(o, func(h patch.Hash) (io.ReadCloser, error) { return dir.Open(h) })
	if err != nil {
		return out, err
	}
	out.State.Packages, out.State.Dated, out.State.Origins[0].Dated = len(set.Packages), set.Dated(), set.Dated()
	return out, nil
}

// Open gives a raw file by its hash.
type Open func(patch.Hash) (io.ReadCloser, error)

// Generation gives the patches of a generation. Packages say themselves which Windows they are for, so they are on the list of any.
func Generation(state patch.FeedState, files Open) (entries []detect.Entry, withdrawn []patch.ID, err error) {
	set, err := open(state.Origins[0], files)
	if err != nil {
		return nil, nil, err
	}
	return set.Entries(), set.Withdrawn(), nil
}

func open(o patch.Origin, files Open) (*Set, error) {
	f, err := files(o.Index)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	s := &Set{}
	if at, ok := f.(io.ReaderAt); ok {
		if seeker, ok := f.(io.Seeker); ok {
			size, err := seeker.Seek(0, io.SeekEnd)
			if err != nil {
				return nil, refuse(o.IndexPath, err)
			}
			return s, s.ReadAny(o.IndexPath, at, size)
		}
	}
	return nil, &patch.Error{Kind: patch.Internal, What: "cannot read " + o.IndexPath, Why: "it is stored so that it can only be read from its beginning"}
}
