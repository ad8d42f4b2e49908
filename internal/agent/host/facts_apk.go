package host

import (
	"errors"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/fettle-project/fettle/internal/apk"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

const (
	apkInstalled = "lib/apk/db/installed"
	apkWorld     = "etc/apk/world"
	apkArchFile  = "etc/apk/arch"
)

func hasAPK(root string) bool { return isFile(root, apkInstalled) }

// readAPK reads Alpine's database; a package that the world file pins to a version is held.
func readAPK(root string) ([]patch.Package, error) {
	what := "cannot read the package database " + filepath.Join(root, apkInstalled)
	b, err := readLimited(root, apkInstalled, apk.MaxInstalled)
	if err != nil {
		return nil, &patch.Error{Kind: patch.Unavailable, What: phrase.Verbatim(what), Err: cause(err), Do: "Is this the root of an Alpine machine? Nothing was judged."}
	}
	world, err := readLimited(root, apkWorld, maxSmall*16)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot read which packages {1} pins", filepath.Join(root, apkWorld)),
			Err: cause(err), Do: "Nothing was judged."}
	}
	installed, err := apk.ParseInstalled(b)
	if err != nil {
		return nil, &patch.Error{Kind: patch.Invalid, What: phrase.Verbatim(what), Err: err,
			Do: "Nothing was judged, and the last good state stays. Repair it with \"apk fix\" there."}
	}
	return apk.Facts(installed, apk.ParseWorld(world)), nil
}

// apkArch is what `apk --print-arch` says, from files: apk's own record, else the architecture of the packages every Alpine has.
func apkArch(root string, packages []patch.Package) (string, error) {
	if b, err := readLimited(root, apkArchFile, maxSmall); err == nil {
		first, _, _ := strings.Cut(string(b), "\n")
		if first = strings.TrimSpace(first); apk.ValidName(first) {
			return first, nil
		}
	}
	for _, p := range packages {
		if (p.Name == "apk-tools" || p.Name == "musl" || p.Name == "alpine-baselayout") && p.Arch != "noarch" && apk.ValidName(p.Arch) {
			return p.Arch, nil
		}
	}
	return "", &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot tell the architecture of the machine in {1}", root),
		Why: "its package database names neither apk-tools nor musl", Do: "Nothing was judged."}
}
