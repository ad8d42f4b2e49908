// Package bundle builds a catalog bundle with no appliance: from archives over the network or from a machine's own apt lists to
// one file that `detect --catalog` reads.
//
// It joins feeds and catalog for a single run and keeps nothing but a cache of raw files. Everything is verified as on an appliance,
// except that there is no last good generation to compare with.
package bundle

import (
	"cmp"
	"context"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fettle-project/fettle/internal/catalog"
	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/feed"
	"github.com/fettle-project/fettle/internal/feed/apt"
	"github.com/fettle-project/fettle/internal/patch"
)

// Options say what to build from and where to.
type Options struct {
	Out      string   // the bundle file
	Sources  []string // one-line apt sources: "deb URI SUITE COMPONENT…"
	AptLists []string // directories with InRelease and Packages files, as /var/lib/apt/lists
	// Parsed is what parsers made of other kinds of feeds, by host OS.
	Parsed map[patch.HostOS][]catalog.Parsed
	// Advisories are files, addresses or directories of DSAs, DLAs, CVEs or USNs, which enrich the patches of archives.
	Advisories []string
	Arch       string // empty: amd64
	Keyring    string // files or directories, separated like PATH; empty: this machine's own apt keyrings
	CacheDir   string // keeps raw files between runs; empty: a temporary directory
	// IgnoreExpiry accepts archives whose Valid-Until is past, as frozen mirrors are.
	IgnoreExpiry bool
	HTTP         *http.Client        // nil: one with sensible timeouts
	Progress     func(feed.Progress) // nil: none; called from several goroutines
	Now          func() time.Time    // nil: time.Now
	Log          *slog.Logger        // nil: silent
}

// Summary says what was built.
type Summary struct {
	Path     string        `json:"path"`
	Catalogs []CatalogInfo `json:"catalogs"`
	Fetched  int64         `json:"fetched"` // bytes over the network
	// FetchSeconds is the time for downloading and verifying, BuildSeconds for everything after it.
	FetchSeconds float64 `json:"fetch_seconds"`
	BuildSeconds float64 `json:"build_seconds"`
}

// CatalogInfo is one host OS's part of a bundle.
type CatalogInfo struct {
	patch.RevisionMeta
	ListBytes      int `json:"list_bytes"`
	SignatureBytes int `json:"signature_bytes"`
}

// Build fetches, verifies, builds and writes the bundle. On any error no bundle is written and an old one stays as it was.
func Build(ctx context.Context, o Options) (Summary, error) {
	o.Arch = cmp.Or(o.Arch, "amd64")
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if len(o.Sources)+len(o.AptLists)+len(o.Parsed) == 0 {
		return Summary{}, &patch.Error{Kind: patch.Invalid, What: "there is nothing to build a catalog from", Do: `Name at least one source, as in --apt "deb URI SUITE COMPONENT".`}
	}
	dir, done, err := o.cache()
	if err != nil {
		return Summary{}, err
	}
	defer done()
	summary := Summary{Path: o.Out}
	start := time.Now()
	inputs, err := o.gather(ctx, dir, &summary)
	if err != nil {
		return Summary{}, err
	}
	notes, err := o.notes(ctx, dir, &summary)
	if err != nil {
		return Summary{}, err
	}
	summary.FetchSeconds = time.Since(start).Seconds()
	start = time.Now()
	var built []catalog.Built
	for hostOS := range o.Parsed {
		if _, known := inputs[hostOS]; !known {
			inputs[hostOS] = nil
		}
	}
	for _, hostOS := range slices.Sorted(maps.Keys(inputs)) {
		b, err := catalog.Build(ctx, catalog.Input{OS: hostOS, Sources: inputs[hostOS], Parsed: o.Parsed[hostOS], Notes: notes, Now: o.Now()})
		if err != nil {
			return Summary{}, err
		}
		built = append(built, b)
		summary.Catalogs = append(summary.Catalogs, CatalogInfo{b.Meta, len(b.List), len(b.Signatures)})
	}
	if err := catalog.WriteBundle(o.Out, built); err != nil {
		return Summary{}, err
	}
	summary.BuildSeconds = time.Since(start).Seconds()
	return summary, nil
}

func (o *Options) cache() (dir *content.Dir, done func(), err error) {
	path := o.CacheDir
	if path == "" {
		if path, err = os.MkdirTemp("", "fettle-catalog-"); err != nil {
			return nil, nil, &patch.Error{Kind: patch.Unavailable, What: "cannot make a temporary directory", Err: err}
		}
	}
	done = func() {
		if dir != nil {
			dir.Close()
		}
		if o.CacheDir == "" {
			os.RemoveAll(path)
		}
	}
	if dir, err = content.Open(path); err != nil {
		done()
		return nil, nil, err
	}
	return dir, done, nil
}

// gather gives the verified package indexes by host OS.
func (o *Options) gather(ctx context.Context, dir *content.Dir, summary *Summary) (map[patch.HostOS][]catalog.Source, error) {
	var feeds []patch.Feed
	var hosts []string // the architecture of the machines that each feed is for
	for _, line := range o.Sources {
		several, err := apt.ParseSources(line, o.Arch)
		if err != nil {
			return nil, err
		}
		for _, f := range several {
			f.Keyring, f.IgnoreExpiry = cmp.Or(f.Keyring, o.Keyring), o.IgnoreExpiry
			feeds, hosts = append(feeds, f), append(hosts, several[0].Arch)
		}
	}
	states := &memory{}
	syncer := &feed.Syncer{Store: states, Dir: dir, Fetchers: map[string]feed.Fetcher{apt.Kind: &apt.Fetcher{HTTP: o.HTTP}}, Now: o.Now, Log: o.Log}
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(4)
	found := make([]patch.FeedState, len(feeds))
	for i, f := range feeds {
		g.Go(func() error {
			run, err := syncer.Sync(gctx, f, o.Progress)
			if err != nil {
				return err
			}
			states.mu.Lock()
			summary.Fetched += run.Bytes
			states.mu.Unlock()
			found[i], err = states.FindFeedState(gctx, f.Name)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	inputs := map[patch.HostOS][]catalog.Source{}
	for i, state := range found {
		os := patch.HostOS(strings.TrimSuffix(string(state.OS), feeds[i].Arch) + hosts[i])
		for _, origin := range state.Origins {
			inputs[os] = append(inputs[os], catalog.Source{
				Origin: origin, URI: feeds[i].URI, Label: state.Label, About: state.About,
				Open: func() (io.ReadCloser, error) { return dir.Open(origin.Index) },
			})
		}
	}
	for _, path := range o.AptLists {
		if err := o.readLists(path, inputs); err != nil {
			return nil, err
		}
	}
	return inputs, nil
}
