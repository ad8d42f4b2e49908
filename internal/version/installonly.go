package version

import "strings"

// InstallOnly tells whether an rpm package of this name is one whose versions are installed beside each other: kernels and what
// belongs to exactly one of them. It knows the names of the Enterprise Linux family, Fedora, Oracle, ELRepo and SUSE; a machine's package
// manager knows more of them by what packages provide.
func InstallOnly(name string) bool {
	rest, ok := strings.CutPrefix(name, "kernel")
	if !ok || rest != "" && rest[0] != '-' {
		return false
	}
	for _, part := range strings.Split(rest, "-")[1:] {
		switch part {
		case "core", "modules", "extra", "internal", "partner", "devel", "debug", "rt", "64k", "16k", "uek", "uek64k", "PAE", "uki", "virt", "kvm",
			"default", "base", "preempt", "azure", "lt", "ml", "plus":
		default:
			return false
		}
	}
	return true
}
