//go:build unix

package main

import (
	"errors"
	"os"
	"syscall"

	"github.com/fettle-project/fettle/internal/patch"
)

// errLocked means that another process holds a lock.
var errLocked = errors.New("another process holds it")

// lock takes a lock on a file, which is made, or on a directory. It ends when the file is closed, or the process.
func lock(path string, exclusive bool) (*os.File, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	}
	if err != nil {
		return nil, patch.Errorf(patch.Unavailable, "cannot lock %s: %w", path, err)
	}
	how := syscall.LOCK_SH
	if exclusive {
		how = syscall.LOCK_EX
	}
	if err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errLocked
		}
		return nil, patch.Errorf(patch.Unavailable, "cannot lock %s: %w", path, err)
	}
	return f, nil
}
