package main

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"github.com/fettle-project/fettle/internal/auth"
	"github.com/fettle-project/fettle/internal/backup"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/store"
)

func (l layout) stage() string    { return filepath.Join(l.dir, ".backup") }      // what a backup is made from, while it is made
func (l layout) serving() string  { return filepath.Join(l.dir, ".serve.lock") }  // held together by all that serve from here
func (l layout) copying() string  { return filepath.Join(l.dir, ".backup.lock") } // held by a backup
func (l layout) database() string { return filepath.Join(l.dir, "fettle.db") }

// backupKey is what an appliance signs its backups with. It follows from its keys.
func backupKey(k *auth.Keys) (ed25519.PrivateKey, error) {
	seed, err := k.Derive("backup signature")
	if err != nil {
		return nil, err
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// makeBackup writes an appliance, which may be serving, to w. Files that are named by their hash are linked aside before and after the database is
// copied: whatever the appliance removes meanwhile, the copy has what it speaks of.
func makeBackup(ctx context.Context, cfg config, w io.Writer, to []age.Recipient, payloads bool, progress func(done, total int64)) (backup.Manifest, error) {
	place := layout{cfg.Data}
	if !place.initialised() {
		return backup.Manifest{}, &patch.Error{Kind: patch.Invalid, What: phrase.Of("{1} is not an appliance's data directory", cfg.Data), Do: "Name the right one with --data."}
	}
	held, err := lock(place.copying(), true)
	if errors.Is(err, errLocked) {
		return backup.Manifest{}, &patch.Error{Kind: patch.Conflict, What: "cannot back up", Why: "another backup is being made"}
	}
	if err != nil {
		return backup.Manifest{}, err
	}
	defer held.Close()
	defer os.RemoveAll(place.stage())
	keys, err := auth.OpenKeys(place.keys())
	if err != nil {
		return backup.Manifest{}, err
	}
	key, err := backupKey(keys)
	if err != nil {
		return backup.Manifest{}, err
	}
	m := backup.Manifest{Version: version, Payloads: payloads, Host: cfg.Hosts[0]}
	files, err := stage(ctx, cfg, &m)
	if err != nil {
		return m, err
	}
	var total int64
	for _, f := range files {
		total += f.Size
	}
	out := &manifested{w: w}
	if err := backup.Write(out, m, files, to, key, func(done int64) { progress(done, total) }); err != nil {
		return m, err
	}
	m.Files, m.Bytes, m.Signer = int64(len(files)), total, key.Public().(ed25519.PublicKey)
	return m, ctx.Err()
}

// manifested tells a full disk from everything else.
type manifested struct{ w io.Writer }

func (o *manifested) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	if err != nil {
		err = &patch.Error{Kind: patch.Unavailable, What: "cannot write the backup", Err: err}
	}
	return n, err
}

// stage gathers the files of a backup, by name, and fills in what the database tells.
func stage(ctx context.Context, cfg config, m *backup.Manifest) ([]backup.File, error) {
	place := layout{cfg.Data}
	folders := []string{place.catalogs(), place.feeds()}
	if m.Payloads {
		folders = append(folders, place.payloads())
	}
	if err := errors.Join(os.RemoveAll(place.stage()), os.Mkdir(place.stage(), 0o700)); err != nil {
		return nil, &patch.Error{Kind: patch.Unavailable, What: "cannot prepare the backup", Err: err}
	}
	linked := map[string]string{} // where a file is, by its name
	if err := linkAll(place, folders, linked); err != nil {
		return nil, err
	}
	m.At, m.Database = time.Now().UTC(), "postgres"
	if _, ok := store.FileOf(cfg.Store); ok {
		m.Database = "sqlite"
		copied := filepath.Join(place.stage(), "fettle.db")
		counts, err := store.Copy(ctx, cfg.Store, copied)
		if err != nil {
			return nil, err
		}
		for _, c := range counts {
			m.Counts = append(m.Counts, backup.Count(c))
		}
		linked["fettle.db"] = copied
	}
	if err := linkAll(place, folders, linked); err != nil {
		return nil, err
	}
	linked[dataConfig] = place.config()
	for _, dir := range []string{place.keys(), place.agents()} {
		if err := each(dir, func(path string) error { linked[relative(place.dir, path)] = path; return nil }); err != nil {
			return nil, err
		}
	}
	return sized(linked)
}

// each visits the plain files of a folder; one that is not there has none.
func each(dir string, visit func(path string) error) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot back {1} up", dir), Err: err}
	}
	for _, e := range entries {
		if e.Type().IsRegular() && !strings.HasPrefix(e.Name(), ".") {
			if err := visit(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

// linkAll gives files a second name, by which they stay. A folder on another disk has none: its files are read where they are.
func linkAll(place layout, folders []string, linked map[string]string) error {
	for _, dir := range folders {
		err := each(dir, func(path string) error {
			name := relative(place.dir, path)
			if !patch.Hash(filepath.Base(path)).Valid() || linked[name] != "" {
				return nil
			}
			aside := filepath.Join(place.stage(), filepath.Base(path))
			switch err := os.Link(path, aside); {
			case err == nil || errors.Is(err, fs.ErrExist):
				linked[name] = aside
			case !errors.Is(err, fs.ErrNotExist): // it may be gone already
				linked[name] = path
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func sized(linked map[string]string) ([]backup.File, error) {
	files := make([]backup.File, 0, len(linked))
	for name, path := range linked {
		st, err := os.Stat(path)
		if err != nil {
			return nil, &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot back {1} up", name), Err: err}
		}
		files = append(files, backup.File{Name: name, Size: st.Size(), Open: func() (io.ReadCloser, error) { return os.Open(path) }})
	}
	slices.SortFunc(files, func(a, b backup.File) int { return cmp.Compare(a.Name, b.Name) })
	return files, nil
}
