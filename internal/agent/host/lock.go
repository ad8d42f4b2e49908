package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
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

// Holder names the program that holds dpkg's locks now; empty where nobody does.
func (a *Apt) Holder() (string, error) {
	for _, path := range dpkgLocks() {
		if holder, err := lockHolder(path); holder != "" || err != nil {
			return holder, err
		}
	}
	return "", nil
}

// Await waits until nobody holds dpkg's locks, at most for a while, and tells who does meanwhile. It never removes a lock and never ends the holder.
func (a *Apt) Await(ctx context.Context, wait time.Duration, tell func(holder string)) error {
	return awaitFree(ctx, wait, a.Holder, tell)
}

// briefly is how long is waited for a lock right before an installation, once more: it comes out of the reserve that its window was left with.
func briefly(wait time.Duration) time.Duration { return min(wait, patch.InstallReserve) }

// awaitFree asks for the holder until there is none. When the time is over, the Failure names the last one seen.
func awaitFree(ctx context.Context, wait time.Duration, holder func() (string, error), tell func(holder string)) error {
	deadline := time.Now().Add(wait)
	for {
		who, err := holder()
		if err != nil {
			return &Failure{Cause: patch.FailLock, Untouched: true, Text: "cannot tell whether the package manager is busy: " + err.Error()}
		}
		if who == "" {
			return nil
		}
		if time.Now().After(deadline) {
			return &Failure{Cause: patch.FailLock, Untouched: true, Text: fmt.Sprintf("busy: %s has held the package manager's lock for more than %s; it was left alone", who, wait)}
		}
		if tell != nil {
			tell(who)
		}
		select {
		case <-ctx.Done():
			return &Failure{Cause: patch.FailLock, Untouched: true, Text: "busy: " + who + " holds the package manager's lock, and the agent was stopped while it waited"}
		case <-time.After(min(500*time.Millisecond, wait/4+time.Millisecond)):
		}
	}
}

// guard is an flock that everything started for one attempt inherits. It is free again only when the last of these processes has
// ended: a killed dpkg leaves its maintainer script running, and that script holds the guard though dpkg's own lock is gone.
func (a *Apt) guard(attempt string) (*os.File, error) { return openGuard(a.guardPath(attempt)) }

func (a *Apt) guardPath(attempt string) string {
	return filepath.Join(a.Dir, "guard-"+attempt)
}

func openGuard(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|noFollow, 0o600)
	if err != nil {
		return nil, err
	}
	if err := LockFile(f); err != nil {
		f.Close()
		return nil, &Failure{Cause: patch.FailLock, Untouched: true, Text: "busy: a program that an earlier try of this attempt started still runs"}
	}
	return f, nil
}

// awaitGuard waits until nothing that an attempt started is left. rpm closes descriptors before it runs a script, so a script that
// outlives it is found by its session and by the environment that it inherited.
func awaitGuard(ctx context.Context, wait time.Duration, path string) error {
	return awaitFree(ctx, wait, func() (string, error) {
		f, err := os.Open(path)
		if errors.Is(err, os.ErrNotExist) {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		defer f.Close()
		if LockFile(f) != nil {
			return openedBy(path), nil
		}
		b, err := io.ReadAll(io.LimitReader(f, 20))
		if session := strings.TrimSpace(string(b)); err == nil && session != "" {
			return leftOf(session, guardMark+path), nil
		}
		return "", err
	}, nil)
}

// leftOf names a process of a session that has a variable in its environment. Daemons are in sessions of their own.
func leftOf(session, variable string) string {
	procs, _ := filepath.Glob("/proc/[0-9]*")
	for _, p := range procs {
		if st, ok := statOf(p); !ok || st.session != session || st.state == "Z" {
			continue
		}
		if b, err := os.ReadFile(p + "/environ"); err == nil && slices.Contains(strings.Split(string(b), "\x00"), variable) {
			pid, _ := strconv.Atoi(filepath.Base(p))
			return processName(pid)
		}
	}
	return ""
}

// procStat is what matters of /proc/PID/stat (proc(5)).
type procStat struct{ comm, state, parent, session string }

func statOf(proc string) (procStat, bool) {
	b, err := os.ReadFile(proc + "/stat")
	s := string(b)
	open, end := strings.IndexByte(s, '('), strings.LastIndexByte(s, ')')
	if err != nil || open < 0 || end < open {
		return procStat{}, false
	}
	f := strings.Fields(s[end+1:])
	if len(f) < 4 {
		return procStat{}, false
	}
	return procStat{comm: s[open+1 : end], state: f[0], parent: f[1], session: f[3]}, true
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
