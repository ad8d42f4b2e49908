package rpm

import (
	"strings"

	"github.com/fettle-project/fettle/internal/version"
)

// EVR is an rpm version in its three parts.
type EVR struct{ Epoch, Version, Release string }

// String writes epoch:version-release; an epoch of 0 is left out, as rpm does, and so is an empty release.
func (v EVR) String() string {
	s := v.Version
	if v.Epoch != "" && v.Epoch != "0" {
		s = v.Epoch + ":" + s
	}
	if v.Release != "" {
		s += "-" + v.Release
	}
	return s
}

// valid tells whether the parts can be a version: a number as epoch, no colon or dash where it would be read as another part.
func (v EVR) valid() bool {
	return strings.Trim(v.Epoch, "0123456789") == "" && len(v.Epoch) < 10 && v.Version != "" && !strings.ContainsAny(v.Version, ":-") &&
		!strings.ContainsAny(v.Release, ":-") && word(v.Version) != "" && (v.Release == "" || word(v.Release) != "")
}

// ParseEVR splits epoch:version-release.
func ParseEVR(s string) EVR {
	var v EVR
	if epoch, rest, ok := strings.Cut(s, ":"); ok && epoch != "" && strings.Trim(epoch, "0123456789") == "" {
		v.Epoch, s = epoch, rest
	}
	v.Version = s
	if i := strings.LastIndexByte(s, '-'); i >= 0 {
		v.Version, v.Release = s[:i], s[i+1:]
	}
	return v
}

// NEVRA names one build of one package.
type NEVRA struct {
	Name string
	EVR
	Arch string
}

// String writes name-[epoch:]version-release.arch.
func (n NEVRA) String() string { return n.Name + "-" + n.EVR.String() + "." + n.Arch }

// ParseNEVRA reads what String and modulemd write, and file names without ".rpm". ok is false where it is none.
func ParseNEVRA(s string) (n NEVRA, ok bool) {
	dot := strings.LastIndexByte(s, '.')
	if dot < 0 {
		return n, false
	}
	n.Arch, s = s[dot+1:], s[:dot]
	release := strings.LastIndexByte(s, '-')
	if release <= 0 {
		return n, false
	}
	version := strings.LastIndexByte(s[:release], '-')
	if version <= 0 {
		return n, false
	}
	n.Name, n.EVR = s[:version], ParseEVR(s[version+1:])
	return n, n.Arch != "" && n.EVR.valid() && word(n.Name) != ""
}

// compare orders by rpm's rules.
func (v EVR) compare(w EVR) int {
	n, err := version.Compare(version.RPM, v.String(), w.String())
	if err != nil {
		return 0
	}
	return n
}

// after is the next version in rpm's order: a caret sorts after the end of a version and before anything else. Of a version without
// release, that is after all of its releases.
func (v EVR) after() EVR {
	if v.Release != "" {
		v.Release += "^"
	} else {
		v.Version += "^"
	}
	return v
}
