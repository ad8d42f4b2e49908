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
	"time"

	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
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
}

// Store is what a Catalog reads and keeps.
type Store interface {
	Feeds
	Revisions
}

// Catalog is the appliance's catalog: it publishes revisions and answers from them. Safe for concurrent use.
type Catalog struct {
	Store Store
	Raw   *content.Dir       // the feeds' raw files
	Files *content.Dir       // lists, signatures and payload indexes
	Key   ed25519.PrivateKey // signs revisions
	Now   func() time.Time
	Log   *slog.Logger
}

// Publish builds every host OS whose feeds have a good generation and stores what changed as new revisions. It gives the newest
// revision of each OS, changed or not. An OS that cannot be built keeps its revision, and the error names it.
func (c *Catalog) Publish(ctx context.Context) ([]patch.RevisionMeta, error) {
	return nil, patch.Errorf(patch.Internal, "not built yet")
}

// Meta gives the newest revision of an OS.
func (c *Catalog) Meta(os patch.HostOS) (patch.RevisionMeta, bool) { return patch.RevisionMeta{}, false }

// List gives the newest list of an OS; NotFound before one is published.
func (c *Catalog) List(os patch.HostOS) (*List, error) {
	return nil, patch.Errorf(patch.Internal, "not built yet")
}

// ListOf gives the list of a certain revision.
func (c *Catalog) ListOf(ctx context.Context, os patch.HostOS, rev patch.RevisionID) (*List, error) {
	return nil, patch.Errorf(patch.Internal, "not built yet")
}

// Signatures gives the opened signatures of a revision; recent ones are kept in memory.
func (c *Catalog) Signatures(ctx context.Context, os patch.HostOS, rev patch.RevisionID) (*detect.Signatures, error) {
	return nil, patch.Errorf(patch.Internal, "not built yet")
}

// Payloads gives the files of a patch on the newest list of an OS.
func (c *Catalog) Payloads(ctx context.Context, os patch.HostOS, id patch.ID) ([]patch.PayloadFile, error) {
	return nil, patch.Errorf(patch.Internal, "not built yet")
}

// List is a decoded list. It is immutable and safe for concurrent use; its order is the order of signatures and vectors.
type List struct {
	os      patch.HostOS
	patches []patch.Patch
	index   map[patch.ID]int
}

// OS is the host OS that the list is for.
func (l *List) OS() patch.HostOS { return l.os }

// Len is the number of patches.
func (l *List) Len() int { return len(l.patches) }

// At gives patch i.
func (l *List) At(i int) *patch.Patch { return &l.patches[i] }

// Patches gives all of them, sorted by ID; the caller must not change them.
func (l *List) Patches() []patch.Patch { return l.patches }

// Index finds a patch by its ID.
func (l *List) Index(id patch.ID) (int, bool) { i, ok := l.index[id]; return i, ok }
