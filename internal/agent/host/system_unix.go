//go:build unix

package host

import (
	"errors"
	"os"
	"syscall"
)

// noFollow refuses to open a symbolic link.
const noFollow = syscall.O_NOFOLLOW

// withoutWaiting opens a terminal that may be stopped, and does not take it as the agent's own.
const withoutWaiting = syscall.O_NONBLOCK | syscall.O_NOCTTY

// ownSession keeps a signal to the agent's terminal or process group away from the package manager.
func ownSession() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// LockFile takes an flock on f without waiting; it is shared by everything that inherits f.
func LockFile(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}

// askToEnd sends a process the signal to end, or ends it.
func askToEnd(pid int, now bool) {
	sig := syscall.SIGTERM
	if now {
		sig = syscall.SIGKILL
	}
	_ = syscall.Kill(pid, sig) // it may be gone
}

// posixHolder gives the process that holds a POSIX lock on f; held is false where nobody does.
func posixHolder(f *os.File) (pid int, held bool, err error) {
	lk := syscall.Flock_t{Type: syscall.F_WRLCK}
	err = syscall.FcntlFlock(f.Fd(), syscall.F_GETLK, &lk)
	return int(lk.Pid), err == nil && lk.Type != syscall.F_UNLCK, err
}

// freeBytes is what an unprivileged writer would still have at path.
func freeBytes(path string) (uint64, error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(path, &st); err != nil {
		return 0, err
	}
	if st.Blocks == 0 {
		return 0, errors.New("its file system does not say how large it is") // FUSE, where the program behind it keeps no count
	}
	return uint64(st.Bavail) * uint64(st.Bsize), nil
}

// deviceOf tells one file system from another.
func deviceOf(path string) (uint64, error) {
	var st syscall.Stat_t
	if err := syscall.Stat(path, &st); err != nil {
		return 0, err
	}
	return uint64(st.Dev), nil
}

// IsFull reports whether an error says that a file system has no room.
func IsFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
