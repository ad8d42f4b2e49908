// Package version orders version strings by the rules of the package managers that made them: dpkg, rpm, apk, Windows and
// semantic versions. It knows no package, no suite and no policy.
//
// A string that is no version of its scheme is an error and never equal, older or newer than anything: an answer guessed from
// garbage would mark a machine as patched.
package version

import "github.com/fettle-project/fettle/internal/patch"

// Scheme names a rule of ordering.
type Scheme string

const (
	Dpkg    Scheme = "dpkg"    // deb-version(7)
	RPM     Scheme = "rpm"     // rpm-version(7)
	APK     Scheme = "apk"     // apk-package(5), version grammar of apk-tools 3
	Windows Scheme = "windows" // 1 to 4 numbers as in VS_FIXEDFILEINFO; missing ones are 0
	Semver  Scheme = "semver"  // Semantic Versioning 2.0.0
)

// Schemes lists all of them, in the order in which help texts show them.
func Schemes() []Scheme { return []Scheme{Dpkg, RPM, APK, Windows, Semver} }

// Compare returns -1, 0 or 1 as a is older than, equal to or newer than b. It fails where either is no version of the scheme.
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
	}
	return nil, nil, &patch.Error{
		Kind: patch.Invalid,
		What: "no version scheme is called " + quote(string(scheme)),
		Do:   "Use one of dpkg, rpm, apk, windows, semver.",
	}
}

func invalid(scheme Scheme, s, why string) error {
	return &patch.Error{Kind: patch.Invalid, What: quote(s) + " is no " + string(scheme) + " version", Why: why}
}
