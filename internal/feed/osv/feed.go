package osv

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/advisory"
	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/feed"
	"github.com/fettle-project/fettle/internal/patch"
)

// Kind is the patch.Feed.Kind that a Fetcher serves.
const Kind = "osv"

// ParserVersion grows with every change that gives other entries for the same files.
const ParserVersion = 1

// Fetcher fetches OSV feeds. The zero value works; it is safe for concurrent use.
type Fetcher struct {
	HTTP  *http.Client
	Pause time.Duration
}

// Fetch implements feed.Fetcher: Feed.URI is a directory of this machine, or a zip there or at an https address. Advisories carry no
// signature; feed.UnsignedAddress holds what may be used. The raw file that is kept is a zip in each case.
func (f *Fetcher) Fetch(ctx context.Context, sub patch.Feed, last *patch.FeedState, dir *content.Dir, now time.Time, progress func(feed.Progress)) (feed.Fetched, error) {
	var out feed.Fetched
	address, err := feed.UnsignedAddress(sub)
	if err != nil {
		return out, err
	}
	get := feed.NewGetter(f.HTTP, f.Pause, sub.Name, progress)
	h, err := bring(ctx, address, get, dir)
	out.Bytes = get.Bytes
	if err != nil {
		return out, err
	}
	arch := advisory.NativeArch(sub.Arch)
	if last != nil && last.Release == h && len(last.Origins) == 1 && last.Origins[0].Arch == arch && last.Origins[0].Suite == sub.Name {
		out.State, out.Unchanged = *last, true
		return out, nil
	}
	o := patch.Origin{Suite: sub.Name, Component: Kind, Arch: arch, Release: h, Index: h, IndexPath: "advisories.zip"}
	out.State = patch.FeedState{Label: sub.Name, Release: h, Origins: []patch.Origin{o}}
	return out, survey(ctx, sub, &out.State, dir)
}

func bring(ctx context.Context, address string, get *feed.Getter, dir *content.Dir) (patch.Hash, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", patch.Errorf(patch.Invalid, "cannot read %q: %w", address, err)
	}
	if u.Scheme == "file" {
		if info, err := os.Stat(u.Path); err == nil && info.IsDir() {
			return bringDirectory(ctx, u.Path, dir)
		}
	}
	return get.Whole(ctx, address, path.Base(u.Path), dir, maxZip)
}

func bringDirectory(ctx context.Context, from string, dir *content.Dir) (patch.Hash, error) {
	r, w := io.Pipe()
	packed := make(chan struct{})
	go func() {
		defer close(packed)
		w.CloseWithError(pack(w, from))
	}()
	h, err := dir.Put(ctx, r, content.Want{Limit: maxZip})
	r.Close()
	<-packed
	return h, err
}

// survey reads a generation once: how many advisories it has, for which systems, and how new they are.
func survey(ctx context.Context, sub patch.Feed, state *patch.FeedState, dir *content.Dir) error {
	o := &state.Origins[0]
	oses, dated, err := oses(ctx, *o, func(h patch.Hash) (io.ReadCloser, error) { return dir.Open(h) })
	if err != nil {
		return err
	}
	if len(oses) == 0 {
		return &patch.Error{Kind: patch.Invalid, What: "the feed " + sub.Name + " has no advisories that can be used",
			Why: "no ecosystem in it is that of an rpm distribution which is known", Do: "Known are AlmaLinux, Rocky Linux, Red Hat, SUSE, openSUSE and Azure Linux."}
	}
	state.Dated, o.Dated = dated, dated
	if sub.OS == "" && len(oses) == 1 {
		state.OS = slices.Collect(maps.Keys(oses))[0]
	}
	for os, n := range oses {
		if sub.OS == "" || sub.OS == os {
			state.Packages += n
		}
	}
	if state.Packages == 0 {
		return &patch.Error{Kind: patch.Invalid, What: "the feed " + sub.Name + " has no advisories for " + string(sub.OS), Do: "Correct the feed's host OS."}
	}
	return nil
}

