package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/fettle-project/fettle/internal/content"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// blob serves a file by its content address: what every machine may have (lists, signatures, vendor indexes of published revisions),
// and the payloads of the machine's own open order. Whatever else is on the appliance does not exist for it.
func (s *agents) blob(c *call) (any, error) {
	h := patch.Hash(c.PathValue("hash"))
	if !h.Valid() {
		return nil, noBlob()
	}
	f, order, err := s.openBlob(c.Context(), c.machine.ID, h)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	w := c.w
	if order != "" {
		if w, err = s.throttled(c, order); err != nil {
			return nil, err
		}
	}
	_ = http.NewResponseController(c.w).SetWriteDeadline(time.Now().Add(30 * time.Minute)) // a connection that cannot have one has its own bounds
	head := c.w.Header()
	head.Set("Content-Type", "application/octet-stream")
	head.Set("ETag", `"`+string(h)+`"`)
	head.Set("Cache-Control", "private, immutable, max-age=31536000")
	http.ServeContent(w, c.Request, "", time.Time{}, f)
	return written{}, nil
}

func noBlob() error {
	return &patch.Error{Kind: patch.NotFound, What: "there is no such file for this machine"}
}

// openBlob opens a file and, where it is a payload, names the order that it is for.
func (s *agents) openBlob(ctx context.Context, m patch.MachineID, h patch.Hash) (f *os.File, order string, err error) {
	place, err := s.blobs.find(ctx, s.Appliance, h)
	if err != nil {
		return nil, "", err
	}
	switch place {
	case inCatalog:
		f, err = openFirst(h, s.Catalog.Files, s.Catalog.Raw)
		return f, "", err
	case inVendor:
		f, err = openFirst(h, s.Catalog.Raw, s.Catalog.Files)
		return f, "", err
	case nowhereKnown:
	}
	if order, err = s.ordered(ctx, m, h); err != nil {
		return nil, "", err
	}
	if order == "" {
		return nil, "", noBlob()
	}
	if f, err = s.Depot.Open(h); err != nil && patch.KindOf(err) == patch.NotFound {
		f, err = openFirst(h, s.Catalog.Raw) // an older index, which vouches for a version that goes back
	}
	return f, order, err
}

func openFirst(h patch.Hash, dirs ...*content.Dir) (*os.File, error) {
	for _, d := range dirs {
		f, err := d.Open(h)
		if patch.KindOf(err) != patch.NotFound {
			return f, err
		}
	}
	return nil, noBlob()
}

// ordered names the machine's own open order where h is a payload of it, or an index by which something goes back; empty where it is none.
func (s *agents) ordered(ctx context.Context, m patch.MachineID, h patch.Hash) (string, error) {
	row, err := s.Store.OpenOrder(ctx, m)
	if patch.KindOf(err) == patch.NotFound {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	var e wire.Envelope
	var o wire.Order
	if err := json.Unmarshal(row.Envelope, &e); err != nil {
		return "", patch.Errorf(patch.Internal, "cannot read the stored order of %s: %w", m, err)
	}
	if err := e.Open(s.ApproverKey, wire.TypeOrder, &o); err != nil {
		return "", patch.Errorf(patch.Internal, "cannot open the stored order of %s: %w", m, err)
	}
	for _, i := range o.Items {
		for _, p := range i.Packages {
			if p.SHA256 == h || p.Back && (p.Origin.Release == h || p.Origin.Index == h) {
				return o.ID, nil
			}
		}
	}
	return "", nil
}

// delta serves what makes one published list or signature file out of an older one.
func (s *agents) delta(c *call) (any, error) {
	before, after, _ := strings.Cut(c.PathValue("pair"), "-")
	old, next := patch.Hash(before), patch.Hash(after)
	if !old.Valid() || !next.Valid() || old == next {
		return nil, noBlob()
	}
	related, err := s.blobs.related(c.Context(), s.Appliance, old, next)
	if err != nil {
		return nil, err
	}
	if !related {
		return nil, noBlob()
	}
	b, err := s.Catalog.Delta(c.Context(), old, next)
	if kind := patch.KindOf(err); err != nil && (kind == patch.Exhausted || kind == patch.NotFound) {
		return nil, noBlob()
	}
	if err != nil {
		return nil, err
	}
	head := c.w.Header()
	head.Set("Content-Type", "application/octet-stream")
	head.Set("ETag", `"`+c.PathValue("pair")+`"`)
	head.Set("Cache-Control", "private, immutable, max-age=31536000")
	http.ServeContent(c.w, c.Request, "", time.Time{}, bytes.NewReader(b))
	return written{}, nil
}

// related reports whether two files are lists, or signatures, of one host OS that machines may fetch.
func (b *blobIndex) related(ctx context.Context, a *Appliance, old, next patch.Hash) (bool, error) {
	for _, h := range []patch.Hash{old, next} {
		if p, err := b.find(ctx, a, h); err != nil || p != inCatalog {
			return false, err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.kin[old] != "" && b.kin[old] == b.kin[next], nil
}

// place says where a file that every machine may have is kept.
type place uint8

const (
	nowhereKnown place = iota
	inCatalog
	inVendor
)

// blobIndex remembers which addresses published revisions name. Revisions are write-once, so what is in it stays right.
type blobIndex struct {
	mu    sync.Mutex
	known map[patch.Hash]place
	kin   map[patch.Hash]string // lists, and signatures, of one host OS have the same word
	built time.Time
	round uint64 // the hub's, when it was built: a newer one means that something was published since
}

const (
	publishedKept = 3 // revisions of each host OS whose files machines may still fetch
	indexAge      = 10 * time.Second
)

func (b *blobIndex) find(ctx context.Context, a *Appliance, h patch.Hash) (place, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p, ok := b.known[h]; ok {
		return p, nil
	}
	if b.known != nil && b.round == a.Hub.Round() && a.Now().Sub(b.built) < indexAge {
		return nowhereKnown, nil
	}
	known, kin, round := map[patch.Hash]place{}, map[patch.Hash]string{}, a.Hub.Round()
	oses, err := a.Store.ListOSes(ctx)
	if err != nil {
		return nowhereKnown, err
	}
	for _, os := range oses {
		metas, err := a.Store.ListRevisions(ctx, os)
		if err != nil {
			return nowhereKnown, err
		}
		for _, m := range metas[:min(publishedKept, len(metas))] {
			noteRevision(known, kin, m)
		}
		if m, ok := a.Catalog.Meta(os); ok {
			noteRevision(known, kin, m)
		}
	}
	b.known, b.kin, b.built, b.round = known, kin, a.Now(), round
	return known[h], nil
}

func noteRevision(known map[patch.Hash]place, kin map[patch.Hash]string, m patch.RevisionMeta) {
	kin[m.List], kin[m.Signatures] = string(m.OS)+" list", string(m.OS)+" signatures"
	known[m.List], known[m.Signatures] = inCatalog, inCatalog
	for _, o := range m.Origins {
		known[o.Release], known[o.Index] = inVendor, inVendor
	}
}
