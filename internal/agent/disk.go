package agent

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/fettle-project/fettle/internal/agent/host"
	"github.com/fettle-project/fettle/internal/patch"
)

// Disk is where an agent keeps its files. Paths and errors are those of package os. Only what was synced outlasts a loss of power: of a file
// its bytes, of a directory its names.
type Disk interface {
	// Open opens a file, with the flags of package os, for the agent's account alone; or a directory, to sync it.
	Open(path string, flag int) (File, error)
	// Temp makes a file that only the agent can have made. Its name begins with .tmp-.
	Temp(dir string) (File, error)
	Rename(from, to string) error
	Remove(path string) error
	// List gives the names of the files in a directory.
	List(dir string) ([]string, error)
	// Make makes a directory with those above it, for the agent's account alone.
	Make(dir string) error
}

// File is an open file. Reads go on from where the last one ended.
type File interface {
	io.ReadCloser
	io.WriterAt
	Truncate(size int64) error
	Sync() error
	Name() string
}

// liveDisk is the operating system's.
type liveDisk struct{}

func (liveDisk) Open(path string, flag int) (File, error) {
	f, err := os.OpenFile(path, flag, 0o600)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (liveDisk) Temp(dir string) (File, error) {
	f, err := os.CreateTemp(dir, ".tmp-*") // O_EXCL, 0600
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (liveDisk) Rename(from, to string) error { return os.Rename(from, to) }
func (liveDisk) Remove(path string) error     { return os.Remove(path) }

func (liveDisk) List(dir string) ([]string, error) {
	all, err := os.ReadDir(dir)
	names := make([]string, len(all))
	for i, e := range all {
		names[i] = e.Name()
	}
	return names, err
}

func (liveDisk) Make(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return keepPrivate(dir)
}

// lock takes a file for this process alone. A disk that is not the operating system's is nobody else's.
func lock(f File) error {
	if real, ok := f.(*os.File); ok {
		return host.LockFile(real)
	}
	return nil
}

func readFile(d Disk, path string) ([]byte, error) {
	f, err := d.Open(path, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// replaceFile replaces path durably: an exclusive temporary file in the same directory, fsync, rename, fsync of the directory.
// After a power loss either the old bytes or the new ones are there.
func replaceFile(d Disk, path string, b []byte) (err error) {
	f, err := d.Temp(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			d.Remove(f.Name())
		}
	}()
	if _, err = f.WriteAt(b, 0); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = d.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(d, filepath.Dir(path))
}

// syncDir makes the names in a directory durable.
func syncDir(d Disk, dir string) error {
	if !syncsDirs {
		return nil
	}
	f, err := d.Open(dir, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// writeFile is replaceFile on the live disk.
func writeFile(path string, b []byte) error { return replaceFile(liveDisk{}, path, b) }

// writeJSON keeps v on the live disk.
func writeJSON(path string, v any) error {
	return layout{}.keepJSON(path, v)
}

// keepJSON replaces a file durably by v.
func (l layout) keepJSON(path string, v any) error {
	b, err := marshalFile(v)
	if err != nil {
		return err
	}
	return replaceFile(l.on(), path, b)
}

func marshalFile(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	return append(b, '\n'), err
}

// readJSON fills v from path on the live disk and says whether the file was there.
func readJSON(path string, v any) (bool, error) { return layout{}.readJSON(path, v) }

// readJSON fills v from path and says whether the file was there.
func (l layout) readJSON(path string, v any) (bool, error) {
	b, err := readFile(l.on(), path)
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
