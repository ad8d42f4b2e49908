package lab

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// RootSpec says what a root holds. Roots with the same spec are made once and kept.
type RootSpec struct {
	Release string   // "bookworm"
	Variant string   // mmdebstrap's: "apt", "standard"; empty means apt
	Include []string // further packages
}

// Small is a root as the demo and the end-to-end tests use it: few packages, and some of them with patches to come.
func Small(release string) RootSpec {
	return RootSpec{Release: release, Include: []string{"ca-certificates", "curl", "libxml2", "openssl", "perl", "python3", "sudo", "vim-tiny", "xz-utils"}}
}

// MakeRoot makes a Debian root of the release alone, without its security and updates suites, so that real patches are missing.
// It gives the folder of the kept, never changed root inside cache; machines put an overlay over it.
// Two callers at once make it once.
func MakeRoot(ctx context.Context, cache string, archive Archive, spec RootSpec) (string, error) {
	if spec.Variant == "" {
		spec.Variant = "apt"
	}
	spec.Include = append([]string{"mount"}, spec.Include...) // a machine unmounts its host with its own umount
	sum := sha256.Sum256([]byte(spec.Variant + "\n" + strings.Join(spec.Include, "\n")))
	dir := filepath.Join(cache, spec.Release+"-"+hex.EncodeToString(sum[:6]))
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	unlock, err := lockFile(dir + ".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(filepath.Join(dir, "var/lib/dpkg/status")); err == nil {
		return dir, nil
	}
	source, err := archive.Suite(spec.Release)
	if err != nil {
		return "", err
	}
	if _, err := exec.LookPath("mmdebstrap"); err != nil {
		return "", errors.New("mmdebstrap is missing: run apt-get install mmdebstrap")
	}
	part := dir + ".part"
	if err := os.RemoveAll(part); err != nil {
		return "", err
	}
	args := []string{"--quiet", "--variant=" + spec.Variant, "--include=" + strings.Join(spec.Include, ",")}
	if archive.IgnoreExpiry {
		args = append(args, `--aptopt=Acquire::Check-Valid-Until "false"`)
	}
	out, err := exec.CommandContext(ctx, "mmdebstrap", append(args, spec.Release, part, source.Line())...).CombinedOutput()
	if err != nil {
		_ = os.RemoveAll(part)
		return "", fmt.Errorf("mmdebstrap cannot make a %s root: %w: %s", spec.Release, err, lastLines(string(out), 5))
	}
	return dir, os.Rename(part, dir)
}

func lockFile(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { _ = f.Close() }, nil
}

func lastLines(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "; ")
}

// CacheDir is where roots are kept between runs: $FETTLE_LAB, else a folder in the user's cache.
func CacheDir() string {
	if d := os.Getenv("FETTLE_LAB"); d != "" {
		return d
	}
	d, err := os.UserCacheDir()
	if err != nil {
		d = os.TempDir()
	}
	return filepath.Join(d, "fettle-lab")
}
