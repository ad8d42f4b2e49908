// Package advisory holds what every feed of rpm advisories has to say in the same words: severities, architectures, which rows of an
// advisory are packages that machines have, and which advisory replaces which. It reads no format and judges no machine.
package advisory

import (
	"regexp"
	"strings"
	"sync"

	"github.com/fettle-project/fettle/internal/patch"
)

// AnyStream as a rule's module means that the vendor tells that the fix is for packages of a module but not of which stream.
const AnyStream = "*:*"

// Severity puts a vendor's word into ours. Words that say nothing ("None", "Unspecified") give NotGiven.
func Severity(word string) patch.Severity {
	switch strings.ToLower(word) {
	case "low":
		return patch.Low
	case "moderate", "medium":
		return patch.Medium
	case "important", "high":
		return patch.High
	case "critical":
		return patch.Critical
	}
	return patch.NotGiven
}

// SeverityOfTitle reads the word in front of a title: "Important: openssl security update".
func SeverityOfTitle(title string) patch.Severity {
	word, _, _ := strings.Cut(title, ":")
	return Severity(word)
}

// ModularRelease tells whether a release is that of a package built for a module, as build systems mark it: "1.module_el9.2+1+2".
func ModularRelease(release string) bool { return strings.Contains(release, ".module") }

// NativeArch gives rpm's name of an architecture that may come under Debian's.
func NativeArch(arch string) string {
	switch arch {
	case "amd64":
		return "x86_64"
	case "arm64":
		return "aarch64"
	case "ppc64el":
		return "ppc64le"
	}
	return arch
}

// ArchOf gives the architecture at the end of a host OS, and Prefix what is before it: "almalinux-9".
func ArchOf(os patch.HostOS) string { return string(os[strings.LastIndexByte(string(os), '-')+1:]) }

// Prefix is a host OS without its architecture: the first part of its patches' IDs.
func Prefix(os patch.HostOS) string {
	return strings.TrimSuffix(string(os), "-"+ArchOf(os))
}

// Installable tells whether machines of a native architecture can have a package of this architecture. Empty means any.
func Installable(native, arch string) bool {
	switch arch {
	case "", "noarch", native:
		return true
	case "src", "nosrc":
		return false
	}
	switch native {
	case "x86_64":
		return arch == "amd64" || isX86(arch)
	case "i686":
		return isX86(arch)
	case "s390x":
		return arch == "s390"
	}
	return false
}

func isX86(arch string) bool {
	return len(arch) == 4 && arch[0] == 'i' && arch[2:] == "86" || arch == "athlon"
}

// Debug tells whether a package only carries symbols and sources for debuggers: nobody patches these by themselves.
func Debug(name string) bool {
	return strings.HasSuffix(name, "-debuginfo") || strings.HasSuffix(name, "-debugsource") || strings.HasSuffix(name, "-debuginfo-common") ||
		strings.Contains(name, "-debuginfo-common-")
}

// Aside tells whether a package is one that does not stand for its source: development files, documentation, translations.
func Aside(name string) bool {
	for _, ending := range []string{"-devel", "-doc", "-docs", "-libs", "-common", "-static", "-tests", "-headers", "-langpack", "-filesystem"} {
		if strings.HasSuffix(name, ending) {
			return true
		}
	}
	return false
}

// HostOS names a host OS by os-release's ID and VERSION_ID as machines do: a minor release of an Enterprise Linux is not one.
func HostOS(id, version, arch string) patch.HostOS {
	switch id {
	case "almalinux", "rocky", "rhel", "centos", "ol":
		version, _, _ = strings.Cut(version, ".")
	}
	return patch.HostOS(id + "-" + version + "-" + NativeArch(arch))
}

// Complete gives the host OS that a person means by "almalinux-9" or "almalinux-9-x86_64".
func Complete(os, arch string) patch.HostOS {
	if arch = NativeArch(arch); strings.HasSuffix(os, "-"+arch) {
		return patch.HostOS(os)
	}
	return patch.HostOS(os + "-" + arch)
}

var distTag = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\.(?:el|fc|amzn|ol)(\d{1,4})`) })

// DistTag gives the release number in a package's dist tag: "9" of "1.el9_2"; empty where it has none.
func DistTag(release string) string {
	if m := distTag().FindStringSubmatch(release); m != nil {
		return m[1]
	}
	return ""
}
