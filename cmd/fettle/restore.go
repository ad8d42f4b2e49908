package main

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pelletier/go-toml/v2"

	"github.com/fettle-project/fettle/internal/auth"
	"github.com/fettle-project/fettle/internal/backup"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/store"
	"github.com/fettle-project/fettle/internal/wire"
)

// target is where an appliance is restored to.
type target struct {
	dir     string
	replace bool // there is an appliance, and it is to be put aside
	held    *os.File
	aside   string
}

// newTarget refuses what must not be written over. An appliance that is served from there stays, whatever was asked for.
func newTarget(dir string, replace bool) (*target, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return &target{dir: dir}, nil
	}
	place := layout{dir}
	switch {
	case err != nil:
		return nil, notEmpty(dir, err.Error(), "")
	case !place.initialised():
		return nil, notEmpty(dir, "it is not empty, and no appliance", "Choose another directory with --data.")
	case !replace:
		return nil, notEmpty(dir, "there is an appliance already; replaced, all that it has done since the backup is lost to the new one",
			"Choose another directory with --data, or put the present one aside with --replace-appliance.")
	}
	id, err := owner(dir)
	if err != nil {
		return nil, err
	}
	var held *os.File
	err = as(id, func() error { held, err = lock(place.serving(), true); return err }) // the file must be its user's
	if errors.Is(err, errLocked) {
		return nil, notEmpty(dir, "the appliance there is being served", "Stop it first (systemctl stop fettle).")
	}
	return &target{dir: dir, replace: true, held: held}, err
}

func (t *target) close() {
	if t.held != nil {
		t.held.Close()
	}
}

// owner is whom the restored appliance belongs to: as the one that is there, or as a new one.
func (t *target) owner(user string) (identity, error) {
	if t.replace && user == "" {
		return owner(t.dir)
	}
	return chooseIdentity(user)
}

// fill has a new directory filled beside the target, and gives it the target's name when all of it is there and durable. Whatever happens before,
// the target is as it was; what a killed restore left is taken away by the next one.
func (t *target) fill(id identity, fill func(dir string) error) error {
	parent, name := filepath.Split(t.dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return cannotRestore(t.dir, err)
	}
	prefix := "." + name + ".restoring-"
	sweepRestores(parent, prefix)
	dir, err := os.MkdirTemp(parent, prefix)
	if err != nil {
		return cannotRestore(t.dir, err)
	}
	defer os.RemoveAll(dir)
	held, err := lock(dir, true)
	if err != nil {
		return cannotRestore(t.dir, err)
	}
	defer held.Close()
	if err := give(dir, id); err != nil {
		return cannotRestore(t.dir, err)
	}
	if err := as(id, func() error { return fill(dir) }); err != nil {
		return err
	}
	return t.take(parent, dir)
}

// take is the moment at which the restored appliance is there.
func (t *target) take(parent, dir string) error {
	if t.replace {
		t.aside = t.dir + ".replaced-" + time.Now().UTC().Format("20060102-150405")
		if err := os.Rename(t.dir, t.aside); err != nil {
			return cannotRestore(t.dir, err)
		}
	}
	if err := os.Rename(dir, t.dir); err != nil {
		if t.replace {
			err = errors.Join(err, os.Rename(t.aside, t.dir))
		}
		return cannotRestore(t.dir, err)
	}
	d, err := os.Open(parent)
	if err != nil {
		return cannotRestore(t.dir, err)
	}
	defer d.Close()
	return d.Sync()
}

func cannotRestore(dir string, err error) error {
	return &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot restore into {1}", dir), Err: err}
}

// sweepRestores takes away what killed restores left: keys are in it. One that is under way holds its directory.
func sweepRestores(parent, prefix string) {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return
	}
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), prefix) {
			continue
		}
		path := filepath.Join(parent, e.Name())
		if held, err := lock(path, true); err == nil {
			_ = os.RemoveAll(path) // it is hidden, and private; the next one tries again
			held.Close()
		}
	}
}

// bringBack makes what came out of a backup an appliance that can be served.
func bringBack(ctx context.Context, dir, system string, m backup.Manifest, caller patch.Caller) (err error) {
	place := layout{dir}
	keys, err := auth.OpenKeys(place.keys())
	if err != nil {
		return err
	}
	key, err := backupKey(keys)
	if err != nil {
		return err
	}
	if backup.Fingerprint(key.Public().(ed25519.PublicKey)) != m.Fingerprint() {
		return patch.Errorf(patch.Untrusted, "the keys in the backup are not those of the appliance that signed it")
	}
	address, err := settleConfig(place, system, m.Database)
	if err != nil {
		return err
	}
	s, err := store.Open(ctx, address, store.Options{Now: time.Now})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if err := s.VerifyAudit(ctx); err != nil {
		return err
	}
	now := time.Now().UTC()
	return s.Restore(ctx, caller, store.Restored{At: m.At, Version: m.Version, Sign: func(meta patch.RevisionMeta) (patch.RevisionMeta, []byte, error) {
		if meta.Built.Before(now) {
			meta.Built = now
		}
		sealed, err := wire.Seal(keys.Catalog, wire.TypeRevision, meta)
		if err != nil {
			return meta, nil, err
		}
		b, err := json.Marshal(sealed)
		return meta, b, err
	}})
}

// settleConfig gives the address of the restored database. A file of SQLite is in the data directory now, wherever it was before.
func settleConfig(place layout, system, database string) (string, error) {
	b, err := os.ReadFile(place.config())
	if err != nil {
		return "", &patch.Error{Kind: patch.Untrusted, What: "cannot use the backup", Why: "it holds no configuration", Err: err}
	}
	if database != "sqlite" {
		return address(place, system)
	}
	settings := map[string]any{}
	if err := toml.Unmarshal(b, &settings); err != nil {
		return "", &patch.Error{Kind: patch.Invalid, What: "cannot use the configuration in the backup", Err: err}
	}
	if _, err := os.Stat(place.database()); err != nil {
		return "", &patch.Error{Kind: patch.Untrusted, What: "cannot use the backup", Why: "it holds no database"}
	}
	if _, elsewhere := settings["store"]; elsewhere {
		delete(settings, "store")
		b, err := toml.Marshal(settings)
		if err == nil {
			err = os.WriteFile(place.config(), b, 0o600)
		}
		if err != nil {
			return "", cannotRestore(place.dir, err)
		}
	}
	return "sqlite://" + place.database(), nil
}

// address is that of the PostgreSQL database which the appliance had.
func address(place layout, system string) (string, error) {
	cfg, err := readConfig(place.dir, system)
	if err == nil && cfg.Store == "" {
		err = &patch.Error{Kind: patch.Invalid, What: "cannot restore", Why: "the appliance's database was PostgreSQL, and no configuration names it", Do: "Name it as store = \"postgres://…\" in " + systemConfig + "."}
	}
	return cfg.Store, err
}
