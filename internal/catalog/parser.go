package catalog

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// madeVersion is the version of what this package itself makes of origins and entries. A higher one builds every revision again.
const madeVersion = 5

// archiveKind is the kind of feeds that this package reads itself: Debian archives.
const archiveKind = "apt"

// Parser turns one kind of feed into entries. It works on raw files that the appliance has kept, so a better parser needs no refetch.
type Parser struct {
	// Version grows with every change that gives other entries for the same files; a revision made by another version is made again.
	Version int
	// Parse is pure and repeatable: the same files give the same entries. It fails only where a file as a whole cannot be read; one
	// definition that it does not understand becomes an entry whose Definition.Unclear says why.
	Parse func(ctx context.Context, g Generation) (Found, error)
}

// Found is what a parser found.
type Found struct {
	Entries   []detect.Entry
	Withdrawn []patch.ID // see Parsed
	// Notes enrich the patches of the whole host OS; see Input.
	Notes []patch.Note
}

// Generation is the newest good state of a feed, to parse. PayloadFile.Origin of the entries indexes State.Origins.
type Generation struct {
	OS    patch.HostOS
	Feed  patch.Feed
	State patch.FeedState
	Open  func(patch.Hash) (io.ReadCloser, error) // a raw file of State by its hash; the caller closes it
}

// maker names the code that will make a revision of these generations.
func (c *Catalog) maker(gens []generation) string {
	kinds := map[string]bool{}
	for _, g := range gens {
		kinds[g.feed.Kind] = true
	}
	made := []string{fmt.Sprintf("catalog %d", madeVersion)}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		if p, ok := c.Parsers[kind]; ok {
			made = append(made, fmt.Sprintf("%s %d", kind, p.Version))
		}
	}
	return strings.Join(made, ", ")
}

// sameOrigins tells whether a revision was made of exactly these generations.
func sameOrigins(gens []generation, made []patch.Origin) bool {
	var now []patch.Origin
	for _, g := range gens {
		now = append(now, g.state.Origins...)
	}
	made = slices.Clone(made)
	slices.SortFunc(now, compareOrigins)
	slices.SortFunc(made, compareOrigins)
	return slices.EqualFunc(now, made, func(a, b patch.Origin) bool { return compareOrigins(a, b) == 0 })
}

// gather opens package indexes and has the other feeds parsed.
func (c *Catalog) gather(ctx context.Context, in *Input, gens []generation) error {
	for _, g := range gens {
		parser, ok := c.Parsers[g.feed.Kind]
		switch {
		case ok:
			found, err := parser.Parse(ctx, Generation{OS: in.OS, Feed: g.feed, State: g.state, Open: c.openRaw})
			if err != nil {
				return fmt.Errorf("cannot read the feed %s: %w", g.feed.Name, err)
			}
			in.Parsed = append(in.Parsed, Parsed{Origins: g.state.Origins, URI: g.feed.URI, Entries: found.Entries, Withdrawn: found.Withdrawn})
			in.Notes = append(in.Notes, found.Notes...)
		case g.feed.Kind == archiveKind || g.feed.Kind == "":
			for _, o := range g.state.Origins {
				in.Sources = append(in.Sources, Source{
					Origin: o, URI: g.feed.URI, Label: g.state.Label, About: g.state.About, Open: func() (io.ReadCloser, error) { return c.openRaw(o.Index) },
				})
			}
		default:
			return &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot read the feed {1}", g.feed.Name),
				Why: phrase.Format("this program knows no feeds of the kind %q", g.feed.Kind), Do: "Update this program, or end the subscription."}
		}
	}
	return nil
}

func (c *Catalog) openRaw(h patch.Hash) (io.ReadCloser, error) { return c.Raw.Open(h) }
