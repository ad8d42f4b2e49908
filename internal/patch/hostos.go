package patch

import (
	"regexp"
	"strconv"
	"strings"
)

// WindowsHostOS names a Windows as it is patched. number is "10.0", "5.1"; build "19045"; pack "2" for Service Pack 2, empty for none.
// Since Windows 10 each build is served by itself; what came before is served by service pack. Servers and clients of one build have
// different updates.
func WindowsHostOS(number, build, pack string, server bool, arch string) HostOS {
	name := "windows-"
	if server {
		name = "windows-server-"
	}
	name += number
	major, _, _ := strings.Cut(number, ".")
	switch n, _ := strconv.Atoi(major); {
	case n >= 10:
		name += "." + build
	case pack != "":
		name += "-sp" + pack
	}
	return HostOS(name + "-" + arch)
}

// MacHostOS names a macOS by its major release: "14.4.1" of arm64 is macos-14-arm64. Until 10.15 the second number is the release.
func MacHostOS(product, arch string) HostOS {
	parts := strings.SplitN(product, ".", 3)
	if parts[0] == "10" && len(parts) > 1 {
		return HostOS("macos-10." + parts[1] + "-" + arch)
	}
	return HostOS("macos-" + parts[0] + "-" + arch)
}

// HostOS names the host OS by the other members, for facts that were written by hand or by other programs; empty for a system whose name
// does not follow from them, and for one that is cut.
func (f *OSFacts) HostOS() HostOS {
	if f.Arch == "" || !productVersion().MatchString(f.VersionID) {
		return ""
	}
	switch f.ID {
	case "windows":
		parts := strings.Split(f.VersionID, ".")
		if len(parts) < 3 {
			return ""
		}
		return WindowsHostOS(parts[0]+"."+parts[1], parts[2], f.ServicePack(), strings.Contains(f.Pretty, "Server"), f.Arch)
	case "macos":
		return MacHostOS(f.VersionID, f.Arch)
	}
	return ""
}

func productVersion() *regexp.Regexp {
	return regexp.MustCompile(`^[0-9]{1,5}(\.[0-9]{1,10}){0,3}( \([a-z]\))?$`)
}

// ServicePack is the number of a Windows' service pack, empty for none: it is told by Codename, or else by the key.
func (f *OSFacts) ServicePack() string {
	pack, ok := strings.CutPrefix(f.Codename, "Service Pack ")
	if !ok {
		for part := range strings.SplitSeq(string(f.Key), "-") {
			if n, is := strings.CutPrefix(part, "sp"); is && f.ID == "windows" {
				pack, ok = n, true
			}
		}
	}
	if !ok || pack == "" || strings.Trim(pack, "0123456789") != "" {
		return ""
	}
	return pack
}
