package host

import (
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
)

// manager is one package manager's database as facts are read from it.
type manager struct {
	name    string // as in patch.OSFacts
	systems []string
	there   func(root string) bool
	read    func(root string) ([]patch.Package, error)
	arch    func(root string, packages []patch.Package) (string, error)
}

func managers() []manager {
	return []manager{
		{"dpkg", []string{"debian", "ubuntu"}, hasStatus, readStatus, nativeArch},
		{"rpm", []string{"rhel", "fedora", "centos", "suse", "opensuse", "sles", "amzn", "azurelinux", "mariner", "photon"}, hasRPM, readRPM, rpmArch},
		{"apk", []string{"alpine", "wolfi", "chainguard"}, hasAPK, readAPK, apkArch},
	}
}

// managerOf finds the package manager that a machine is kept with: its system's own, whether or not the database is there, because a
// tool of another one may have left a database of its own. Of a system that is not known it is the one whose database is there.
func managerOf(root string, release map[string]string) manager {
	all := managers()
	for _, name := range append([]string{release["ID"]}, strings.Fields(release["ID_LIKE"])...) {
		if i := slices.IndexFunc(all, func(m manager) bool { return slices.Contains(m.systems, name) }); i >= 0 {
			return all[i]
		}
	}
	if i := slices.IndexFunc(all, func(m manager) bool { return m.there(root) }); i >= 0 {
		return all[i]
	}
	return all[0]
}

// KeptWithRPM tells whether the machine is kept with rpm.
func KeptWithRPM(root string) bool {
	release, _ := readRelease(root)
	return managerOf(root, release).name == "rpm"
}

func hasStatus(root string) bool { return isFile(root, dpkgDir+"/status") }

func isFile(root, name string) bool {
	f, err := openIn(root, name)
	if err != nil {
		return false
	}
	f.Close()
	return true
}

// hostOS names the OS at patch granularity: as finely as its vendor makes patches for. Vendors of the Enterprise Linux family and of
// Alpine serve all minor or point releases from one place. A rolling release has no VERSION_ID: its codename stands for it.
func hostOS(o patch.OSFacts, like string) patch.HostOS {
	version := o.VersionID
	family := append(strings.Fields(like), o.ID)
	switch {
	case version == "":
		version = o.Codename
	case o.ID == "alpine" && strings.Contains(version, "_alpha"):
		version = "edge"
	case o.ID == "alpine":
		if parts := strings.SplitN(version, ".", 3); len(parts) == 3 {
			version = parts[0] + "." + parts[1]
		}
	case slices.Contains(family, "rhel") || slices.Contains(family, "centos") || o.ID == "ol":
		version, _, _ = strings.Cut(version, ".")
	}
	return patch.HostOS(o.ID + "-" + version + "-" + o.Arch)
}
