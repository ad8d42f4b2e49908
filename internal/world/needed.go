package world

import (
	"cmp"
	"slices"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// subject is a package as a machine can have one of it: "all" is the machine's own architecture.
type subject struct{ name, arch string }

// Needed works out which files of a patch a machine needs, exactly: those of its packages, whole or left half-way, that are older than the patch and
// not held on the machine, and what these newly need and is not installed: of the same patch, or coming along with it. With allowed, an
// older package must also be one of these: the others the machine's own policy keeps from the patch. Sorted by name, then architecture.
func Needed(f *patch.Facts, files []patch.PayloadFile, origins []patch.Origin, allowed []patch.AffectedPackage) []patch.PlanPackage {
	if version.Of(f.OS.Key) == version.RPM && f.OS.Key != "" {
		return neededRPM(f, files, origins, allowed)
	}
	if version.Of(f.OS.Key) == version.Windows {
		return neededSetups(f, files, origins)
	}
	of := func(name, arch string) subject {
		if arch == "all" {
			arch = f.OS.Arch
		}
		return subject{name, arch}
	}
	carried := make(map[subject]patch.PayloadFile, len(files))
	for _, file := range files {
		carried[of(file.Name, file.Arch)] = file
	}
	here := make(map[subject]patch.Package, len(carried))
	for _, p := range f.Packages {
		if s := of(p.Name, p.Arch); p.State != patch.Removed && carried[s].Name != "" {
			here[s] = p
		}
	}
	may := func(p patch.Package) bool {
		return allowed == nil || slices.ContainsFunc(allowed, func(a patch.AffectedPackage) bool { return a.Name == p.Name && a.Arch == p.Arch })
	}
	chosen := map[subject]patch.PlanPackage{}
	var todo []subject
	choose := func(s subject, from string) {
		file := carried[s]
		chosen[s] = plan(file, from, origins)
		for _, name := range file.Needs {
			next := subject{name, s.arch}
			if carried[next].Name == "" {
				next.arch = f.OS.Arch
			}
			todo = append(todo, next)
		}
	}
	for s, file := range carried {
		p, installed := here[s]
		if installed && !p.Held && !file.Along && may(p) && version.DpkgCompare(p.Version, file.Version) < 0 {
			choose(s, p.Version)
		}
	}
	for ; len(todo) > 0; todo = todo[1:] {
		_, installed := here[todo[0]]
		_, done := chosen[todo[0]]
		if carried[todo[0]].Name != "" && !installed && !done {
			choose(todo[0], "")
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

// neededSetups gives the installer for a machine's own architecture; without one, that for x86, which others run too, or for any. What is
// installed is not known by package, so the patch's own definition is what says that the machine needs it.
func neededSetups(f *patch.Facts, files []patch.PayloadFile, origins []patch.Origin) []patch.PlanPackage {
	for _, arch := range []string{f.OS.Arch, "x86", "any"} {
		for i := range files {
			if files[i].Setup != nil && files[i].Arch == arch {
				return []patch.PlanPackage{plan(files[i], "", origins)}
			}
		}
	}
	return []patch.PlanPackage{}
}

func plan(f patch.PayloadFile, from string, origins []patch.Origin) patch.PlanPackage {
	p := patch.PlanPackage{Name: f.Name, Arch: f.Arch, From: from, Version: f.Version, SHA256: f.SHA256, Size: f.Size, Setup: f.Setup}
	if f.Origin >= 0 && f.Origin < len(origins) {
		p.Origin = origins[f.Origin]
	}
	return p
}
