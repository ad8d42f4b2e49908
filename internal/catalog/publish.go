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

// Publish builds every host OS whose feeds have a good generation and stores what changed as new revisions. It gives the newest
// revision of each OS, changed or not. An OS that cannot be built keeps its revision, and the error names it.
func (c *Catalog) Publish(ctx context.Context) ([]patch.RevisionMeta, error) {
	byOS, err := c.generations(ctx)
	if err != nil {
		return nil, err
	}
	var metas []patch.RevisionMeta
	var failed []error
	for _, os := range slices.Sorted(maps.Keys(byOS)) {
		meta, err := c.publishOne(ctx, os, byOS[os])
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
		byOS[os] = append(byOS[os], generation{f.Feed, state})
	}
	return byOS, nil
}

func (c *Catalog) publishOne(ctx context.Context, os patch.HostOS, gens []generation) (patch.RevisionMeta, error) {
	before, err := c.current(ctx, os)
	if kind := patch.KindOf(err); err != nil && kind != patch.NotFound && kind != patch.Unavailable && kind != patch.Invalid {
		return patch.RevisionMeta{}, err
	}
	made := c.maker(gens)
	if err == nil && made == before.meta.Made && sameOrigins(gens, before.meta.Origins) && c.whole(before.meta) {
		return before.meta, nil
	}
	in := Input{OS: os, Now: c.Now()}
	if before != nil {
		in.Previous = before.list
	}
	if err := c.gather(ctx, &in, gens); err != nil {
		return patch.RevisionMeta{}, err
	}
	built, err := Build(ctx, in)
	if err != nil {
		return patch.RevisionMeta{}, err
	}
	built.Meta.Made = made
	return built.Meta, c.store(ctx, built)
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
func (c *Catalog) store(ctx context.Context, b Built) error {
	for _, file := range [][]byte{b.List, b.Signatures, b.Payloads} {
		if _, err := c.Files.PutBytes(ctx, file); err != nil {
			return err
		}
	}
	r := &revision{meta: b.Meta}
	var err error
	if r.list, err = DecodeList(b.List); err != nil {
		return err
	}
	if r.payloads, err = decodePayloads(b.Payloads); err != nil {
		return err
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
