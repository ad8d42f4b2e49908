package debian

import (
	"fmt"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

const (
	maxName    = 128
	maxVersion = 256
)

// ValidName says whether s may be the name of a package: lower-case letters, digits and + - . only, two characters or more, the
// first a letter or digit (Debian policy 5.6.1). Nothing that starts with a dash or holds a slash, a blank or a quote passes.
func ValidName(s string) bool {
	return len(s) >= 2 && len(s) <= maxName && lowerDigit(s[0]) && madeOf(s, "+-.")
}

// ValidArch says whether s may be an architecture: "amd64", "all", "kfreebsd-amd64".
func ValidArch(s string) bool {
	return s != "" && len(s) <= 32 && lowerDigit(s[0]) && madeOf(s, "-")
}

func lowerDigit(c byte) bool { return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' }

// madeOf reports whether s holds nothing but lower-case letters, digits and what more names.
func madeOf(s, more string) bool {
	for i := range len(s) {
		if !lowerDigit(s[i]) && strings.IndexByte(more, s[i]) < 0 {
			return false
		}
	}
	return true
}

// ValidVersion says whether s is a version that dpkg accepts and that is short enough to be one.
func ValidVersion(s string) bool { return len(s) <= maxVersion && version.DpkgValid(s) == nil }

// ValidSuite says whether s may be a suite's name and a part of a path: "bookworm-security", "stable/updates".
func ValidSuite(s string) bool {
	if s == "" || len(s) > maxName {
		return false
	}
	for part := range strings.SplitSeq(s, "/") {
		if part == "" || part[0] == '.' || part[0] == '-' || !madeOf(strings.ToLower(part), "+-._~") {
			return false
		}
	}
	return true
}

// fault is an error about bytes that are no valid Debian data.
func fault(format string, args ...any) error {
	return patch.Errorf(patch.Invalid, format, args...)
}

// short shows hostile text on one line and bounded.
func short[T string | []byte](s T) string {
	if len(s) > 60 {
		s = s[:60]
	}
	return fmt.Sprintf("%q", string(s))
}
