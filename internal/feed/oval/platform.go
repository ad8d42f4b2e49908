package oval

import (
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/fettle-project/fettle/internal/advisory"
	"github.com/fettle-project/fettle/internal/patch"
)

// platforms says how vendors write the names of systems, and how the host OS is called: the os-release ID, and the version that the
// pattern caught. The first that matches counts.
var platforms = sync.OnceValue(func() []platform {
	return []platform{
		{regexp.MustCompile(`^debian(?: gnu/linux)? (\d+)`), "debian", likeDpkg},
		{regexp.MustCompile(`^ubuntu (\d+\.\d+)`), "ubuntu", likeDpkg},
		{regexp.MustCompile(`^red hat enterprise linux (?:server |workstation |desktop )?(\d+)`), "rhel", likeRPM},
		{regexp.MustCompile(`^almalinux(?: os)? (\d+)`), "almalinux", likeRPM},
		{regexp.MustCompile(`^rocky linux (\d+)`), "rocky", likeRPM},
		{regexp.MustCompile(`^centos(?: linux| stream)? (\d+)`), "centos", likeRPM},
		{regexp.MustCompile(`^oracle linux (\d+)`), "ol", likeRPM},
		{regexp.MustCompile(`^fedora(?: linux)? (\d+)`), "fedora", likeRPM},
		{regexp.MustCompile(`^amazon linux (?:ami )?(\d+)`), "amzn", likeRPM},
		{regexp.MustCompile(`^(?:azure linux|cbl-?mariner|mariner)(?: linux)? (\d+\.\d+)`), "azurelinux", likeRPM},
		{regexp.MustCompile(`^suse linux enterprise (?:server|desktop|high performance computing)(?: for [a-z0-9 ]+)? (\d+(?:[- ]sp\d+)?)`), "sles", likeSUSE},
		{regexp.MustCompile(`^opensuse leap (\d+\.\d+)`), "opensuse-leap", likeRPM},
		{regexp.MustCompile(`^alpine(?: linux)? v?(\d+\.\d+)`), "alpine", likeRPM},
	}
})

type platform struct {
	pattern *regexp.Regexp
	id      string
	naming  naming
}

// naming is how a family of systems writes version and architecture.
type naming uint8

const (
	likeDpkg naming = iota // "12", "amd64"
	likeRPM                // "9", "x86_64"
	likeSUSE               // "15.5" for "15 SP5", "x86_64"
)

// HostOSes names the systems that a definition is for, with dpkg's or rpm's word for the machines' architecture; patch.AnyOS where none of the
// vendor's words is known. They are sorted.
func (m *Metadata) HostOSes(arch string) []patch.HostOS {
	var out []patch.HostOS
	for _, words := range m.Platforms {
		if os, known := hostOS(words, arch); known && !slices.Contains(out, os) {
			out = append(out, os)
		}
	}
	if len(out) == 0 {
		return []patch.HostOS{patch.AnyOS}
	}
	slices.Sort(out)
	return out
}

func hostOS(name, arch string) (os patch.HostOS, known bool) {
	words := strings.ToLower(strings.Join(strings.Fields(name), " "))
	for _, p := range platforms() {
		found := p.pattern.FindStringSubmatch(words)
		if found == nil {
			continue
		}
		version := found[1]
		if p.naming == likeSUSE {
			version = strings.NewReplacer(" sp", ".", "-sp", ".").Replace(version)
		}
		if arch = advisory.NativeArch(arch); p.naming == likeDpkg {
			arch = dpkgArch(arch)
		}
		return patch.HostOS(p.id + "-" + version + "-" + arch), true
	}
	return "", false
}

// dpkgArch is the inverse of advisory.NativeArch.
func dpkgArch(arch string) string {
	for _, dpkg := range []string{"amd64", "arm64", "ppc64el"} {
		if advisory.NativeArch(dpkg) == arch {
			return dpkg
		}
	}
	return arch
}

// Complete gives the host OS that a person means by "debian-12", "almalinux-9" or "windows-10.0.19045", with or without an architecture.
func Complete(name, arch string) patch.HostOS {
	switch family, _, _ := strings.Cut(name, "-"); family {
	case "windows", "macos":
		for _, known := range []string{"amd64", "arm64", "x86"} {
			if strings.HasSuffix(name, "-"+known) {
				return patch.HostOS(name)
			}
		}
		return patch.HostOS(name + "-" + dpkgArch(arch))
	case "debian", "ubuntu":
		if dpkg := dpkgArch(arch); !strings.HasSuffix(name, "-"+dpkg) {
			return patch.HostOS(name + "-" + dpkg)
		}
		return patch.HostOS(name)
	}
	return advisory.Complete(name, arch)
}
