package version

import (
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
)

// Of tells how a host OS orders the versions of its packages.
func Of(os patch.HostOS) Scheme {
	distribution, _, _ := strings.Cut(string(os), "-")
	switch distribution {
	case "debian", "ubuntu", "raspbian", "devuan", "kali", "linuxmint":
		return Dpkg
	case "alpine", "postmarketos":
		return APK
	case "windows":
		return Windows
	case "macos":
		return MacOS
	}
	return RPM
}
