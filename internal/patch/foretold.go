package patch

import (
	"slices"
	"strings"
	"time"
)

// InstallReserve is what has to be left of a window after an installation.
const InstallReserve = time.Minute

// InstallTime is how long packages take on a machine of which nothing is known. Agents learn how much faster or slower theirs is.
func InstallTime(packages []PlanPackage) time.Duration {
	var size int64
	for _, p := range packages {
		size += p.Size
	}
	return 10*time.Second + time.Duration(len(packages))*5*time.Second + time.Duration(size>>20)*time.Second
}

// RestartsMachine reports whether a package takes effect only after a restart of the machine: kernels, and what everything that runs has
// loaded. It follows what needs-restarting of dnf-utils and Debian's reboot-required hooks go by.
func RestartsMachine(p PlanPackage) bool {
	if p.Setup != nil {
		return p.Setup.Kind == SetupMSU
	}
	for _, kernel := range []string{"linux-image-", "kernel-core", "kernel-rt-core", "kernel-default"} {
		if strings.HasPrefix(p.Name, kernel) {
			return true
		}
	}
	return slices.Contains([]string{"kernel", "kernel-rt", "linux-firmware", "libc6", "glibc", "systemd", "dbus", "dbus-daemon", "intel-microcode", "amd64-microcode", "microcode_ctl"}, p.Name)
}
