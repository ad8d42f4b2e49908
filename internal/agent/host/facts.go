package host

import (
	"errors"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

const (
	dpkgDir = "var/lib/dpkg"
	// maxSmall bounds small text files: os-release, /proc and /sys entries.
	maxSmall = 64 << 10
)

// readRelease reads os-release(5), in /etc or where that links to.
func readRelease(root string) (map[string]string, error) {
	var b []byte
	var err error
	for _, name := range []string{"etc/os-release", "usr/lib/os-release"} {
		if b, err = readLimited(root, name, maxSmall); err == nil {
			break
		}
	}
	if err != nil {
		return nil, &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot tell which operating system is in {1}", root), Err: err,
			Do: "Name the root directory of a Linux system."}
	}
	fields := map[string]string{}
	for line := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(name, "#") {
			fields[name] = tidy(strings.Trim(value, `"'`), 120)
		}
	}
	if fields["ID"] == "" || !plainWord(fields["ID"]) || !plainWord(fields["VERSION_ID"]) || !plainWord(fields["VERSION_CODENAME"]) {
		return nil, &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot tell which operating system is in {1}", root),
			Why: "its os-release does not name one", Do: "Repair /etc/os-release there."}
	}
	return fields, nil
}

// plainWord reports whether s may become part of a host OS name.
func plainWord(s string) bool {
	return strings.Trim(strings.ToLower(s), "abcdefghijklmnopqrstuvwxyz0123456789._-") == ""
}

// readStatus reads the package database with what dpkg has not merged into it yet.
func readStatus(root string) ([]patch.Package, error) {
	status := filepath.Join(root, dpkgDir, "status")
	what := "cannot read the package database " + status
	var packages []patch.Package
	f, err := openIn(root, dpkgDir+"/status")
	if err == nil {
		defer f.Close()
		packages, err = debian.ParseStatus(f)
	}
	if unread := new(fs.PathError); errors.As(err, &unread) {
		return nil, &patch.Error{Kind: patch.Unavailable, What: phrase.Verbatim(what), Err: cause(err), Do: "Is this the root of a Debian machine? Nothing was judged."}
	}
	if err == nil {
		packages, err = mergeUpdates(root, packages)
	}
	if err == nil {
		packages, err = mergeParts(root, packages)
	}
	if err != nil {
		return nil, &patch.Error{Kind: patch.Invalid, What: phrase.Verbatim(what), Err: err,
			Do: "Nothing was judged, and the last good state stays. Repair it with \"dpkg --audit\" or from /var/lib/dpkg/status-old."}
	}
	return packages, nil
}

// mergeUpdates reads dpkg's updates directory: files whose names are numbers, in order.
func mergeUpdates(root string, packages []patch.Package) ([]patch.Package, error) {
	for _, name := range namesIn(root, dpkgDir+"/updates") {
		if strings.Trim(name, "0123456789") != "" {
			continue
		}
		b, err := readLimited(root, dpkgDir+"/updates/"+name, maxSmall*16)
		if errors.Is(err, fs.ErrNotExist) {
			continue // merged a moment ago
		}
		if err == nil {
			packages, err = debian.ParseStatusUpdate(b, packages)
		}
		if err != nil {
			return nil, patch.Errorf(patch.Invalid, "its pending update %s: %w", name, err)
		}
	}
	return packages, nil
}

// mergeParts reads status.d, where images without a package manager keep one file per package.
func mergeParts(root string, packages []patch.Package) ([]patch.Package, error) {
	for _, name := range namesIn(root, dpkgDir+"/status.d") {
		if strings.HasSuffix(name, ".md5sums") {
			continue
		}
		b, err := readLimited(root, dpkgDir+"/status.d/"+name, maxSmall*16)
		if err == nil {
			packages, err = debian.ParseStatusPart(b, packages)
		}
		if err != nil {
			return nil, patch.Errorf(patch.Invalid, "its part %s: %w", name, err)
		}
	}
	return packages, nil
}

// nativeArch is what `dpkg --print-architecture` says, from files: dpkg's own record, else the architecture of dpkg itself.
func nativeArch(root string, packages []patch.Package) (string, error) {
	if b, err := readLimited(root, dpkgDir+"/arch", maxSmall); err == nil {
		first, _, _ := strings.Cut(string(b), "\n")
		if first = strings.TrimSpace(first); debian.ValidArch(first) {
			return first, nil
		}
	}
	for _, name := range []string{"dpkg", "libc6", "base-files"} {
		i := slices.IndexFunc(packages, func(p patch.Package) bool { return p.Name == name && p.Arch != "all" })
		if i >= 0 {
			return packages[i].Arch, nil
		}
	}
	return "", noArch(root, "its package database names neither dpkg nor libc6")
}

func noArch(root, why string) error {
	return &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot tell the architecture of the machine in {1}", root), Why: phrase.Verbatim(why), Do: "Nothing was judged."}
}

// isMissing reports whether a file is not there, nor what would have to be above it.
func isMissing(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// cause gives the reason of a file error without the path, which the sentence around it names.
func cause(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}
