package rpm

import (
	"context"
	"io"
	"path"
	"time"

	"github.com/fettle-project/fettle/internal/advisory"
	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/feed"
	"github.com/fettle-project/fettle/internal/patch"
)

// UpdateinfoFetcher fetches single updateinfo.xml files, compressed or not, from an https address or a path of this machine. Such a file
// carries no signature; feed.Address holds what may be used.
type UpdateinfoFetcher struct {
	Fetcher
}

// Fetch implements feed.Fetcher.
func (f *UpdateinfoFetcher) Fetch(ctx context.Context, sub patch.Feed, last *patch.FeedState, dir *content.Dir, now time.Time, progress func(feed.Progress)) (feed.Fetched, error) {
	var out feed.Fetched
	address, err := feed.UnsignedAddress(sub)
	if err != nil {
		return out, err
	}
	name := path.Base(address)
	get := feed.NewGetter(f.HTTP, f.Pause, sub.Name, progress)
	h, err := get.Whole(ctx, address, name, dir, maxCompressed)
	out.Bytes = get.Bytes
	if err != nil {
		return out, err
	}
	arch := advisory.NativeArch(sub.Arch)
	if last != nil && last.Release == h && len(last.Origins) == 1 && last.Origins[0].Arch == arch && last.Origins[0].Suite == sub.Name {
		out.State, out.Unchanged = *last, true
		return out, nil
	}
	c := &counter{arch: arch}
	o := patch.Origin{Suite: sub.Name, Component: typeUpdateinfo, Arch: arch, Release: h, Index: h, IndexPath: name}
	if err := c.read(o, func(h patch.Hash) (io.ReadCloser, error) { return dir.Open(h) }); err != nil {
		return out, err
	}
	o.Dated = c.dated
	out.State = patch.FeedState{Label: sub.Name, Dated: c.dated, Packages: c.advisories, Release: h, Origins: []patch.Origin{o}, OS: c.hostOS(nil)}
	return out, nil
}
