package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
)

// dpkgLocks are the locks that dpkg and its front ends take, outermost first.
func dpkgLocks() []string {
	return []string{"/var/lib/dpkg/lock-frontend", "/var/lib/dpkg/lock"}
}

// lockHolder names the process that holds a POSIX lock on a file: "unattended-upgr (pid 123)". It is empty where the file is free or missing.
func lockHolder(path string) (string, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	defer f.Close()
	pid, held, err := posixHolder(f)
	if err != nil {
		return "", fmt.Errorf("cannot ask who holds %s: %w", path, err)
	}
	if !held {
		return "", nil
	}
	return processName(pid), nil
}

func processName(pid int) string {
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "comm"))
	name := strings.TrimSpace(string(b))
	if err != nil || name == "" {
		return fmt.Sprintf("a program that this machine cannot see (pid %d)", pid)
	}
	return fmt.Sprintf("%s (pid %d)", name, pid)
}

// awaitDpkg waits until nobody holds dpkg's locks, at most for LockWait. It never removes a lock and never ends the holder.
func (a *Apt) awaitDpkg(ctx context.Context) error {
	return awaitFree(ctx, a.LockWait, func() (string, error) {
		for _, path := range dpkgLocks() {
			if holder, err := lockHolder(path); holder != "" || err != nil {
				return holder, err
			}
		}
		return "", nil
	})
}

// awaitFree asks for the holder until there is none. When the time is over, the Failure names the last one seen.
func awaitFree(ctx context.Context, wait time.Duration, holder func() (string, error)) error {
	deadline := time.Now().Add(wait)
	for {
		who, err := holder()
		if err != nil {
			return &Failure{Cause: patch.FailLock, Text: "cannot tell whether the package manager is busy: " + err.Error()}
		}
		if who == "" {
			return nil
		}
		if time.Now().After(deadline) {
			return &Failure{Cause: patch.FailLock, Text: fmt.Sprintf("busy: %s has held the package manager's lock for more than %s; it was left alone", who, wait)}
		}
		select {
		case <-ctx.Done():
			return &Failure{Cause: patch.FailLock, Text: "busy: " + who + " holds the package manager's lock, and the agent was stopped while it waited"}
		case <-time.After(min(500*time.Millisecond, wait/4+time.Millisecond)):
		}
	}
}

// guard is an flock that everything started for one attempt inherits. It is free again only when the last of these processes has
// ended: a killed dpkg leaves its maintainer script running, and that script holds the guard though dpkg's own lock is gone.
func (a *Apt) guard(attempt string) (*os.File, error) {
	f, err := os.OpenFile(a.guardPath(attempt), os.O_RDWR|os.O_CREATE|noFollow, 0o600)
	if err != nil {
		return nil, err
	}
	if err := LockFile(f); err != nil {
		f.Close()
		return nil, &Failure{Cause: patch.FailLock, Text: "busy: a program that an earlier try of this attempt started still runs"}
	}
	return f, nil
}

func (a *Apt) guardPath(attempt string) string {
	return filepath.Join(a.Dir, "guard-"+attempt)
}

// awaitGuard waits until nothing that this attempt started is left.
func (a *Apt) awaitGuard(ctx context.Context, attempt string) error {
	path := a.guardPath(attempt)
	return awaitFree(ctx, a.LockWait, func() (string, error) {
		f, err := os.Open(path)
		if errors.Is(err, os.ErrNotExist) {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		defer f.Close()
		if LockFile(f) == nil {
			return "", nil
		}
		return openedBy(path), nil
	})
}

// openedBy names a process that has path open.
func openedBy(path string) string {
	procs, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range procs {
		pid, _ := strconv.Atoi(filepath.Base(p))
		if pid == os.Getpid() {
			continue
		}
		fds, _ := filepath.Glob(p + "/fd/*")
		for _, fd := range fds {
			if to, err := os.Readlink(fd); err == nil && to == path {
				return processName(pid)
			}
		}
	}
	return "a program that the interrupted installation started"
}
