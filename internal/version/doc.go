// Package version orders version strings by the rules of those who made them: dpkg, rpm, apk, Windows, winget, macOS and semantic
// versions. It knows no package, no suite and no policy.
//
// A string that is no version of its scheme is an error and never equal, older or newer than anything: an answer guessed from
// garbage would mark a machine as patched.
package version

import (
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// Scheme names a rule of ordering.
type Scheme string

const (
	Dpkg    Scheme = "dpkg"    // deb-version(7)
	RPM     Scheme = "rpm"     // rpm-version(7)
	APK     Scheme = "apk"     // apk-package(5), version grammar of apk-tools 3
	Windows Scheme = "windows" // 1 to 4 numbers as in VS_FIXEDFILEINFO; missing ones are 0
	Winget  Scheme = "winget"  // any text; numbers with text after them between dots, as Windows' package manager orders them
	Semver  Scheme = "semver"  // Semantic Versioning 2.0.0
	MacOS   Scheme = "macos"   // product versions as 14.4.1, or builds as 23E224
)

// Schemes lists all of them, in the order in which help texts show them.
func Schemes() []Scheme { return []Scheme{Dpkg, RPM, APK, Windows, Winget, Semver, MacOS} }

// Names is what a person may write for a scheme, separated by sep.
func Names(sep string) string {
	var names []string
	for _, s := range Schemes() {
		names = append(names, string(s))
	}
	return strings.Join(names, sep)
}

// Compare returns -1, 0 or 1 as a is older than, equal to or newer than b. It fails where either is no version of the scheme, or
// where the scheme has no order between the two.
func Compare(scheme Scheme, a, b string) (int, error) {
	valid, compare, err := rules(scheme)
	if err != nil {
		return 0, err
	}
	for _, s := range [2]string{a, b} {
		if err := valid(s); err != nil {
			return 0, err
		}
	}
	if scheme == MacOS {
		if err := macosAlike(a, b); err != nil {
			return 0, err
		}
	}
	return compare(a, b), nil
}

func rules(scheme Scheme) (valid func(string) error, compare func(a, b string) int, err error) {
	switch scheme {
	case Dpkg:
		return DpkgValid, DpkgCompare, nil
	case RPM:
		return rpmValid, rpmCompare, nil
	case APK:
		return apkValid, apkCompare, nil
	case Windows:
		return windowsValid, windowsCompare, nil
	case Semver:
		return semverValid, semverCompare, nil
	case Winget:
		return wingetValid, wingetCompare, nil
	case MacOS:
		return macosValid, macosCompare, nil
	}
	return nil, nil, &patch.Error{
		Kind: patch.Invalid,
		What: phrase.Of("no version scheme is called {1}", quote(string(scheme))),
		Do:   phrase.Of("Use one of {1}.", Names(", ")),
	}
}

func invalid(scheme Scheme, s, why string) error {
	return &patch.Error{Kind: patch.Invalid, What: phrase.Of("{1} is not a valid {2} version", quote(s), string(scheme)), Why: phrase.Verbatim(why)}
}
