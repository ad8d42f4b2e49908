//go:build !windows

package host

import (
	"context"
	"os"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/wire"
)

// CollectInventory reads the machine as labels and people see it. What cannot be read is left out; only a cancelled context is an
// error. It holds nothing that changes by itself, so that an unchanged machine has an unchanged hash.
func CollectInventory(ctx context.Context, root string, f patch.Facts) (patch.Inventory, error) {
	if err := ctx.Err(); err != nil {
		return patch.Inventory{}, err
	}
	if isMac(root) {
		return macInventory(ctx, root, f)
	}
	hash, _, err := wire.HashJSON(f)
	if err != nil {
		return patch.Inventory{}, err
	}
	kernel := readKernel(root, f.Packages)
	v := patch.Inventory{
		Hostname: hostname(root),
		Zone:     zoneName(root),
		OS:       f.OS,
		Hardware: readHardware(root),
		Network:  readNetwork(root),
		Kernel:   patch.Kernel{Running: kernel.running, Installed: kernel.newest},
		Reboot:   rebootSignal(root, kernel),
		OldCode:  OldCode(root),
		Updaters: readUpdaters(root, f.Packages),
		Changes:  readChanges(ctx, root),
		Facts:    hash,
	}
	return v, ctx.Err()
}

// BootID names the current boot; it changes with every restart of the kernel. Empty where the OS does not tell.
func BootID(root string) string {
	if id := sysctl("kern.bootsessionuuid"); id != "" && live(root) {
		return id
	}
	return line(root, "proc/sys/kernel/random/boot_id")
}

// RebootSignal says whether the machine owes a reboot, derived live, so that it clears by itself.
func RebootSignal(root string) patch.RebootSignal {
	if isMac(root) {
		return macReboot(root)
	}
	release, _ := readRelease(root)
	packages, _ := managerOf(root, release).read(root) // without it the kernels in /boot tell
	return rebootSignal(root, readKernel(root, packages))
}

func hostname(root string) string {
	if live(root) {
		if name, err := os.Hostname(); err == nil {
			return tidy(name, 253)
		}
	}
	return line(root, "etc/hostname")
}
