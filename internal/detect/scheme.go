package detect

import (
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/version"
)

// schemes are the orders of versions by their numbers in the file format.
var schemes = [...]version.Scheme{1: version.Dpkg, 2: version.RPM, 3: version.APK, 4: version.Windows, 5: version.Semver,
	6: version.Winget, 7: version.MacOS}

// scheme is an order of versions, and with it the habits of the package manager that has it.
type scheme byte

const (
	schemeDpkg scheme = 1
	schemeRPM  scheme = 2
	schemeAPK  scheme = 3
)

func schemeOf(name version.Scheme) (scheme, error) {
	for i, n := range schemes {
		if i > 0 && n == name {
			return scheme(i), nil
		}
	}
	return 0, patch.Errorf(patch.Invalid, "cannot compile definitions for versions of the order %q", name)
}

func (s scheme) known() bool { return s > 0 && int(s) < len(schemes) }

// compare orders an installed version and one that a patch brings.
func (s scheme) compare(installed, fixed string) comparison {
	if s == schemeDpkg { // without an error's price for each garbled version
		if version.DpkgValid(installed) != nil || version.DpkgValid(fixed) != nil {
			return garbled
		}
		if version.DpkgCompare(installed, fixed) < 0 {
			return older
		}
		return current
	}
	switch c, err := version.Compare(schemes[s], installed, fixed); {
	case err != nil:
		return garbled
	case c < 0:
		return older
	}
	return current
}

// Architectures as signatures hold them; anything else is the name of one.
const (
	archNative = ""  // the host's own, or of no machine: "all", "noarch"
	archAny    = "*" // every one that is installed
)

// arch gives a rule's architecture as signatures hold it. Where it is left out it is the host's own, except that rpm's advisories then
// mean every one: several architectures of one package are usual there.
func (s scheme) arch(os patch.HostOS, arch string) string {
	native := string(os[strings.LastIndexByte(string(os), '-')+1:])
	switch arch {
	case "":
		if s == schemeRPM {
			return archAny
		}
		return archNative
	case native, "all", "noarch":
		return archNative
	}
	return arch
}

// source names the database that facts about packages come from.
func (s scheme) source() phrase.Phrase {
	switch s {
	case schemeDpkg:
		return phrase.Verbatim("/var/lib/dpkg/status")
	case schemeRPM:
		return "the rpm database"
	case schemeAPK:
		return phrase.Verbatim("/lib/apk/db/installed")
	}
	return "the installed programs"
}

// subject names a package as people of its package manager do.
func (s scheme) subject(name, arch string) string {
	switch {
	case arch == "" || arch == archAny:
		return name
	case s == schemeRPM:
		return name + "." + arch
	}
	return name + ":" + arch
}

// heldCode is the reason code for packages that the administrator keeps from changing.
func (s scheme) heldCode() string {
	if s == schemeRPM {
		return patch.ReasonExcluded
	}
	return patch.ReasonHeld
}

// held words what keeps a package from changing.
func (s scheme) held(h *hit) phrase.Phrase {
	name, has, fixed := h.pkg.Name, h.pkg.Version, h.fixed
	switch s {
	case schemeDpkg:
		return phrase.Of("{1} is held on this machine (apt-mark hold) at {2}, before the patch's {3}", name, has, fixed)
	case schemeRPM:
		return phrase.Of("{1} is excluded or locked on this machine (dnf's exclude or versionlock) at {2}, before the patch's {3}", name, has, fixed)
	case schemeAPK:
		return phrase.Of("{1} is pinned on this machine (/etc/apk/world) at {2}, before the patch's {3}", name, has, fixed)
	}
	return phrase.Of("{1} is held on this machine at {2}, before the patch's {3}", name, has, fixed)
}

// repair words that a package was left half-way, and what a person does about it.
func (s scheme) repair(h *hit) phrase.Phrase {
	const half phrase.Phrase = "the package manager left {1} half-way (at {2}; the patch brings {3})"
	left := phrase.Of(half, h.pkg.Name, h.pkg.Version, h.fixed)
	switch s {
	case schemeDpkg:
		return phrase.Of("{1}: run \"{2}\" and detect again", left, "dpkg --configure -a")
	case schemeAPK:
		return phrase.Of("{1}: run \"{2}\" and detect again", left, "apk fix")
	}
	return phrase.Of("{1}: repair it with the package manager and detect again", left)
}

// schemeOfClass is the scheme of a class of package items.
func schemeOfClass(class string) scheme {
	switch class {
	case classRPM:
		return schemeRPM
	case classAPK:
		return schemeAPK
	}
	return schemeDpkg
}
