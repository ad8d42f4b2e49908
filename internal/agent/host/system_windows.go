package host

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/windows"
)

const noFollow = 0

func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{} }

// LockFile takes a lock on f without waiting; it ends with the handle.
func LockFile(f *os.File) error {
	return windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &windows.Overlapped{})
}

func askToEnd(int, bool) {}

func posixHolder(*os.File) (pid int, held bool, err error) { return 0, false, nil }

// freeBytes is what this account would still have at path.
func freeBytes(path string) (free uint64, err error) {
	dir, err := windows.UTF16PtrFromString(path)
	if err != nil {
		return 0, err
	}
	return free, windows.GetDiskFreeSpaceEx(dir, &free, nil, nil)
}

func deviceOf(string) (uint64, error) { return 0, errors.ErrUnsupported }

// IsFull reports whether an error says that a file system has no room.
func IsFull(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL)
}
