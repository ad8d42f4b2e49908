package host

import (
	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// CheckPackage holds a package from an order against Debian's grammar of names, architectures and versions and the limits of sizes.
// What passes contains no byte that apt, dpkg or a path could understand as anything but a name.
func CheckPackage(p patch.PlanPackage) error {
	switch {
	case !debian.ValidName(p.Name):
		return patch.Errorf(patch.Invalid, "%q is not a package name", clip(p.Name))
	case !debian.ValidArch(p.Arch):
		return patch.Errorf(patch.Invalid, "%q is not an architecture (of package %s)", clip(p.Arch), p.Name)
	case !debian.ValidVersion(p.Version):
		return patch.Errorf(patch.Invalid, "%q is not a version (of package %s)", clip(p.Version), p.Name)
	case p.From != "" && !debian.ValidVersion(p.From):
		return patch.Errorf(patch.Invalid, "%q is not a version (of package %s)", clip(p.From), p.Name)
	}
	if err := checkBack(p, version.DpkgCompare); err != nil {
		return err
	}
	return checkBytes(p)
}

// checkBack holds a package that goes back against what that means: from a version to an older one, and nothing else.
func checkBack(p patch.PlanPackage, compare func(a, b string) int) error {
	if p.Back && (p.From == "" || p.Beside || len(p.Replaces) > 0 || p.Setup != nil || compare(p.Version, p.From) >= 0) {
		return patch.Errorf(patch.Invalid, "package %s cannot go back from %q to %s", p.Name, p.From, p.Version)
	}
	return nil
}

// checkBytes holds what an order says of a package's file against its limits.
func checkBytes(p patch.PlanPackage) error {
	switch {
	case !p.SHA256.Valid():
		return patch.Errorf(patch.Invalid, "package %s has no valid SHA-256", p.Name)
	case p.Size <= 0 || p.Size > maxPackage:
		return patch.Errorf(patch.Invalid, "package %s cannot have %d bytes", p.Name, p.Size)
	}
	return nil
}

// maxPackage bounds one package file in bytes.
const maxPackage = 4 << 30

func clip(s string) string { return s[:min(len(s), 80)] }
