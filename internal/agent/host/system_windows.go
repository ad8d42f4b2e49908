package host

import (
	"errors"
	"os"
	"syscall"
)

const noFollow = 0

func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }

// LockFile is not needed where the file was opened: Windows has no inherited flock, and package work there has its own answer.
func LockFile(*os.File) error { return nil }

func posixHolder(*os.File) (pid int, held bool, err error) { return 0, false, nil }

func freeBytes(string) (uint64, error) { return 0, errors.ErrUnsupported }

// IsFull reports whether an error says that a file system has no room: ERROR_DISK_FULL or ERROR_HANDLE_DISK_FULL.
func IsFull(err error) bool {
	return errors.Is(err, syscall.Errno(112)) || errors.Is(err, syscall.Errno(39))
}
