package catalog

import (
	"cmp"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// maxBrought bounds how many packages of new names one package brings.
const maxBrought = 64

// spot is where a package is: a file of a group.
type spot struct {
	group *grouped
	file  int
}

// bring finds the packages whose every version has a new name, as kernels have, and adds them to the patches of the packages that lead to
// them: linux-image-amd64 of a new version needs linux-image-6.1.0-25-amd64, which is installed nowhere, so no patch of its own could
// ever be missing. What is of another source package (Ubuntu's kernels are of three) comes along as a file of the patch.
func bring(groups []*grouped) {
	named := map[string][]spot{}
	for _, gr := range groups {
		for i := range gr.offered() {
			if abiName(gr.files[i].name) {
				named[gr.files[i].name] = append(named[gr.files[i].name], spot{gr, i})
			}
		}
	}
	if len(named) == 0 {
		return
	}
	for _, gr := range groups {
		for i := range gr.offered() {
			if f := &gr.files[i]; !abiName(f.name) {
				gr.follow(f, named)
			}
		}
	}
}

// follow brings what f leads to.
func (gr *grouped) follow(f *debFile, named map[string][]spot) {
	var brings []patch.NewPackage
	for todo := []*debFile{f}; len(todo) > 0 && len(brings) < maxBrought; todo = todo[1:] {
		for _, r := range leads(todo[0].depends) {
			at, ok := gr.nearest(r, f.arch, named[r.Name])
			if !ok {
				continue
			}
			next := &at.group.files[at.file]
			n := patch.NewPackage{Name: next.name, Arch: next.arch, Version: next.version}
			if slices.Contains(brings, n) {
				continue
			}
			brings, todo = append(brings, n), append(todo, next)
			if at.group != gr && !slices.ContainsFunc(gr.brought, func(b debFile) bool { return b.name == n.Name && b.arch == n.Arch }) {
				gr.brought = append(gr.brought, *next)
			}
		}
	}
	if len(brings) > 0 {
		p := *cmp.Or(f.provenance, &detect.Provenance{Phased: 100})
		p.Brings = brings
		f.provenance = &p
	}
}

// nearest picks the package that a relation leads to: of the patch itself, else of its suite, else the newest of any.
func (gr *grouped) nearest(r patch.Relation, arch string, spots []spot) (best spot, ok bool) {
	rank := func(s spot) int {
		switch {
		case s.group == gr:
			return 2
		case s.group.suite == gr.suite:
			return 1
		}
		return 0
	}
	for _, s := range spots {
		f := &s.group.files[s.file]
		if f.arch != arch && f.arch != "all" && arch != "all" || !debian.Holds(r, f.version) {
			continue
		}
		if !ok || rank(s) > rank(best) || rank(s) == rank(best) && version.DpkgCompare(f.version, best.group.files[best.file].version) > 0 {
			best, ok = s, true
		}
	}
	return best, ok
}

// leads gives the first alternative of each clause of Depends whose name carries a whole version.
func leads(depends string) (out []patch.Relation) {
	for clause := range strings.SplitSeq(depends, ",") {
		first, _, _ := strings.Cut(clause, "|")
		name, _, _ := strings.Cut(first, "(")
		if !abiName(name) {
			continue
		}
		if r, ok := debian.ParseRelation(first); ok {
			out = append(out, r)
		}
	}
	return out
}

// abiName reports whether a name carries a whole version, so that the next version will have another one: linux-image-6.1.0-25-amd64,
// linux-image-6.12.41+deb13-amd64; but not python3.11 or golang-1.19-go.
func abiName(name string) bool {
	if strings.Count(name, ".") < 2 {
		return false
	}
	_, rest, _ := strings.Cut(name, "-")
	for part := range strings.SplitSeq(rest, "-") {
		digits := len(part) - len(strings.TrimLeft(part, "0123456789."))
		if strings.Count(part[:digits], ".") == 2 && part[0] != '.' && part[digits-1] != '.' {
			return true
		}
	}
	return false
}
