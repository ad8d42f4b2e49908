package catalog

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// Source is one verified package index of a Debian archive to build from.
type Source struct {
	Origin patch.Origin
	URI    string // the archive's base address: payload file names are relative to it
	Label  string // the Release's Label
	About  patch.Release
	// Open gives the index as it was verified, still compressed; Origin.IndexPath names its format.
	Open func() (io.ReadCloser, error)
}

// Parsed is what a parser made of one feed of any other kind.
type Parsed struct {
	Origins []patch.Origin // the raw files; an entry's PayloadFile.Origin indexes them
	URI     string         // the feed's base address: a payload's URL may be relative to it
	// Entries in any order. An ID that comes twice with two meanings is kept once and judged "error". Patches that have Files and name
	// no Supersedes get theirs from their versions; files that cannot be fetched and verified as described are not offered.
	Entries []detect.Entry
	// Withdrawn are patches that the feed says it has taken back: their absence needs no other explanation.
	Withdrawn []patch.ID
}

// Input is everything that a build depends on. The same input gives the same bytes, whatever the order of Sources and Parsed.
type Input struct {
	OS      patch.HostOS
	Sources []Source
	Parsed  []Parsed
	// Notes are what advisories say beside the archives: they give title, severity and CVEs to the Debian patches that they are about,
	// and change no rule.
	Notes    []patch.Note
	Previous *List     // the list before, for the dates of patches that it has; may be nil
	Now      time.Time // goes into RevisionMeta.Built only
}

// made is one patch of a revision in the making.
type made struct {
	patch patch.Patch
	rule  detect.Definition
	files []madeFile // as patch.Payloads
}

type madeFile struct {
	address string // relative to the origin's base address and not escaped; or absolute
	sha256  [32]byte
	origin  int
	needs   []int // other files of the patch
	along   bool  // it is another patch's: it is installed only where one of these needs it
	asks    asks
	// replaces and instead are as in patch.PayloadFile.
	replaces []patch.Relation
	instead  bool
	setup    *patch.Setup
}

// Build makes list, signatures and payload index of one host OS from raw package indexes and parsed feeds.
func Build(ctx context.Context, in Input) (Built, error) {
	if in.OS == "" || len(in.Sources)+len(in.Parsed) == 0 {
		return Built{}, patch.Errorf(patch.Invalid, "cannot build the catalog of %q from %d package indexes", in.OS, len(in.Sources)+len(in.Parsed))
	}
	in.Sources, in.Parsed = slices.Clone(in.Sources), slices.Clone(in.Parsed)
	in.sort()
	groups, err := readAll(ctx, in.Sources)
	if err != nil {
		return Built{}, fmt.Errorf("cannot build the catalog of %s: %w", in.OS, err)
	}
	all := append(fromArchives(groups, in.Previous), in.fromParsers()...)
	all = unite(all)
	if err := in.enrich(all); err != nil {
		return Built{}, err
	}
	built := Built{Meta: patch.RevisionMeta{OS: in.OS, Patches: len(all), Built: in.Now.UTC(), Origins: in.origins()}}
	built.Meta.Faults, built.replaced = settle(all)
	for i := range all {
		built.Meta.Packages += max(len(all[i].rule.Packages), len(all[i].patch.Payloads))
	}
	for _, gr := range groups {
		if gr.unclear != "" {
			built.Meta.Packages += len(gr.files)
		}
	}
	if err := encodeAll(&built, in.scheme(), all, in.bases()); err != nil {
		return Built{}, fmt.Errorf("cannot build the catalog of %s: %w", in.OS, err)
	}
	built.Meta.List, built.Meta.Signatures, built.Meta.Payloads = content.Sum(built.List), content.Sum(built.Signatures), content.Sum(built.Payloads)
	built.Meta.ID = revisionID(built.Meta.List, built.Meta.Signatures)
	return built, nil
}

