package world

import (
	"cmp"
	"slices"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// Needed works out which files of a patch a machine needs, exactly: those of its installed packages that are older than the patch and
// not held on the machine, and what these newly need within the same patch and is not installed. Sorted by name, then architecture.
func Needed(f *patch.Facts, files []patch.PayloadFile, origins []patch.Origin) []patch.PlanPackage {
	native := f.OS.Arch
	mine := func(arch string) bool { return arch == native || arch == "all" }
	byName := make(map[string]patch.PayloadFile, len(files))
	for _, file := range files {
		if mine(file.Arch) {
			byName[file.Name] = file
		}
	}
	here := make(map[string]patch.Package, len(byName))
	for _, p := range f.Packages {
		if _, carried := byName[p.Name]; carried && mine(p.Arch) && p.State == patch.Installed {
			here[p.Name] = p
		}
	}
	chosen := map[string]patch.PlanPackage{}
	var todo []string
	choose := func(name, from string) {
		file := byName[name]
		chosen[name] = plan(file, from, origins)
		todo = append(todo, file.Needs...)
	}
	for name, file := range byName {
		p, installed := here[name]
		if installed && !p.Held && version.DpkgCompare(p.Version, file.Version) < 0 {
			choose(name, p.Version)
		}
	}
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		_, installed := here[name]
		_, done := chosen[name]
		if _, carried := byName[name]; carried && !installed && !done {
			choose(name, "")
		}
	}
	out := make([]patch.PlanPackage, 0, len(chosen))
	for _, p := range chosen {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b patch.PlanPackage) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Arch, b.Arch))
	})
	return out
}

func plan(f patch.PayloadFile, from string, origins []patch.Origin) patch.PlanPackage {
	p := patch.PlanPackage{Name: f.Name, Arch: f.Arch, From: from, Version: f.Version, SHA256: f.SHA256, Size: f.Size}
	if f.Origin >= 0 && f.Origin < len(origins) {
		p.Origin = origins[f.Origin]
	}
	return p
}
