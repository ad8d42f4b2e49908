package bundle

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/advisory"
	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/feed"
	"github.com/fettle-project/fettle/internal/feed/osv"
	"github.com/fettle-project/fettle/internal/feed/rpm"
	"github.com/fettle-project/fettle/internal/patch"
)

// RPM names what catalogs of rpm distributions are made from: repositories, updateinfo.xml files and OSV databases.
type RPM struct {
	Repositories []string // base addresses: https, or directories of this machine
	Updateinfo   []string // files or addresses
	OSV          []string // directories, zip files or addresses
	OS           string   // "almalinux-9"; empty: what the sources say themselves
	Arch         string   // empty: x86_64
	Keyring      string   // verifies repomd.xml; empty: what Address allows without
	CacheDir     string
	HTTP         *http.Client
	Progress     func(feed.Progress)
	Now          func() time.Time
}

// Given tells whether there is anything to read.
func (r RPM) Given() bool { return len(r.Repositories)+len(r.Updateinfo)+len(r.OSV) > 0 }

// Read fetches, verifies and parses all sources and adds them to parsed, by host OS. It gives the bytes taken over the network.
func (r RPM) Read(ctx context.Context, parsed map[patch.HostOS][]catalog.Parsed) (fetched int64, err error) {
	o := Options{CacheDir: r.CacheDir}
	dir, done, err := o.cache()
	if err != nil {
		return 0, err
	}
	defer done()
	now := r.Now
	if now == nil {
		now = time.Now
	}
	states := &memory{}
	web := rpm.Fetcher{HTTP: r.HTTP}
	syncer := &feed.Syncer{Store: states, Dir: dir, Now: now, Log: slog.New(slog.DiscardHandler), Fetchers: map[string]feed.Fetcher{
		rpm.Kind: &web, rpm.UpdateinfoKind: &rpm.UpdateinfoFetcher{Fetcher: web}}}
	open := func(h patch.Hash) (io.ReadCloser, error) { return dir.Open(h) }
	for _, f := range r.feeds() {
		if f.Kind == osv.Kind {
			n, err := r.readOSV(ctx, f, dir, now(), parsed)
			if fetched += n; err != nil {
				return fetched, err
			}
			continue
		}
		run, err := syncer.Sync(ctx, f, r.Progress)
		if fetched += run.Bytes; err != nil {
			return fetched, err
		}
		state, err := states.FindFeedState(ctx, f.Name)
		if err != nil {
			return fetched, err
		}
		entries, withdrawn, err := rpm.Entries(ctx, state.OS, state, open)
		if err != nil {
			return fetched, err
		}
		add(parsed, state.OS, catalog.Parsed{Origins: state.Origins, URI: f.URI, Entries: entries, Withdrawn: withdrawn})
	}
	return fetched, nil
}

func add(parsed map[patch.HostOS][]catalog.Parsed, os patch.HostOS, p catalog.Parsed) {
	parsed[os] = append(parsed[os], p)
}

// feeds makes feeds of the addresses. Names only have to differ.
func (r RPM) feeds() []patch.Feed {
	var feeds []patch.Feed
	for _, group := range []struct {
		kind      string
		addresses []string
	}{{rpm.Kind, r.Repositories}, {rpm.UpdateinfoKind, r.Updateinfo}, {osv.Kind, r.OSV}} {
		for _, address := range group.addresses {
			if !strings.Contains(address, "://") {
				if path, err := filepath.Abs(address); err == nil {
					address = path
				}
			}
			f := patch.Feed{Name: address, Kind: group.kind, URI: address, Arch: advisory.NativeArch(cmp.Or(r.Arch, "x86_64"))}
			if group.kind == rpm.Kind {
				f.Keyring = r.Keyring
			}
			if r.OS != "" {
				f.OS = advisory.Complete(r.OS, f.Arch)
			}
			feeds = append(feeds, f)
		}
	}
	return feeds
}

// readOSV adds a database for every system that it knows, or for the one that was asked for.
func (r RPM) readOSV(ctx context.Context, f patch.Feed, dir *content.Dir, now time.Time, parsed map[patch.HostOS][]catalog.Parsed) (int64, error) {
	progress := r.Progress
	if progress == nil {
		progress = func(feed.Progress) {}
	}
	fetcher := osv.NewFetcher()
	fetcher.HTTP = r.HTTP
	got, err := fetcher.Fetch(ctx, f, nil, dir, now, progress)
	if err != nil {
		return got.Bytes, err
	}
	open := func(h patch.Hash) (io.ReadCloser, error) { return dir.Open(h) }
	oses := []patch.HostOS{f.OS}
	if f.OS == "" {
		if oses, err = osv.OSes(ctx, got.State, open); err != nil {
			return got.Bytes, err
		}
	}
	for _, os := range oses {
		entries, withdrawn, err := osv.Entries(ctx, os, got.State, open)
		if err != nil {
			return got.Bytes, err
		}
		add(parsed, os, catalog.Parsed{Origins: got.State.Origins, URI: f.URI, Entries: entries, Withdrawn: withdrawn})
	}
	return got.Bytes, nil
}
