package world

import (
	"cmp"
	"slices"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// rpmNeeds works out the files of one patch for one machine that is kept with rpm.
type rpmNeeds struct {
	f       *patch.Facts
	files   []patch.PayloadFile
	origins []patch.Origin
	chosen  []patch.PlanPackage
}

// neededRPM is Needed for rpm: advisories carry several builds of one package (module streams, architectures), so what a detect found
// says which one is meant; without it, every build that is newer than an installed package counts.
func neededRPM(f *patch.Facts, files []patch.PayloadFile, origins []patch.Origin, found []patch.AffectedPackage) []patch.PlanPackage {
	n := &rpmNeeds{f: f, files: files, origins: origins, chosen: []patch.PlanPackage{}}
	for i := range files {
		file := &files[i]
		switch old, there := n.installed(file); {
		case file.Along:
		case file.Instead && !n.anyOf(file.Name):
			if len(n.replaced(file)) > 0 {
				n.choose(file, "")
			}
		case !file.Instead && there && !old.Held && rpmLess(old.Version, file.Version) && meant(file, old, found):
			n.choose(file, old.Version)
		}
	}
	slices.SortFunc(n.chosen, func(a, b patch.PlanPackage) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Arch, b.Arch), cmp.Compare(a.Version, b.Version))
	})
	return n.chosen
}

func rpmLess(a, b string) bool {
	c, err := version.Compare(version.RPM, a, b)
	return err == nil && c < 0
}

// meant tells whether a detect found that exactly this build is what the installed package lacks.
func meant(file *patch.PayloadFile, old patch.Package, found []patch.AffectedPackage) bool {
	return found == nil || slices.ContainsFunc(found, func(a patch.AffectedPackage) bool {
		return a.Name == old.Name && a.Arch == old.Arch && a.Fixed == file.Version
	})
}

// slot is the architecture as a machine can have one package of it.
func (n *rpmNeeds) slot(arch string) string {
	if arch == "noarch" {
		return n.f.OS.Arch
	}
	return arch
}

// installed is the newest installed version of a file's package.
func (n *rpmNeeds) installed(file *patch.PayloadFile) (newest patch.Package, there bool) {
	for _, p := range n.f.Packages {
		if p.Name == file.Name && n.slot(p.Arch) == n.slot(file.Arch) && p.State == patch.Installed && (!there || rpmLess(newest.Version, p.Version)) {
			newest, there = p, true
		}
	}
	return newest, there
}

func (n *rpmNeeds) anyOf(name string) bool {
	return slices.ContainsFunc(n.f.Packages, func(p patch.Package) bool { return p.Name == name })
}

// replaced lists the installed packages that a file removes.
func (n *rpmNeeds) replaced(file *patch.PayloadFile) []patch.InstalledPackage {
	var out []patch.InstalledPackage
	for _, r := range file.Replaces {
		for _, p := range n.f.Packages {
			if p.Name == r.Name && !p.Held && version.RPMOverlap("=", p.Version, r.Op, r.Version) {
				out = append(out, patch.InstalledPackage{Name: p.Name, Arch: p.Arch, Version: p.Version})
			}
		}
	}
	slices.SortFunc(out, func(a, b patch.InstalledPackage) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Arch, b.Arch), cmp.Compare(a.Version, b.Version))
	})
	return slices.Compact(out)
}

// choose takes a file and what it newly needs of the same patch.
func (n *rpmNeeds) choose(file *patch.PayloadFile, from string) {
	if slices.ContainsFunc(n.chosen, func(p patch.PlanPackage) bool { return p.SHA256 == file.SHA256 }) {
		return
	}
	p := plan(*file, from, n.origins)
	p.Beside, p.Replaces = version.InstallOnly(file.Name), n.replaced(file)
	n.chosen = append(n.chosen, p)
	for _, name := range file.Needs {
		for i := range n.files {
			next := &n.files[i]
			old, there := n.installed(next)
			fits := next.Name == name && next.Version == file.Version && (next.Arch == file.Arch || next.Arch == "noarch" || file.Arch == "noarch")
			if fits && (!there || version.InstallOnly(name) && rpmLess(old.Version, next.Version)) {
				n.choose(next, old.Version)
			}
		}
	}
}
