package store

import (
	"context"
	"math"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// PutRevision stores a revision as its OS's newest, and what it changes in the memory of patches: new ones get the next ordinals
// in the order given, ones that left are marked gone, ones that came back are no longer. A revision that was there before
// (the vendor took something back) becomes the newest again.
func (s *Store) PutRevision(ctx context.Context, m patch.RevisionMeta, envelope []byte, patches []patch.Patch) error {
	if m.ID == "" || m.OS == "" {
		return patch.Errorf(patch.Invalid, "a revision needs an ID and a host OS")
	}
	if m.Patches != len(patches) {
		return patch.Errorf(patch.Invalid, "the revision %s of %s says %d patches and brings %d", m.ID, m.OS, m.Patches, len(patches))
	}
	meta, err := toJSON(m)
	if err != nil {
		return err
	}
	listed := make([]listedPatch, len(patches)) // made before the transaction: on SQLite all other writers wait for it
	for i, p := range patches {
		body, err := toJSON(p)
		if err != nil {
			return err
		}
		listed[i] = listedPatch{p, cleanText(body)}
	}
	err = s.write(ctx, func(x session) error {
		var given, number int
		// This write also keeps a second publisher of the same OS waiting.
		if err := x.row(ctx, `INSERT INTO host_oses (os, ordinals, revisions) VALUES ($1, 0, 1)
			ON CONFLICT (os) DO UPDATE SET revisions = host_oses.revisions + 1 RETURNING ordinals, revisions`,
			[]any{m.OS}, &given, &number); err != nil {
			return err
		}
		if _, err := x.exec(ctx, `INSERT INTO revisions (os, id, number, meta, envelope) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (os, id) DO UPDATE SET number = excluded.number, meta = excluded.meta, envelope = excluded.envelope`,
			m.OS, m.ID, number, meta, envelope); err != nil {
			return err
		}
		return s.rememberPatches(ctx, x, m, given, listed)
	})
	return fault(err, "cannot store the revision %s of %s", m.ID, m.OS)
}

type listedPatch struct {
	patch.Patch
	body string // its JSON
}

func (s *Store) rememberPatches(ctx context.Context, x session, m patch.RevisionMeta, given int, listed []listedPatch) error {
	known, err := knownPatches(ctx, x, m.OS)
	if err != nil {
		return err
	}
	first := given
	var rows [][]any
	for _, p := range listed {
		old, was := known[p.ID]
		delete(known, p.ID)
		if was && old.body == p.body && old.row.GoneAt.IsZero() {
			continue
		}
		if !was {
			given++
			old.row = patch.PatchRow{Ordinal: given, FirstRevision: m.ID}
		}
		shown := old.learned.over(p.Patch)
		rows = append(rows, []any{m.OS, p.ID, old.row.Ordinal, p.Category, p.body, searchText(shown), shown.Released, old.row.FirstRevision,
			time.Time{}, old.cves, old.learned.severity, old.learned.released, int64(math.Round(p.CVSS * 10))})
	}
	if err := x.insertRows(ctx, `INSERT INTO patches (os, id, ordinal, category, body, search, released, first_revision, gone_at,
		known_cves, known_severity, known_released, cvss)`, rows, `ON CONFLICT (os, id) DO UPDATE SET category = excluded.category,
		body = excluded.body, search = excluded.search, released = excluded.released, cvss = excluded.cvss, gone_at = 0`); err != nil {
		return err
	}
	if given != first {
		if _, err := x.exec(ctx, `UPDATE host_oses SET ordinals = $2 WHERE os = $1`, m.OS, given); err != nil {
			return err
		}
	}
	return s.markGone(ctx, x, m, known)
}

// markGone dates what was on the list before and is not on this one.
func (s *Store) markGone(ctx context.Context, x session, m patch.RevisionMeta, left map[patch.ID]knownPatch) error {
	var gone []patch.ID
	for id, k := range left {
		if k.row.GoneAt.IsZero() {
			gone = append(gone, id)
		}
	}
	if len(gone) == 0 {
		return nil
	}
	at := m.Built
	if at.IsZero() {
		at = s.now()
	}
	w := where{engine: x.engine}
	w.add(`os = ?`, m.OS)
	if err := addOneOf(&w, `id`, gone); err != nil {
		return err
	}
	w.args = append(w.args, at)
	_, err := x.exec(ctx, `UPDATE patches SET gone_at = $3`+w.String(), w.args...)
	return err
}

type signedMeta struct {
	meta     patch.RevisionMeta
	envelope []byte
}

func scanSigned(r scanner) (signedMeta, error) {
	var v signedMeta
	err := r.Scan(document{&v.meta}, &v.envelope)
	return v, err
}

// NewestRevision gives an OS's newest revision and its signed envelope, or NotFound.
func (s *Store) NewestRevision(ctx context.Context, os patch.HostOS) (patch.RevisionMeta, []byte, error) {
	v, err := find(ctx, s.read(), scanSigned, `SELECT meta, envelope FROM revisions WHERE os = $1 ORDER BY number DESC LIMIT 1`, os)
	return v.meta, v.envelope, missing(err, "there is no catalog for %s", os)
}

// FindRevision gives one revision and its signed envelope, or NotFound.
func (s *Store) FindRevision(ctx context.Context, os patch.HostOS, id patch.RevisionID) (patch.RevisionMeta, []byte, error) {
	v, err := find(ctx, s.read(), scanSigned, `SELECT meta, envelope FROM revisions WHERE os = $1 AND id = $2`, os, id)
	return v.meta, v.envelope, missing(err, "the catalog of %s has no revision %s", os, id)
}

// ListRevisions gives an OS's revisions, newest first.
func (s *Store) ListRevisions(ctx context.Context, os patch.HostOS) ([]patch.RevisionMeta, error) {
	all, err := list(ctx, s.read(), scanDocument[patch.RevisionMeta], `SELECT meta FROM revisions WHERE os = $1 ORDER BY number DESC`, os)
	return all, fault(err, "cannot list the revisions of %s", os)
}

// ListOSes gives every host OS that ever had a revision, sorted.
func (s *Store) ListOSes(ctx context.Context) ([]patch.HostOS, error) {
	all, err := list(ctx, s.read(), func(r scanner) (os patch.HostOS, err error) { return os, r.Scan(&os) }, `SELECT os FROM host_oses ORDER BY os`)
	return all, fault(err, "cannot list host OSes")
}
