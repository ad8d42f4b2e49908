package osv

import (
	"regexp"
	"strings"
	"sync"

	"github.com/fettle-project/fettle/internal/advisory"
	"github.com/fettle-project/fettle/internal/patch"
)

var (
	suse = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^Linux Enterprise (Server|Desktop|Module for [A-Za-z0-9 -]+|Server for SAP Applications) (\d+)(?: SP(\d))?(?:-LTSS)?$`)
	})
	redhat = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^enterprise_linux:(\d+)(?:\.\d+)?(?:::?[a-z]+)?$`) })
	number = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\d+(\.\d+)?$`) })
)

// HostOS gives the system whose packages an ecosystem's rows name; ok is false for ecosystems that are not known, and for those whose
// rows name source packages.
func HostOS(ecosystem, arch string) (os patch.HostOS, ok bool) {
	name, release, _ := strings.Cut(ecosystem, ":")
	if len(ecosystem) > 200 {
		return "", false
	}
	switch name {
	case "AlmaLinux":
		return plain("almalinux", release, arch)
	case "Rocky Linux":
		return plain("rocky", release, arch)
	case "Azure Linux":
		return plain("azurelinux", withMinor(release), arch)
	case "openSUSE":
		return plain("opensuse-leap", strings.TrimPrefix(release, "Leap "), arch)
	case "Red Hat":
		if m := redhat().FindStringSubmatch(release); m != nil {
			return plain("rhel", m[1], arch)
		}
	case "SUSE":
		if m := suse().FindStringSubmatch(release); m != nil {
			return plain(susePlatform(m[1]), m[2]+suseMinor(m[3]), arch)
		}
	}
	return "", false
}

func plain(id, version, arch string) (patch.HostOS, bool) {
	if !number().MatchString(version) {
		return "", false
	}
	return advisory.HostOS(id, version, arch), true
}

func withMinor(version string) string {
	if strings.Contains(version, ".") {
		return version
	}
	return version + ".0"
}

// susePlatform gives os-release's ID of a SUSE product. Modules are parts of the server.
func susePlatform(product string) string {
	switch product {
	case "Desktop":
		return "sled"
	case "Server for SAP Applications":
		return "sles_sap"
	}
	return "sles"
}

// suseMinor gives what a service pack is in os-release's VERSION_ID: "15.5" for SP5 of 15, "15" for none.
func suseMinor(servicePack string) string {
	if servicePack == "" {
		return ""
	}
	return "." + servicePack
}
