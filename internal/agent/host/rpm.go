package host

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/rpmdb"
)

// Rpm installs verified .rpm files with rpm itself. rpm has no solver, no repositories and no network: a transaction is exactly the files
// that it is given, and whatever else it would take is an error that names it.
type Rpm struct {
	Dir      string        // private directory for links to packages, logs of transactions and guards; mode 0700
	Root     string        // the machine; "/" for the live one
	LockWait time.Duration // how long another program may hold rpm's lock before an item fails with its name
	Watch    Watch         // over the packages' scripts
	Log      *slog.Logger
}

// WithWatch sets the watch over the packages' scripts.
func (r *Rpm) WithWatch(w Watch) { r.Watch = w }

// Stage makes the private folder of an order anew: the verified files under their hashes.
func (r *Rpm) Stage(_ context.Context, files []Staged) error {
	err := os.RemoveAll(r.repo())
	if err == nil {
		err = os.MkdirAll(r.repo(), 0o700)
	}
	for _, f := range files {
		if err == nil {
			err = CheckRPM(f.PlanPackage)
		}
		if err == nil {
			err = os.Link(f.Path, r.path(f.PlanPackage))
		}
	}
	if err != nil {
		return &Failure{Cause: stageCause(err), Text: "cannot prepare the verified packages for rpm: " + err.Error()}
	}
	return nil
}

func (r *Rpm) repo() string { return filepath.Join(r.Dir, "repo") }
func (r *Rpm) path(p patch.PlanPackage) string {
	return filepath.Join(r.repo(), string(p.SHA256)+".rpm")
}
func (r *Rpm) guardPath(attempt string) string { return filepath.Join(r.Dir, "guard-"+attempt) }
func (r *Rpm) logPath(attempt string) string   { return filepath.Join(r.Dir, "run-"+attempt+".log") }

// Await waits until nobody holds rpm's or dnf's lock, at most for a while, and tells who does meanwhile.
func (r *Rpm) Await(ctx context.Context, wait time.Duration, tell func(holder string)) error {
	return awaitFree(ctx, wait, r.Holder, tell)
}

// Run installs a transaction: first what updates, then kernels and their like, which are installed beside the older ones. What it did to
// the packages is for the caller to read from the package database. Once begun it is never ended from outside by ctx.
func (r *Rpm) Run(ctx context.Context, t Transaction) (string, error) {
	if len(t.Changes) == 0 {
		return "", nil // all of it came with an earlier one
	}
	if err := r.Await(ctx, briefly(r.LockWait), nil); err != nil {
		return "", err
	}
	updates, beside, err := r.files(t)
	if err != nil {
		return "", asFailure(err)
	}
	return r.logged(ctx, t.Attempt, func(out io.Writer, keep *os.File) error {
		return r.install(ctx, out, keep, updates, beside, backArgs(slices.Concat(t.Want, t.Along))...)
	})
}

// install starts rpm for each group that is not empty.
func (r *Rpm) install(ctx context.Context, out io.Writer, keep *os.File, updates, beside []string, more ...string) error {
	ctx = context.WithoutCancel(ctx)
	if len(updates) > 0 {
		if err := runWatched(rpm(ctx, rpmArgs(r.Root, "--upgrade", updates, more...)...), out, keep, &r.Watch); err != nil {
			return err
		}
	}
	if len(beside) > 0 {
		return runWatched(rpm(ctx, rpmArgs(r.Root, "--install", beside, more...)...), out, keep, &r.Watch)
	}
	return nil
}

// files gives the paths of what a transaction changes, each hashed once more.
func (r *Rpm) files(t Transaction) (updates, beside []string, err error) {
	for _, p := range append(t.Want[:len(t.Want):len(t.Want)], t.Along...) {
		if !t.changes(p) {
			continue
		}
		if err := CheckFile(r.path(p), p.Size, p.SHA256); err != nil {
			return nil, nil, err
		}
		if p.Beside {
			beside = append(beside, r.path(p))
		} else {
			updates = append(updates, r.path(p))
		}
	}
	return updates, beside, nil
}

func (t Transaction) changes(p patch.PlanPackage) bool {
	for _, c := range t.Changes {
		if c.Name == p.Name && c.Arch == p.Arch && c.To == p.Version {
			return true
		}
	}
	return false
}

// logged runs one execution of an attempt under its guard. rpm writes into a file of its own and not to us: it goes on undisturbed when
// the agent is killed, and the file shows afterwards how far it came.
func (r *Rpm) logged(_ context.Context, attempt string, do func(out io.Writer, keep *os.File) error) (string, error) {
	if !ValidAttempt(attempt) {
		return "", &Failure{Cause: patch.FailUntrusted, Text: fmt.Sprintf("%.80q is not an attempt's name", attempt)}
	}
	keep, err := openGuard(r.guardPath(attempt))
	if err != nil {
		return "", asFailure(err)
	}
	defer keep.Close()
	out, err := os.OpenFile(r.logPath(attempt), os.O_RDWR|os.O_CREATE|os.O_APPEND|noFollow, 0o600)
	if err != nil {
		return "", asFailure(err)
	}
	defer out.Close()
	err = do(out, keep)
	log := r.readLog(attempt)
	if err != nil {
		return log, classifyRPM([]byte(log), err)
	}
	return log, nil
}

