//go:build !windows

package host

import (
	"context"

	"github.com/fettle-project/fettle/internal/patch"
)

// CollectFacts reads what a detect judges from the machine whose root directory is root ("/" for the running one).
// A package database that is missing, truncated or garbled is an error: there are no partial facts.
func CollectFacts(ctx context.Context, root string) (patch.Facts, error) {
	var f patch.Facts
	if err := ctx.Err(); err != nil {
		return f, err
	}
	release, err := readRelease(root)
	if err != nil {
		return f, err
	}
	manager := managerOf(root, release)
	if f.Packages, err = manager.read(root); err != nil {
		return patch.Facts{}, err
	}
	f.OS = patch.OSFacts{ID: release["ID"], VersionID: release["VERSION_ID"], Codename: release["VERSION_CODENAME"],
		Pretty: release["PRETTY_NAME"], Manager: manager.name}
	if f.OS.Arch, err = manager.arch(root, f.Packages); err != nil {
		return patch.Facts{}, err
	}
	f.OS.Key = hostOS(f.OS, release["ID_LIKE"])
	switch manager.name {
	case "dpkg":
		f.Apt, err = readAptPolicy(root, release)
	case "rpm":
		f.Modules, err = readModules(root)
	}
	if err != nil {
		return patch.Facts{}, err
	}
	return f, ctx.Err()
}

// CollectPackages reads a machine's packages only, for definitions that say themselves which systems they are about: neither the host OS
// nor the native architecture need to be known.
func CollectPackages(ctx context.Context, root string) (f patch.Facts, err error) {
	release, _ := readRelease(root) // without, the database that is there tells
	manager := managerOf(root, release)
	if f.Packages, err = manager.read(root); err != nil {
		return patch.Facts{}, err
	}
	f.OS = patch.OSFacts{Key: patch.AnyOS, Manager: manager.name}
	return f, ctx.Err()
}