// Open gives a raw file by its hash.
type Open func(patch.Hash) (io.ReadCloser, error)

// OSes gives the systems that a generation has advisories for.
func OSes(ctx context.Context, state patch.FeedState, open Open) ([]patch.HostOS, error) {
	all, _, err := oses(ctx, state.Origins[0], open)
	return slices.Sorted(maps.Keys(all)), err
}

func oses(ctx context.Context, o patch.Origin, open Open) (all map[patch.HostOS]int, dated time.Time, err error) {
	all = map[patch.HostOS]int{}
	err = read(o, open, func(_ string, a *Advisory, broken error) error {
		if broken != nil || a.Withdrawn != nil {
			return ctx.Err()
		}
		if a.Modified.After(dated) {
			dated = a.Modified.UTC()
		}
		seen := map[patch.HostOS]bool{}
		for i := range a.Affected {
			if os, ok := HostOS(a.Affected[i].Package.Ecosystem, o.Arch); ok && !seen[os] {
				seen[os] = true
				all[os]++
			}
		}
		return ctx.Err()
	})
	return all, dated, err
}

func read(o patch.Origin, open Open, use func(name string, a *Advisory, broken error) error) error {
	f, err := open(o.Index)
	if err != nil {
		return err
	}
	defer f.Close()
	at, ok := f.(interface {
		io.ReaderAt
		io.Seeker
	})
	if !ok {
		return patch.Errorf(patch.Internal, "advisories can only be read from a file")
	}
	size, err := at.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	return each(at, size, use)
}

// Entries makes patches of a generation for one host OS, one for each advisory with a fixed version: almalinux-9/ALSA-2024:1234. A file
// that cannot be read becomes a patch that cannot be judged, if others of its directory are about this OS. Advisories that the vendor
// has taken back are withdrawn.
func Entries(ctx context.Context, os patch.HostOS, state patch.FeedState, open Open) (all []detect.Entry, withdrawn []patch.ID, err error) {
	if len(state.Origins) != 1 {
		return nil, nil, patch.Errorf(patch.Internal, "the feed %s has %d raw files, not one", state.Feed, len(state.Origins))
	}
	places, faulty := map[string]bool{}, map[string]error{}
	kept := 0
	err = read(state.Origins[0], open, func(name string, a *Advisory, broken error) error {
		if broken != nil {
			faulty[name] = broken
			kept += 300 + len(name)
		} else if e, ok := entryOf(a, os); ok && a.Withdrawn == nil {
			places[path.Dir(name)] = true
			all = append(all, e)
			kept += size(&e)
		} else if ok {
			withdrawn = append(withdrawn, e.Patch.ID)
			kept += 16 + len(e.Patch.ID)
		}
		if kept > maxKept {
			return patch.Errorf(patch.Exhausted, "the advisories for %s need more than %d bytes", os, maxKept)
		}
		return ctx.Err()
	})
	if err != nil {
		return nil, nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(faulty)) {
		if places[path.Dir(name)] {
			all = append(all, unreadable(advisory.Prefix(os), name, faulty[name]))
		}
	}
	advisory.Supersede(all)
	return all, withdrawn, nil
}

func unreadable(prefix, name string, err error) detect.Entry {
	id := strings.TrimSuffix(path.Base(name), ".json")
	e := detect.Entry{Patch: patch.Patch{ID: patch.ID(prefix + "/" + id), Title: line(id), Suite: prefix, Category: patch.Security}}
	e.Definition = detect.Definition{ID: e.Patch.ID, Unclear: fmt.Sprintf("its file cannot be read: %v", err)}
	return e
}

// size is about how many bytes of memory an entry takes.
func size(e *detect.Entry) int {
	n := 500 + len(e.Patch.Title)
	for _, c := range e.Patch.CVEs {
		n += 16 + len(c)
	}
	for i := range e.Definition.Packages {
		n += 80 + len(e.Definition.Packages[i].Name) + len(e.Definition.Packages[i].Version)
	}
	return n
}
