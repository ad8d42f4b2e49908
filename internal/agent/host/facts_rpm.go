package host

import (
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/rpmdb"
)

// rpmDirs are the places of rpm's database, the newer first: where both are there, the older is a link to the newer or left over.
var rpmDirs = [...]string{"usr/lib/sysimage/rpm", "var/lib/rpm", "usr/share/rpm"}

func hasRPM(root string) bool {
	for _, dir := range rpmDirs {
		for _, name := range []string{"rpmdb.sqlite", "Packages.db", "Packages"} {
			if isFile(root, dir+"/"+name) {
				return true
			}
		}
	}
	return false
}

// readRPM reads rpm's database, wherever the system keeps it.
func readRPM(root string) ([]patch.Package, error) {
	for _, dir := range rpmDirs {
		packages, err := rpmdb.Read(func(name string) (rpmdb.File, error) {
			f, err := openIn(root, dir+"/"+name)
			if err != nil {
				return nil, err
			}
			return f, nil
		})
		switch {
		case err == nil:
			return packages, holdPackages(root, packages)
		case patch.KindOf(err) == patch.NotFound || isMissing(err):
			continue
		}
		kind := patch.KindOf(err)
		if kind == patch.Internal {
			kind = patch.Unavailable
		}
		return nil, &patch.Error{Kind: kind, What: phrase.Of("cannot read the package database {1}", filepath.Join(root, dir)), Err: err,
			Do: "Nothing was judged, and the last good state stays. Where it is damaged, \"rpm --rebuilddb\" repairs it."}
	}
	return nil, &patch.Error{Kind: patch.Unavailable, What: phrase.Of("cannot read the package database {1}", filepath.Join(root, rpmDirs[1])),
		Err: fs.ErrNotExist, Do: "Is this the root of a machine that is kept with rpm? Nothing was judged."}
}

// rpmArch is dnf's base architecture, from the packages: that of rpm itself, else that of most.
func rpmArch(root string, packages []patch.Package) (string, error) {
	arch, err := commonArch(root, packages, "rpm", "noarch", "(none)", "src")
	return baseArch(arch), err
}

// baseArch is the architecture under which a vendor files packages of another one.
func baseArch(arch string) string {
	switch arch {
	case "i486", "i586", "i686", "athlon", "geode":
		return "i386"
	case "armv7hl", "armv7hnl":
		return "armhfp"
	}
	return arch
}

// commonArch is the architecture of one package, where it is there, else that of most; not counting words that stand for every one.
func commonArch(root string, packages []patch.Package, name string, every ...string) (string, error) {
	counts := map[string]int{}
	var arches []string
	for _, p := range packages {
		if p.Arch == "" || !plainWord(p.Arch) || slices.Contains(every, p.Arch) {
			continue
		}
		if p.Name == name {
			return p.Arch, nil
		}
		if counts[p.Arch]++; counts[p.Arch] == 1 {
			arches = append(arches, p.Arch)
		}
	}
	if len(arches) == 0 {
		return "", noArch(root, "its package database names no package of any architecture")
	}
	slices.SortFunc(arches, strings.Compare)
	return slices.MaxFunc(arches, func(a, b string) int { return counts[a] - counts[b] }), nil
}