func (r *Rpm) readLog(attempt string) string {
	f, err := os.Open(r.logPath(attempt))
	if err != nil {
		return ""
	}
	defer f.Close()
	var t tail
	_, _ = io.Copy(&t, f)
	return t.String()
}

// Recover finishes an attempt that was interrupted. An rpm that was killed leaves files half written, old versions beside new ones, and
// scripts that never ran, and its database tells of none of these but the second: so whatever had begun is installed once more, as a whole, from
// the kept verified files. It may be called again.
func (r *Rpm) Recover(ctx context.Context, attempt string, undone func(begun bool) ([]Staged, error)) (string, error) {
	if err := awaitGuard(ctx, r.LockWait, r.guardPath(attempt)); err != nil {
		return "", err
	}
	if err := r.Await(ctx, r.LockWait, nil); err != nil {
		return "", err
	}
	files, err := undone(hasBegun(r.readLog(attempt)))
	if err != nil || len(files) == 0 {
		return r.readLog(attempt), errOrNil(err)
	}
	var updates, beside []string
	for _, f := range files {
		if err := CheckFile(f.Path, f.Size, f.SHA256); err != nil {
			return "", asFailure(err)
		}
		if f.Beside {
			beside = append(beside, f.Path)
		} else {
			updates = append(updates, f.Path)
		}
	}
	log, err := r.logged(ctx, attempt, func(out io.Writer, keep *os.File) error {
		again := append([]string{"--replacepkgs", "--replacefiles"}, backArgs(packages(files))...)
		err := r.install(ctx, out, keep, updates, beside, again...)
		if err != nil {
			// rpm marks what it unpacks with the second in which it began: in the same one it stumbles over what was left.
			time.Sleep(time.Second)
			err = r.install(ctx, out, keep, updates, beside, again...)
		}
		return err
	})
	if err == nil {
		err = errOrNil(r.sweep(files))
	}
	return log, err
}

// sweep removes the half-written files of an rpm that was killed: "PATH;68f0a1b2" beside the paths of its packages.
func (r *Rpm) sweep(files []Staged) error {
	for _, s := range files {
		f, err := os.Open(s.Path)
		if err != nil {
			return err
		}
		about, err := rpmdb.ReadPackageFile(bufio.NewReader(f))
		f.Close()
		if err != nil {
			return err
		}
		places := map[string]map[string]bool{}
		for _, path := range about.Files {
			dir, name := filepath.Split(path)
			if places[dir] == nil {
				places[dir] = map[string]bool{}
			}
			places[dir][name] = true
		}
		for dir, names := range places {
			for _, name := range namesIn(r.Root, strings.TrimPrefix(dir, "/")) {
				of, mark, ok := strings.Cut(name, ";")
				if ok && names[of] && len(mark) == 8 && strings.Trim(mark, "0123456789abcdef") == "" {
					os.Remove(filepath.Join(r.Root, dir, name))
				}
			}
		}
	}
	return nil
}

// hasBegun tells by rpm's verbose output whether its checks were over and it was changing the machine: then it names packages.
func hasBegun(log string) bool {
	_, after, _ := strings.Cut(log, "Preparing packages...\n")
	for line := range strings.Lines(after) {
		if !strings.HasPrefix(line, "\t") && !strings.HasPrefix(line, "error: ") {
			return true
		}
	}
	return false
}

func errOrNil(err error) error {
	if err == nil {
		return nil
	}
	return asFailure(err)
}

// Holder names the program that holds rpm's or dnf's lock now; empty where both are free.
func (r *Rpm) Holder() (string, error) {
	for _, dir := range rpmDirs {
		if who, err := lockHolder(filepath.Join(r.Root, dir, ".rpm.lock")); who != "" || err != nil {
			return who, err
		}
	}
	for _, name := range []string{"var/lib/dnf/rpmdb_lock.pid", "run/zypp.pid"} {
		if who := pidFileHolder(filepath.Join(r.Root, name)); who != "" {
			return who, nil
		}
	}
	return "", nil
}

// pidFileHolder names the living process whose number a file holds, as dnf and zypper lock.
func pidFileHolder(path string) string {
	b, err := os.ReadFile(path)
	pid := strings.TrimSpace(string(b[:min(len(b), 20)]))
	if err != nil || pid == "" || strings.Trim(pid, "0123456789") != "" {
		return ""
	}
	if _, err := os.Stat(filepath.Join("/proc", pid)); errors.Is(err, os.ErrNotExist) {
		return "" // left over
	}
	comm, err := os.ReadFile(filepath.Join("/proc", pid, "comm"))
	name := strings.TrimSpace(string(comm))
	if err != nil || !strings.Contains(name, "dnf") && !strings.Contains(name, "yum") && !strings.Contains(name, "zypp") && !strings.Contains(name, "python") && !strings.Contains(name, "ackage") {
		return "" // the number belongs to something else by now
	}
	return fmt.Sprintf("%s (pid %s)", name, pid)
}
