package host

import (
	"regexp"
	"slices"
	"sync"

	"github.com/fettle-project/fettle/internal/patch"
)

// rpmArgs asks rpm to install or update exactly these files, by absolute paths that we chose. Every package must carry a signature that
// verifies with the machine's own keyring, whatever the machine's macros say.
func rpmArgs(root, verb string, paths []string, more ...string) []string {
	args := append([]string{"--root", root, "--define", "_pkgverify_level all", "--define", "_pkgverify_flags 0x0", "--verbose", verb}, more...)
	return append(append(args, "--"), paths...)
}

// checkArgs asks for the verification of one file's digests and signatures.
func checkArgs(root, path string) []string {
	return []string{"--root", root, "--define", "_pkgverify_level all", "--define", "_pkgverify_flags 0x0", "--checksig", "--verbose", "--", path}
}

// backArgs lets an older version replace a newer one where the order says so.
func backArgs(packages []patch.PlanPackage) []string {
	if anyBack(packages) {
		return []string{"--oldpackage"}
	}
	return nil
}

func anyBack(packages []patch.PlanPackage) bool {
	return slices.ContainsFunc(packages, func(p patch.PlanPackage) bool { return p.Back })
}

var (
	rpmName     = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._+-]{0,199}$`) })
	rpmArchWord = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9_]{1,20}$`) })
	rpmVersion  = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(?:[0-9]{1,9}:)?[A-Za-z0-9._+~^]{1,120}-[A-Za-z0-9._+~^]{1,120}$`)
	})
)

// CheckRPM holds a package from an order against the grammar of rpm's names, architectures and versions and the limits of sizes.
func CheckRPM(p patch.PlanPackage) error {
	switch {
	case !rpmName().MatchString(p.Name):
		return patch.Errorf(patch.Invalid, "%q is not a package name", clip(p.Name))
	case !rpmArchWord().MatchString(p.Arch):
		return patch.Errorf(patch.Invalid, "%q is not an architecture (of package %s)", clip(p.Arch), p.Name)
	case !rpmVersion().MatchString(p.Version):
		return patch.Errorf(patch.Invalid, "%q is not a version (of package %s)", clip(p.Version), p.Name)
	case p.From != "" && !rpmVersion().MatchString(p.From):
		return patch.Errorf(patch.Invalid, "%q is not a version (of package %s)", clip(p.From), p.Name)
	}
	for _, q := range p.Replaces {
		if !rpmName().MatchString(q.Name) || !rpmArchWord().MatchString(q.Arch) || !rpmVersion().MatchString(q.Version) {
			return patch.Errorf(patch.Invalid, "%s cannot replace a package %q", p.Name, clip(q.Name))
		}
	}
	if err := checkBack(p, rpmOrder); err != nil {
		return err
	}
	return checkBytes(p)
}
