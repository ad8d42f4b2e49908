// Package catalog turns verified vendor indexes into what machines judge themselves by: per host OS one list (what each patch is)
// and one signature file (how to tell), the same bytes for every machine of that OS, in write-once revisions. Beside them it keeps
// the payload index (where each file comes from and what its bytes must be), which never leaves the appliance.
//
// Every patch of the host OS is on the list: approved or not, superseded or not. The package refuses inputs that contradict
// themselves, and it knows nothing of machines, approvals or HTTP.
package catalog

import (
	"context"
	"crypto/ed25519"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Feeds is where the newest good generations come from.
type Feeds interface {
	ListFeeds(ctx context.Context) ([]patch.FeedStatus, error)
	FindFeedState(ctx context.Context, name string) (patch.FeedState, error)
}

// Revisions is the storage of published revisions. An envelope is the JSON of a wire.Envelope over the RevisionMeta.
type Revisions interface {
	// PutRevision makes a revision the newest of its OS. The same ID again replaces its meta and envelope: the same bytes may come
	// from a newer generation of the vendor's index.
	PutRevision(ctx context.Context, meta patch.RevisionMeta, envelope []byte, patches []patch.Patch) error
	NewestRevision(ctx context.Context, os patch.HostOS) (patch.RevisionMeta, []byte, error)
	FindRevision(ctx context.Context, os patch.HostOS, id patch.RevisionID) (patch.RevisionMeta, []byte, error)
	ListOSes(ctx context.Context) ([]patch.HostOS, error)
	ListRevisions(ctx context.Context, os patch.HostOS) ([]patch.RevisionMeta, error) // the newest first
}

// Store is what a Catalog reads and keeps.
type Store interface {
	Feeds
	Revisions
	Alarms
}

// Catalog is the appliance's catalog: it publishes revisions and answers from them. Safe for concurrent use.
type Catalog struct {
	Store Store
	Raw   *content.Dir       // the feeds' raw files
	Files *content.Dir       // lists, signatures and payload indexes
	Key   ed25519.PrivateKey // signs revisions
	// Parsers read the raw files of feeds by their kind; package archives ("apt") need none.
	Parsers map[string]Parser
	Fleet   Fleet  // nil: new revisions are published without a rehearsal
	Bounds  Bounds // of what is published without a person
	Now     func() time.Time
	Log     *slog.Logger

	mu      sync.Mutex
	newest  map[patch.HostOS]*revision
	held    map[patch.HostOS]*Quarantine
	lists   recent[*List]
	engines recent[*detect.Signatures]
	past    recent[*revision]
	heads   recent[Diff]
	deltas  deltas
}

// revision is an OS's newest one, in memory.
type revision struct {
	meta     patch.RevisionMeta
	list     *List
	payloads *payloadIndex

	virtual   sync.Once
	providers map[string][]int // patches of list, by what they provide; see readVirtual
	replacers map[string][]int // likewise, by what their packages take away
	untold    []int            // of which nobody tells what they provide
}

const (
	maxListFile      = 64 << 20
	maxSignatureFile = 64 << 20
	maxPayloadFile   = 128 << 20
)

// current gives the newest revision of an OS, read from storage at first use.
func (c *Catalog) current(ctx context.Context, os patch.HostOS) (*revision, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := c.newest[os]; r != nil {
		return r, nil
	}
	meta, _, err := c.Store.NewestRevision(ctx, os)
	if err != nil {
		return nil, err
	}
	r := &revision{meta: meta}
	if r.list, err = c.readList(meta); err != nil {
		return nil, err
	}
	b, err := c.Files.Read(meta.Payloads, maxPayloadFile)
	if err != nil {
		return nil, unreadable(meta, err)
	}
	if r.payloads, err = decodePayloads(b); err != nil {
		return nil, unreadable(meta, err)
	}
	c.keep(r)
	return r, nil
}

// keep makes r the newest; c.mu is held.
func (c *Catalog) keep(r *revision) {
	if c.newest == nil {
		c.newest = map[patch.HostOS]*revision{}
	}
	c.newest[r.meta.OS] = r
}

func (c *Catalog) readList(meta patch.RevisionMeta) (*List, error) {
	b, err := c.Files.Read(meta.List, maxListFile)
	if err != nil {
		return nil, unreadable(meta, err)
	}
	l, err := DecodeList(b)
	if err != nil {
		return nil, unreadable(meta, err)
	}
	if l.OS() != meta.OS || l.Len() != meta.Patches {
		return nil, unreadable(meta, errFormat)
	}
	return l, nil
}

func unreadable(meta patch.RevisionMeta, err error) error {
	return &patch.Error{
		Kind: patch.Unavailable, What: phrase.Of("cannot read the catalog {1} of {2}", string(meta.ID), string(meta.OS)), Err: err,
		Do: "Run `fettle catalog sync`; it builds the missing files again.",
	}
}

// Meta gives the newest revision of an OS.
func (c *Catalog) Meta(os patch.HostOS) (patch.RevisionMeta, bool) {
	r, err := c.current(context.Background(), os)
	if err != nil {
		return patch.RevisionMeta{}, false
	}
	return r.meta, true
}

// List gives the newest list of an OS; NotFound before one is published.
func (c *Catalog) List(os patch.HostOS) (*List, error) {
	r, err := c.current(context.Background(), os)
	if err != nil {
		return nil, err
	}
	return r.list, nil
}

// ListOf gives the list of a certain revision; recent ones are kept in memory.
func (c *Catalog) ListOf(ctx context.Context, os patch.HostOS, rev patch.RevisionID) (*List, error) {
	if r, err := c.current(ctx, os); err == nil && r.meta.ID == rev {
		return r.list, nil
	}
	return c.lists.get(string(os)+" "+string(rev), func() (*List, error) {
		meta, _, err := c.Store.FindRevision(ctx, os, rev)
		if err != nil {
			return nil, err
		}
		return c.readList(meta)
	})
}

// Signatures gives the opened signatures of a revision; recent ones are kept in memory.
func (c *Catalog) Signatures(ctx context.Context, os patch.HostOS, rev patch.RevisionID) (*detect.Signatures, error) {
	return c.engines.get(string(os)+" "+string(rev), func() (*detect.Signatures, error) {
		meta, _, err := c.Store.FindRevision(ctx, os, rev)
		if err != nil {
			return nil, err
		}
		return c.readSignatures(meta)
	})
}

func (c *Catalog) readSignatures(meta patch.RevisionMeta) (*detect.Signatures, error) {
	b, err := c.Files.Read(meta.Signatures, maxSignatureFile)
	if err != nil {
		return nil, unreadable(meta, err)
	}
	s, err := detect.Open(b)
	if err != nil {
		return nil, unreadable(meta, err)
	}
	return s, nil
}

// Payloads gives the files of a patch on the newest list of an OS; NotFound where the patch is not on it.
func (c *Catalog) Payloads(ctx context.Context, os patch.HostOS, id patch.ID) ([]patch.PayloadFile, error) {
	r, err := c.current(ctx, os)
	if err != nil {
		return nil, err
	}
	i, ok := r.list.Index(id)
	if !ok {
		return nil, &patch.Error{Kind: patch.NotFound, What: phrase.Of("the patch {1} is not on the list of {2}", string(id), string(os))}
	}
	return r.payloads.of(i, r.list.At(i))
}

// recent keeps the last few values that were asked for. The zero value works.
type recent[T any] struct {
	mu    sync.Mutex
	order []string
	byKey map[string]T
}

const recentValues = 8

// get gives the value of key, made with load where it is not at hand. One load runs at a time, so that no value is made twice.
func (r *recent[T]) get(key string, load func() (T, error)) (T, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if v, ok := r.byKey[key]; ok {
		i := slices.Index(r.order, key)
		r.order = append(slices.Delete(r.order, i, i+1), key)
		return v, nil
	}
	v, err := load()
	if err != nil {
		return v, err
	}
	if r.byKey == nil {
		r.byKey = map[string]T{}
	}
	if len(r.order) == recentValues {
		delete(r.byKey, r.order[0])
		r.order = slices.Delete(r.order, 0, 1)
	}
	r.byKey[key], r.order = v, append(r.order, key)
	return v, nil
}
