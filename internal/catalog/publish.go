package catalog

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// generation is the newest good state of one feed.
type generation struct {
	feed  patch.Feed
	state patch.FeedState
}

// Accepted is what a person has looked at.
type Accepted struct {
	// Revisions in quarantine: each is published if it is exactly what is built now.
	Revisions map[patch.HostOS]patch.RevisionID
	// Feeds whose newest generation was taken over although it shrank or grew: their patches may be gone or new.
	Feeds map[string]bool
}

// Publish builds every host OS whose feeds have a good generation and stores what changed as new revisions. It gives the newest
// revision of each OS, changed or not. An OS that cannot be built, or whose new revision has to be looked at first, keeps the one in
// force, and the error names it.
func (c *Catalog) Publish(ctx context.Context) ([]patch.RevisionMeta, error) {
	return c.PublishAccepting(ctx, Accepted{})
}

// PublishAccepting is Publish for a person who has looked at what is in quarantine.
func (c *Catalog) PublishAccepting(ctx context.Context, accept Accepted) ([]patch.RevisionMeta, error) {
	byOS, err := c.generations(ctx)
	if err != nil {
		return nil, err
	}
	var metas []patch.RevisionMeta
	var failed []error
	for _, os := range slices.Sorted(maps.Keys(byOS)) {
		meta, err := c.publishOne(ctx, os, byOS[os], accept)
		if err == nil {
			err = c.release(ctx, meta)
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("cannot publish the catalog of %s: %w", os, err))
			continue
		}
		metas = append(metas, meta)
	}
	return metas, errors.Join(failed...)
}

// generations groups the feeds' newest good states by host OS. A feed without one does not contribute; its alarm says why.
func (c *Catalog) generations(ctx context.Context) (map[patch.HostOS][]generation, error) {
	feeds, err := c.Store.ListFeeds(ctx)
	if err != nil {
		return nil, err
	}
	byOS := map[patch.HostOS][]generation{}
	for _, f := range feeds {
		state, err := c.Store.FindFeedState(ctx, f.Name)
		if err != nil && patch.KindOf(err) == patch.NotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		os := cmp.Or(f.OS, state.OS)
		if os == patch.AnyOS {
			continue // it is about CVEs, and no list is made of it
		}
		byOS[os] = append(byOS[os], generation{f.Feed, state})
	}
	return byOS, nil
}

func (c *Catalog) publishOne(ctx context.Context, os patch.HostOS, gens []generation, accept Accepted) (patch.RevisionMeta, error) {
	before, was, err := c.inForce(ctx, os)
	if err != nil {
		return patch.RevisionMeta{}, err
	}
	made := c.maker(gens)
	if was != nil && made == before.Made && sameOrigins(gens, before.Origins) && c.whole(before) {
		return before, nil
	}
	in := Input{OS: os, Previous: was, Now: c.Now()}
	if before.Built.After(in.Now) {
		in.Now = before.Built // machines take none that was built before the one that they have, and this clock was ahead then
	}
	if err := c.gather(ctx, &in, gens); err != nil {
		return patch.RevisionMeta{}, err
	}
	built, err := Build(ctx, in)
	if err != nil {
		return patch.RevisionMeta{}, err
	}
	built.Meta.Made = made
	r, err := open(built)
	if err != nil {
		return patch.RevisionMeta{}, err
	}
	if before.ID != "" && built.Meta.ID != before.ID && built.Meta.ID != accept.Revisions[os] {
		k := &candidate{before: before, after: built.Meta, was: was, is: r.list, in: &in, replaced: built.replaced, seen: map[string]bool{}}
		for _, g := range gens {
			for _, o := range g.state.Origins {
				k.seen[o.Suite] = k.seen[o.Suite] || accept.Feeds[g.feed.Name]
			}
		}
		q, err := c.examine(ctx, k, built.Signatures)
		if err != nil {
			return patch.RevisionMeta{}, err
		}
		if q != nil {
			c.remember(ctx, before, was, built, r.list)
			return patch.RevisionMeta{}, c.hold(ctx, q, built)
		}
	}
	if err := c.store(ctx, built, r); err != nil {
		return built.Meta, err
	}
	c.remember(ctx, before, was, built, r.list)
	return built.Meta, nil
}

// inForce gives the newest published revision, zero where there is none, and its list, nil where its file is lost or of another format.
func (c *Catalog) inForce(ctx context.Context, os patch.HostOS) (patch.RevisionMeta, *List, error) {
	r, err := c.current(ctx, os)
	if err == nil {
		return r.meta, r.list, nil
	}
	meta, _, err := c.Store.NewestRevision(ctx, os)
	if err != nil && patch.KindOf(err) != patch.NotFound {
		return meta, nil, err
	}
	return meta, nil, nil
}

// open reads what was built back, as machines will.
func open(b Built) (r *revision, err error) {
	r = &revision{meta: b.Meta}
	if r.list, err = DecodeList(b.List); err != nil {
		return nil, err
	}
	r.payloads, err = decodePayloads(b.Payloads)
	return r, err
}

// whole tells whether the files of a revision are all there.
func (c *Catalog) whole(m patch.RevisionMeta) bool {
	for _, h := range []patch.Hash{m.List, m.Signatures, m.Payloads} {
		if _, ok := c.Files.Has(h); !ok {
			return false
		}
	}
	return true
}

// store keeps the files first and the revision last, so that a revision never names a file that is not there.
func (c *Catalog) store(ctx context.Context, b Built, r *revision) error {
	for _, file := range [][]byte{b.List, b.Signatures, b.Payloads} {
		if _, err := c.Files.PutBytes(ctx, file); err != nil {
			return err
		}
	}
	sealed, err := wire.Seal(c.Key, wire.TypeRevision, b.Meta)
	if err != nil {
		return err
	}
	envelope, err := json.Marshal(sealed)
	if err != nil {
		return patch.Errorf(patch.Internal, "cannot encode a signed revision: %w", err)
	}
	if err := c.Store.PutRevision(ctx, b.Meta, envelope, r.list.Patches()); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keep(r)
	return nil
}
