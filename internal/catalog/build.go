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
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
)

// Source is one verified package index to build from.
type Source struct {
	Origin patch.Origin
	URI    string // the archive's base address: payload file names are relative to it
	Label  string // the Release's Label
	// Open gives the index as it was verified, still compressed; Origin.IndexPath names its format.
	Open func() (io.ReadCloser, error)
}

// Input is everything that a build depends on. The same input gives the same bytes, whatever the order of Sources.
type Input struct {
	OS       patch.HostOS
	Sources  []Source
	Previous *List     // the list before, for the dates of patches that it has; may be nil
	Now      time.Time // goes into RevisionMeta.Built only
}

// Build makes list, signatures and payload index of one host OS from raw package indexes.
func Build(ctx context.Context, in Input) (Built, error) {
	if in.OS == "" || len(in.Sources) == 0 {
		return Built{}, patch.Errorf(patch.Invalid, "cannot build the catalog of %q from %d package indexes", in.OS, len(in.Sources))
	}
	in.Sources = slices.Clone(in.Sources)
	in.sort()
	sources := in.Sources
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
		return Built{}, fmt.Errorf("cannot build the catalog of %s: %w", in.OS, err)
	}
	groups := group(sources, parts)
	patches := describe(groups, in.Previous)
	built := Built{Meta: patch.RevisionMeta{OS: in.OS, Patches: len(patches), Built: in.Now.UTC()}}
	built.Meta.Origins = in.origins()
	for _, gr := range groups {
		built.Meta.Packages += len(gr.files)
	}
	if err := encodeAll(&built, groups, patches, sources); err != nil {
		return Built{}, fmt.Errorf("cannot build the catalog of %s: %w", in.OS, err)
	}
	built.Meta.List, built.Meta.Signatures, built.Meta.Payloads = content.Sum(built.List), content.Sum(built.Signatures), content.Sum(built.Payloads)
	built.Meta.ID = revisionID(built.Meta.List, built.Meta.Signatures)
	return built, nil
}

// sort puts the sources into an order of their own.
func (in *Input) sort() {
	slices.SortFunc(in.Sources, func(a, b Source) int {
		return cmp.Or(cmp.Compare(a.Origin.Suite, b.Origin.Suite), cmp.Compare(a.Origin.Component, b.Origin.Component),
			cmp.Compare(a.Origin.Arch, b.Origin.Arch), cmp.Compare(a.URI, b.URI), cmp.Compare(a.Origin.Index, b.Origin.Index))
	})
}

func (in *Input) origins() []patch.Origin {
	origins := make([]patch.Origin, len(in.Sources))
	for i, s := range in.Sources {
		origins[i] = s.Origin
		origins[i].Dated = s.Origin.Dated.UTC()
	}
	return origins
}

// encodeAll writes the three files side by side.
func encodeAll(b *Built, groups []*grouped, patches []patch.Patch, sources []Source) error {
	var g errgroup.Group
	g.Go(func() (err error) {
		b.List, err = encodeList(b.Meta.OS, patches)
		return err
	})
	g.Go(func() (err error) {
		b.Signatures, err = detect.Compile(b.Meta.OS, definitions(groups))
		return err
	})
	g.Go(func() (err error) {
		b.Payloads, err = encodePayloads(b.Meta.OS, groups, sources)
		return err
	})
	return g.Wait()
}

func revisionID(list, signatures patch.Hash) patch.RevisionID {
	sum := sha256.Sum256([]byte(string(list) + string(signatures)))
	return patch.RevisionID(hex.EncodeToString(sum[:8]))
}

func definitions(groups []*grouped) []detect.Definition {
	defs := make([]detect.Definition, len(groups))
	for i, gr := range groups {
		defs[i] = detect.Definition{ID: gr.id, Unclear: gr.unclear}
		if gr.unclear != "" {
			continue
		}
		defs[i].Packages = make([]detect.PackageRule, len(gr.files))
		for j, f := range gr.files {
			defs[i].Packages[j] = detect.PackageRule{Name: f.name, Arch: f.arch, Version: f.version}
		}
	}
	return defs
}
