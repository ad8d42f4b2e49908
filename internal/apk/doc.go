// Package apk owns Alpine's file formats: the database of installed packages, repository indexes with their signatures, and the
// security database. It knows no feed, no catalog and no policy, and starts no programs.
//
// Every reader is bounded in bytes, entries and growth. A database of installed packages is read whole or not at all; in an index or
// a security database what cannot be understood is kept and marked, and the rest is read.
package apk

import (
	"strconv"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Limits. Alpine's largest repository has under 30,000 packages, 15 MB of index text and a security database of 1 MB.
const (
	MaxInstalled = 48 << 20 // bytes of lib/apk/db/installed
	MaxIndex     = 16 << 20 // bytes of a packed index
	MaxSecDB     = 8 << 20  // bytes of a security database

	maxIndexText = 96 << 20 // bytes of an unpacked index, which is read as a stream
	maxKept      = 12 << 20 // bytes of an index that are kept: names, versions, provides
	maxPackages  = 100_000
	maxLine      = 1 << 20
	maxName      = 128
)

// Package is one package, installed or on offer.
type Package struct {
	Name    string
	Version string
	Arch    string
	// Origin is the source package; the package's own name where the database names none.
	Origin   string
	Provides []string // "so:libcrypto.so.3=3", "cmd:openssl=3.3.2-r1", other names
	Built    int64    // Unix time; 0 where it is not given
	// Broken: apk could not unpack all of its files or its script failed.
	Broken bool
}

// ValidName reports whether s can be the name of a package or of a source package: letters, digits and + - . _, not first a sign.
func ValidName(s string) bool {
	for i := range len(s) {
		c := s[i]
		plain := c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '_'
		if !plain && (i == 0 || c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return s != "" && len(s) <= maxName
}

func fault(format string, args ...any) error {
	return &patch.Error{Kind: patch.Invalid, What: phrase.Format(format, args...)}
}

// short shows hostile text on one line and bounded.
func short(s string) string {
	if len(s) > 60 {
		return strconv.QuoteToASCII(s[:60]) + "…"
	}
	return strconv.QuoteToASCII(s)
}
