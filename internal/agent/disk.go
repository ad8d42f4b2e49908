package agent

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/fettle-project/fettle/internal/patch"
)

// writeFile replaces path durably: an exclusive temporary file in the same directory, fsync, rename, fsync of the directory.
// After a power loss either the old bytes or the new ones are there.
func writeFile(path string, b []byte) error { return replaceFile(path, b, nil) }

// durable is told what was made durable; see Config.Durable.
type durable func(path string) error

func (d durable) done(path string) error {
	if d == nil {
		return nil
	}
	return d(path)
}

func replaceFile(path string, b []byte, told durable) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".tmp-*") // O_EXCL, 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(b); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = told.done(f.Name()); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncedDir(filepath.Dir(path), told)
}

func syncedDir(dir string, told durable) error {
	if err := syncDir(dir); err != nil {
		return err
	}
	return told.done(dir)
}

func writeJSON(path string, v any) error {
	b, err := marshalFile(v)
	if err != nil {
		return err
	}
	return writeFile(path, b)
}

func marshalFile(v any) ([]byte, error) {
	b, err := json.MarshalIndent(v, "", " ")
	return append(b, '\n'), err
}

// readJSON fills v from path and says whether the file was there.
func readJSON(path string, v any) (bool, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return true, patch.Errorf(patch.Internal, "cannot read %s: %w", path, err)
	}
	return true, nil
}
