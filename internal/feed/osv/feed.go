package osv

import (
	"context"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/advisory"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/feed"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Kind is the patch.Feed.Kind that a Fetcher serves.
const Kind = "osv"

// ParserVersion grows with every change that gives other entries for the same files.
const ParserVersion = 2

// NewFetcher fetches OSV feeds: a directory of this machine, or a zip there or at an https address. What is kept is a zip in each case.
func NewFetcher() *feed.Single {
	return &feed.Single{Kind: Kind, Limit: maxZip, Arch: advisory.NativeArch, Pack: pack, Survey: survey}
}

// survey reads a generation once: how many advisories it has, for which systems, and how new they are.
func survey(ctx context.Context, sub patch.Feed, raw feed.Raw) (feed.Contents, error) {
	oses, dated, err := oses(ctx, raw, raw.Size, raw.Arch)
	if err == nil && len(oses) == 0 {
		err = &patch.Error{Kind: patch.Invalid, What: phrase.Of("the feed {1} has no advisories that can be used", sub.Name),
			Why: "no ecosystem in it is that of an rpm distribution which is known", Do: "Known are AlmaLinux, Rocky Linux, Red Hat, SUSE, openSUSE and Azure Linux."}
	}
	found := feed.Contents{Dated: dated}
	for os, n := range oses {
		if len(oses) == 1 {
			found.OS = os
		}
		if sub.OS == "" || sub.OS == os {
			found.Definitions += n
		}
	}
	return found, err
}

// Open gives a raw file by its hash.
type Open func(patch.Hash) (io.ReadCloser, error)

// OSes gives the systems that a generation has advisories for.
func OSes(ctx context.Context, state patch.FeedState, open Open) ([]patch.HostOS, error) {
	var all map[patch.HostOS]int
	err := feed.WithFile(state.Origins[0], open, func(_ string, in io.ReaderAt, size int64) (err error) {
		all, _, err = oses(ctx, in, size, state.Origins[0].Arch)
		return err
	})
	return slices.Sorted(maps.Keys(all)), err
}

func oses(ctx context.Context, in io.ReaderAt, size int64, arch string) (all map[patch.HostOS]int, dated time.Time, err error) {
	all = map[patch.HostOS]int{}
	err = each(in, size, func(_ string, a *Advisory, broken error) error {
		if broken != nil || a.Withdrawn != nil {
			return ctx.Err()
		}
		if a.Modified.After(dated) {
			dated = a.Modified.UTC()
		}
		seen := map[patch.HostOS]bool{}
		for i := range a.Affected {
			if os, ok := HostOS(a.Affected[i].Package.Ecosystem, arch); ok && !seen[os] {
				seen[os] = true
				all[os]++
			}
		}
		return ctx.Err()
	})
	return all, dated, err
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
	use := func(name string, a *Advisory, broken error) error {
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
	}
	err = feed.WithFile(state.Origins[0], open, func(_ string, in io.ReaderAt, size int64) error { return each(in, size, use) })
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
