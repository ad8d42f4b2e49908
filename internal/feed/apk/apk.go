// Package apk makes patches of Alpine's repositories: an index says what is on offer, a security database which version fixed what.
// It reads what package apk parsed, judges nothing and fetches nothing.
//
// A patch is a source package's version in a repository of a release, "alpine-3.20-main/openssl/3.3.2-r1": one for every version that
// the security database says fixed something, and one for the version that the index offers. The security database knows source
// packages only; the index tells which packages they are made into.
package apk

import (
	"cmp"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/apk"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// Repository is one repository of a release for one architecture.
type Repository struct {
	Release string // "3.20", "edge"
	Name    string // "main"
	Arch    string // "x86_64"
	Index   apk.Index
	Sum     patch.Hash // of the packed index
	Fixes   []apk.Fix  // of the security database for Release and Name; may be empty
}

// OS names the host OS that the repository is for.
func (r Repository) OS() patch.HostOS { return patch.HostOS("alpine-" + r.Release + "-" + r.Arch) }

// Suite is the first part of its patches' IDs.
func (r Repository) Suite() string { return "alpine-" + r.Release + "-" + r.Name }

// Entries gives the patches of the repository, sorted by ID. What could not be understood is a patch whose definition is unclear.
func Entries(r Repository) []detect.Entry {
	var out []detect.Entry
	var unclear []apk.Fix
	for _, text := range r.Index.Unclear {
		unclear = append(unclear, apk.Fix{Unclear: text})
	}
	origins := originsOf(r, &unclear)
	for _, name := range slices.Sorted(maps.Keys(origins)) {
		out = append(out, origins[name].entries(r)...)
	}
	seen := map[patch.ID]bool{}
	for _, e := range out {
		seen[e.Patch.ID] = true
	}
	for _, f := range unclear {
		e := unclearEntry(r, f)
		for seen[e.Patch.ID] {
			e.Patch.ID += "+"
		}
		e.Definition.ID, seen[e.Patch.ID] = e.Patch.ID, true
		out = append(out, e)
	}
	slices.SortFunc(out, func(a, b detect.Entry) int { return cmp.Compare(a.Patch.ID, b.Patch.ID) })
	return out
}

// origin is a source package: what the index offers of it, and what its versions fixed.
type origin struct {
	name     string
	packages []apk.Package       // by name, then version
	versions map[string][]string // version → names of what it fixed
}

func originsOf(r Repository, unclear *[]apk.Fix) map[string]*origin {
	origins := map[string]*origin{}
	of := func(name string) *origin {
		if origins[name] == nil {
			origins[name] = &origin{name: name, versions: map[string][]string{}}
		}
		return origins[name]
	}
	for _, p := range r.Index.Packages {
		if _, err := version.Compare(version.APK, p.Version, p.Version); err != nil {
			*unclear = append(*unclear, apk.Fix{Origin: p.Origin, Version: p.Version, Unclear: "the index offers " + p.Name + " in a version that is none"})
			continue
		}
		o := of(p.Origin)
		o.packages = append(o.packages, p)
		if _, known := o.versions[p.Version]; !known {
			o.versions[p.Version] = nil // it fixes nothing that is known yet
		}
	}
	for _, f := range r.Fixes {
		_, err := version.Compare(version.APK, f.Version, f.Version)
		switch {
		case f.Unclear != "":
			*unclear = append(*unclear, f)
		case f.NotAffected() || len(f.Fixed) == 0:
		case err != nil:
			f.Unclear = "the security database names a version that is none"
			*unclear = append(*unclear, f)
		default:
			o := of(f.Origin)
			o.versions[f.Version] = append(o.versions[f.Version], f.Fixed...)
		}
	}
	return origins
}

func older(a, b string) int {
	c, _ := version.Compare(version.APK, a, b) // both are versions: originsOf kept no other
	return c
}

// entries makes a patch of each version; each replaces the next older one.
func (o *origin) entries(r Repository) []detect.Entry {
	slices.SortFunc(o.packages, func(a, b apk.Package) int { return cmp.Or(cmp.Compare(a.Name, b.Name), older(a.Version, b.Version)) })
	versions := slices.SortedFunc(maps.Keys(o.versions), func(a, b string) int { return cmp.Or(older(a, b), cmp.Compare(a, b)) })
	var out []detect.Entry
	for i, v := range versions {
		e := detect.Entry{Patch: o.describe(r, v)}
		if i > 0 {
			e.Patch.Supersedes = []patch.ID{out[i-1].Patch.ID}
		}
		e.Definition = detect.Definition{ID: e.Patch.ID, Packages: o.rules(r, v)}
		out = append(out, e)
	}
	return out
}

// rules are the packages that carry version v or a newer one, each to be at v. Where the index offers nothing of the source package any
// more, the package of the same name stands for it.
func (o *origin) rules(r Repository, v string) []detect.PackageRule {
	if len(o.packages) == 0 {
		return []detect.PackageRule{{Name: o.name, Arch: r.Arch, Version: v}}
	}
	var rules []detect.PackageRule
	for _, p := range o.packages {
		if older(p.Version, v) >= 0 || o.newest(v) {
			rules = append(rules, detect.PackageRule{Name: p.Name, Arch: r.Arch, Version: v})
		}
	}
	return slices.Compact(rules)
}

// newest reports whether v is newer than everything on offer: the fix is known before its packages are.
func (o *origin) newest(v string) bool {
	return !slices.ContainsFunc(o.packages, func(p apk.Package) bool { return older(p.Version, v) >= 0 })
}

// isCVE tells "CVE-2024-9143" from names of other lists.
func isCVE(s string) bool {
	rest, ok := strings.CutPrefix(s, "CVE-")
	year, number, dash := strings.Cut(rest, "-")
	return ok && dash && len(year) == 4 && len(number) >= 4 && len(number) <= 8 && strings.Trim(year+number, "0123456789") == ""
}

func (o *origin) describe(r Repository, v string) patch.Patch {
	p := patch.Patch{ID: patch.ID(r.Suite() + "/" + o.name + "/" + v), Title: o.name + " " + v, Source: o.name, Version: v, Suite: r.Suite(),
		Category: patch.Update}
	var others []string
	for _, name := range o.versions[v] {
		p.Category = patch.Security
		if isCVE(name) {
			p.CVEs = append(p.CVEs, name)
		} else {
			others = append(others, name)
		}
	}
	slices.Sort(p.CVEs)
	p.CVEs = slices.Compact(p.CVEs)
	if len(others) > 0 {
		p.Title += " (" + strings.Join(others[:min(len(others), 8)], ", ") + ")"
	}
	return p
}

// unclearEntry keeps what could not be understood under an ID that is safe to write.
func unclearEntry(r Repository, f apk.Fix) detect.Entry {
	part := func(s string) string {
		s = strings.ReplaceAll(url.QueryEscape(s), "%2F", "_")
		return s[:min(len(s), 100)]
	}
	id := patch.ID(r.Suite() + "/" + cmp.Or(part(f.Origin), "unnamed") + "/" + cmp.Or(part(f.Version), "unknown"))
	category := patch.Update
	if len(f.Fixed) > 0 {
		category = patch.Security
	}
	return detect.Entry{
		Patch: patch.Patch{ID: id, Title: part(f.Origin) + " " + part(f.Version), Source: part(f.Origin), Version: part(f.Version),
			Suite: r.Suite(), Category: category},
		Definition: detect.Definition{ID: id, Unclear: f.Unclear},
	}
}
