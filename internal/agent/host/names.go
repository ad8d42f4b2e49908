package host

import (
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
)

// CheckPackage holds a package from an order against Debian's grammar of names, architectures and versions and the limits of sizes.
// What passes contains no byte that apt, dpkg or a path could understand as anything but a name.
func CheckPackage(p patch.PlanPackage) error {
	switch {
	case !validName(p.Name):
		return patch.Errorf(patch.Invalid, "%q is not a package name", clip(p.Name))
	case !validArch(p.Arch):
		return patch.Errorf(patch.Invalid, "%q is not an architecture (of package %s)", clip(p.Arch), p.Name)
	case !validVersion(p.Version):
		return patch.Errorf(patch.Invalid, "%q is not a version (of package %s)", clip(p.Version), p.Name)
	case p.From != "" && !validVersion(p.From):
		return patch.Errorf(patch.Invalid, "%q is not a version (of package %s)", clip(p.From), p.Name)
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

// validName is policy 5.6.1: two or more of a-z 0-9 + - . beginning with an alphanumeric.
func validName(s string) bool {
	return len(s) >= 2 && len(s) <= 128 && alnum(s[0]) && onlyOf(s, "+-.")
}

func validArch(s string) bool {
	return len(s) >= 2 && len(s) <= 32 && alnum(s[0]) && onlyOf(s, "-")
}

// validVersion is policy 5.6.12: [epoch:]upstream[-revision], where the upstream part begins with a digit.
func validVersion(s string) bool {
	if s == "" || len(s) > 128 {
		return false
	}
	if epoch, rest, ok := strings.Cut(s, ":"); ok {
		if epoch == "" || strings.Trim(epoch, "0123456789") != "" {
			return false
		}
		s = rest
	}
	if s == "" || s[0] < '0' || s[0] > '9' {
		return false
	}
	for _, c := range []byte(s) {
		if !(alnum(c) || c >= 'A' && c <= 'Z' || strings.IndexByte(".+-:~", c) >= 0) {
			return false
		}
	}
	return true
}

func alnum(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }

func onlyOf(s, more string) bool {
	for _, c := range []byte(s) {
		if !alnum(c) && strings.IndexByte(more, c) < 0 {
			return false
		}
	}
	return true
}
