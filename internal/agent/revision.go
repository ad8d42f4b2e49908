package agent

import (
	"context"
	"crypto/ed25519"
	"os"
	"path/filepath"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/wire"
)

// maxCatalogFile bounds a list or signature file in bytes.
const maxCatalogFile = 64 << 20

// refreshCatalog asks for the newest revision of this host OS and fetches its files where they changed. An older build than one that was
// accepted before is refused: an appliance may stand still but not go back.
func (s *session) refreshCatalog(ctx context.Context, hostOS patch.HostOS) (patch.RevisionMeta, error) {
	newest := s.get().Newest
	meta, known := newest, s.isNewest(newest, hostOS)
	if !known {
		var err error
		if meta, err = s.client().revision(ctx, hostOS, s.who(), newest); err != nil {
			return meta, err
		}
	}
	for _, f := range [][2]patch.Hash{{newest.Signatures, meta.Signatures}, {newest.List, meta.List}} {
		if err := s.fetchCatalog(ctx, f[0], f[1]); err != nil {
			return patch.RevisionMeta{}, err
		}
	}
	if !known {
		if err := s.set(func(st *state) { st.Newest = meta }); err != nil {
			return patch.RevisionMeta{}, err
		}
	}
	s.pruneCatalog(meta)
	return meta, nil
}

// isNewest says whether the appliance named this very build as its newest a moment ago.
func (s *session) isNewest(m patch.RevisionMeta, hostOS patch.HostOS) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return m.OS == hostOS && m.ID != "" && s.said.id == m.ID && s.said.built.Equal(m.Built) && s.cfg.Now().Sub(s.said.at).Abs() < fresh
}

// revision asks for the newest revision of a host OS, signed with the pinned key and not older than newest.
func (c *client) revision(ctx context.Context, hostOS patch.HostOS, id *identity, newest patch.RevisionMeta) (patch.RevisionMeta, error) {
	var e wire.Envelope
	empty, err := c.call(ctx, wire.PathRevision, string(hostOS), nil, &e)
	if err != nil {
		return patch.RevisionMeta{}, err
	}
	if empty {
		return patch.RevisionMeta{}, patch.Errorf(patch.NotFound, "the appliance has no catalog for %s yet", hostOS)
	}
	var meta patch.RevisionMeta
	if err := e.Open(ed25519.PublicKey(id.CatalogKey), wire.TypeRevision, &meta); err != nil {
		return patch.RevisionMeta{}, err
	}
	return meta, acceptRevision(meta, hostOS, newest)
}

// fetchCatalog brings a list or signature file: as a delta to the one that is there, and in whole on any doubt.
func (s *session) fetchCatalog(ctx context.Context, old, h patch.Hash) error {
	b := blob{Hash: h, Limit: maxCatalogFile, Dir: s.files.catalog()}
	if h.Valid() && old.Valid() && old != h && !s.has(b) && s.cfg.ApplyDelta != nil {
		if err := s.patchCatalog(ctx, old, b); err != nil {
			s.log.Debug("no delta; the whole file is fetched", "file", h, "err", err)
		}
	}
	_, err := s.client().fetch(ctx, b)
	return err
}

// has says whether a file is there, whatever is in it.
func (s *session) has(b blob) bool {
	f, err := s.files.on().Open(b.path(), os.O_RDONLY)
	if err == nil {
		f.Close()
	}
	return err == nil
}

// patchCatalog makes a file out of the old one and a delta. Whether it is the one that was asked for, fetch tells by its hash.
func (s *session) patchCatalog(ctx context.Context, old patch.Hash, b blob) error {
	before, err := readFile(s.files.on(), filepath.Join(b.Dir, string(old)))
	if err != nil {
		return err
	}
	delta, err := s.client().delta(ctx, old, b.Hash)
	if err != nil {
		return err
	}
	after, err := s.cfg.ApplyDelta(before, delta)
	if err != nil {
		return err
	}
	return s.keepFile(b.path(), after)
}

// acceptRevision holds a verified revision against this machine and against the newest one it knows.
func acceptRevision(meta patch.RevisionMeta, hostOS patch.HostOS, newest patch.RevisionMeta) error {
	switch {
	case meta.OS != hostOS:
		return patch.Errorf(patch.Untrusted, "the appliance sent the catalog of %s to a machine that is %s", meta.OS, hostOS)
	case meta.ID == "" || !meta.Signatures.Valid() || !meta.List.Valid():
		return patch.Errorf(patch.Untrusted, "the catalog revision does not name its files")
	case newest.OS == hostOS && meta.Built.Before(newest.Built):
		return &patch.Error{Kind: patch.Untrusted, What: "the appliance sent an older catalog",
			Why: phrase.Of("built {1}, and this machine has seen one built {2}", meta.Built.UTC().Format("2006-01-02 15:04:05 UTC"), newest.Built.UTC().Format("2006-01-02 15:04:05 UTC"))}
	}
	return nil
}

// pruneCatalog removes files that no longer belong to the newest revision.
func (s *session) pruneCatalog(meta patch.RevisionMeta) {
	keep := map[string]bool{string(meta.List): true, string(meta.Signatures): true}
	files, err := s.files.on().List(s.files.catalog())
	if err != nil {
		return
	}
	for _, f := range files {
		if !keep[f] {
			s.files.on().Remove(filepath.Join(s.files.catalog(), f))
		}
	}
}
