//go:build !windows

package host

import (
	"cmp"
	"context"
	"sync"

	"github.com/fettle-project/fettle/internal/patch"
)

// CollectFacts reads what a detect judges from the machine whose root directory is root ("/" for the running one).
// A package database that is missing, truncated or garbled is an error: there are no partial facts.
func CollectFacts(ctx context.Context, root string) (patch.Facts, error) {
	var f patch.Facts
	if err := ctx.Err(); err != nil {
		return f, err
	}
	if isMac(root) {
		return macFacts(ctx, root)
	}
	release, err := readRelease(root)
	if err != nil {
		return f, err
	}
	manager := managerOf(root, release)
	policy := func() (*patch.AptPolicy, error) { return nil, nil }
	if manager.name == "dpkg" {
		policy = meanwhile(func() (*patch.AptPolicy, error) { return readAptPolicy(root, release) })
	}
	f.Packages, err = manager.read(root)
	var failed error
	if f.Apt, failed = policy(); err != nil || failed != nil {
		return patch.Facts{}, cmp.Or(err, failed)
	}
	f.OS = patch.OSFacts{ID: release["ID"], VersionID: release["VERSION_ID"], Codename: release["VERSION_CODENAME"],
		Pretty: release["PRETTY_NAME"], Manager: manager.name, Provides: manager.name == "dpkg" || manager.name == "rpm"}
	if f.OS.Arch, err = manager.arch(root, f.Packages); err != nil {
		return patch.Facts{}, err
	}
	f.OS.Key = hostOS(f.OS, release["ID_LIKE"])
	if manager.name == "rpm" {
		if f.Modules, err = readModules(root); err != nil {
			return patch.Facts{}, err
		}
	}
	return f, ctx.Err()
}

// meanwhile begins work, and gives what waits for it.
func meanwhile[T any](work func() (T, error)) (wait func() (T, error)) {
	wait = sync.OnceValues(work)
	go wait()
	return wait
}

// CollectPackages reads a machine's packages only, for definitions that say themselves which systems they are about: neither the host OS
// nor the native architecture need to be known.
func CollectPackages(ctx context.Context, root string) (f patch.Facts, err error) {
	if isMac(root) {
		return patch.Facts{OS: patch.OSFacts{Key: patch.AnyOS}, Packages: []patch.Package{}}, ctx.Err()
	}
	release, _ := readRelease(root) // without, the database that is there tells
	manager := managerOf(root, release)
	policy := func() (*patch.AptPolicy, error) { return nil, nil }
	if manager.name == "dpkg" {
		policy = meanwhile(func() (*patch.AptPolicy, error) { return readAptPolicy(root, release) })
	}
	f.Packages, err = manager.read(root)
	var failed error
	if f.Apt, failed = policy(); err != nil || failed != nil {
		return patch.Facts{}, cmp.Or(err, failed)
	}
	f.OS = patch.OSFacts{Key: patch.AnyOS, Manager: manager.name}
	return f, ctx.Err()
}