// readAll reads package indexes side by side.
func readAll(ctx context.Context, sources []Source) ([]*grouped, error) {
	parts := make([][]debFile, len(sources))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range sources {
		g.Go(func() (err error) {
			parts[i], err = readIndex(gctx, i, sources[i])
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	groups := group(sources, parts)
	bring(groups)
	return groups, nil
}

// unite sorts patches by ID and leaves each ID once.
func unite(all []made) []made {
	slices.SortStableFunc(all, func(a, b made) int { return cmp.Compare(a.patch.ID, b.patch.ID) })
	kept := all[:0]
	for _, m := range all {
		if n := len(kept); n > 0 && kept[n-1].patch.ID == m.patch.ID {
			kept[n-1].meet(&m)
			continue
		}
		kept = append(kept, m)
	}
	return kept
}

// sort puts the sources into an order of their own.
func (in *Input) sort() {
	slices.SortFunc(in.Sources, func(a, b Source) int {
		return cmp.Or(compareOrigins(a.Origin, b.Origin), cmp.Compare(a.URI, b.URI), cmp.Compare(a.Origin.Index, b.Origin.Index))
	})
	slices.SortStableFunc(in.Parsed, func(a, b Parsed) int {
		return cmp.Or(slices.CompareFunc(a.Origins, b.Origins, compareOrigins), cmp.Compare(a.URI, b.URI))
	})
}

func compareOrigins(a, b patch.Origin) int {
	return cmp.Or(cmp.Compare(a.Suite, b.Suite), cmp.Compare(a.Component, b.Component), cmp.Compare(a.Arch, b.Arch),
		cmp.Compare(a.IndexPath, b.IndexPath), cmp.Compare(a.Index, b.Index), cmp.Compare(a.Release, b.Release), a.Dated.Compare(b.Dated))
}

func (in *Input) origins() []patch.Origin {
	var origins []patch.Origin
	for _, s := range in.Sources {
		origins = append(origins, s.Origin)
	}
	for _, p := range in.Parsed {
		origins = append(origins, p.Origins...)
	}
	for i := range origins {
		origins[i].Dated = origins[i].Dated.UTC()
	}
	return origins
}

// bases gives each origin's base address.
func (in *Input) bases() []string {
	var bases []string
	add := func(uri string) {
		if uri != "" {
			uri = strings.TrimRight(uri, "/") + "/"
		}
		bases = append(bases, uri)
	}
	for _, s := range in.Sources {
		add(s.URI)
	}
	for _, p := range in.Parsed {
		for range p.Origins {
			add(p.URI)
		}
	}
	return bases
}

// scheme is how the patches' versions are ordered.
func (in *Input) scheme() version.Scheme {
	if len(in.Sources) > 0 {
		return version.Dpkg
	}
	return version.Of(in.OS)
}

// encodeAll writes the three files side by side, all in the order that suits the signatures.
func encodeAll(b *Built, scheme version.Scheme, sorted []made, bases []string) error {
	rules := make([]detect.Definition, len(sorted))
	for i := range sorted {
		rules[i] = sorted[i].rule
	}
	all := make([]made, len(sorted))
	for i, n := range detect.Arrange(rules) {
		all[i] = sorted[n]
	}
	var g errgroup.Group
	g.Go(func() (err error) {
		patches := make([]patch.Patch, len(all))
		for i := range all {
			patches[i] = all[i].patch
		}
		b.List, err = encodeList(b.Meta.OS, patches)
		return err
	})
	g.Go(func() (err error) {
		for i := range all {
			rules[i] = all[i].rule
		}
		b.Signatures, err = detect.Compile(b.Meta.OS, scheme, rules)
		return err
	})
	g.Go(func() (err error) {
		b.Payloads, err = encodePayloads(b.Meta.OS, all, bases)
		return err
	})
	return g.Wait()
}

func revisionID(list, signatures patch.Hash) patch.RevisionID {
	sum := sha256.Sum256([]byte(string(list) + string(signatures)))
	return patch.RevisionID(hex.EncodeToString(sum[:8]))
}
