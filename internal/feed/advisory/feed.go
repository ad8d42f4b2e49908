package advisory

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/feed"
	"github.com/fettle-project/fettle/internal/patch"
)

// Kind is the patch.Feed.Kind that a Fetcher serves.
const Kind = "advisories"

// ParserVersion grows with every change that gives other notes for the same files.
const ParserVersion = 1

// maxFetched bounds the file as it is sent.
const maxFetched = 256 << 20

// Fetcher fetches files of advisories. The zero value works; it is safe for concurrent use.
type Fetcher struct {
	HTTP  *http.Client
	Pause time.Duration
}

// Fetch implements feed.Fetcher: Feed.URI is a file of this machine or at an https address. It carries no signature, and no release of
// its own: Feed.OS says which host OS's patches it enriches.
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
	name := path.Base(u.Path)
	get := feed.NewGetter(f.HTTP, f.Pause, sub.Name, progress)
	h, err := get.Whole(ctx, address, name, dir, maxFetched)
	out.Bytes = get.Bytes
	if err != nil {
		return out, err
	}
	if last != nil && last.Release == h && len(last.Origins) == 1 && last.Origins[0].Suite == sub.Name {
		out.State, out.Unchanged = *last, true
		return out, nil
	}
	o := patch.Origin{Suite: sub.Name, Component: Kind, Arch: sub.Arch, Release: h, Index: h, IndexPath: name}
	out.State = patch.FeedState{Label: sub.Name, Release: h, Origins: []patch.Origin{o}}
	return out, survey(sub, &out.State, dir)
}

// survey reads a generation once: how many notes it has and how new they are.
func survey(sub patch.Feed, state *patch.FeedState, dir *content.Dir) error {
	notes, err := Notes(*state, func(h patch.Hash) (io.ReadCloser, error) { return dir.Open(h) })
	if err != nil {
		return err
	}
	for _, n := range notes {
		if n.Issued.After(state.Dated) {
			state.Dated = n.Issued
		}
	}
	if state.Packages = len(notes); state.Packages == 0 {
		return &patch.Error{Kind: patch.Invalid, What: "the feed " + sub.Name + " has no advisories that can be used",
			Do: "Known are the Debian security tracker's lists of DSAs, DLAs and CVEs, and Ubuntu's notices as JSON or OSV."}
	}
	state.Origins[0].Dated = state.Dated
	return nil
}

// Notes reads a generation's notes.
func Notes(state patch.FeedState, open func(patch.Hash) (io.ReadCloser, error)) ([]patch.Note, error) {
	if len(state.Origins) != 1 {
		return nil, patch.Errorf(patch.Internal, "the feed %s has %d raw files, not one", state.Feed, len(state.Origins))
	}
	o := state.Origins[0]
	f, err := open(o.Index)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := readAny(o.IndexPath, f)
	if err != nil {
		return nil, fmt.Errorf("cannot read the advisories %s: %w", o.IndexPath, err)
	}
	return r.Notes, nil
}

func readAny(name string, f io.Reader) (Result, error) {
	if !strings.HasSuffix(name, ".zip") {
		return Read(name, f)
	}
	at, ok := f.(interface {
		io.ReaderAt
		io.Seeker
	})
	if !ok {
		return Result{}, patch.Errorf(patch.Internal, "a zip can only be read from a file")
	}
	size, err := at.Seek(0, io.SeekEnd)
	if err != nil {
		return Result{}, err
	}
	return ReadZip(at, size)
}
