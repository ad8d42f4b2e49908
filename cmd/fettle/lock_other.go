//go:build !unix

package main

import (
	"errors"
	"os"
)

var errLocked = errors.New("another process holds it")

// lock only opens the file: the appliance does not run here.
func lock(path string, _ bool) (*os.File, error) {
	return os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
}
