package advisory

import (
	"cmp"
	"slices"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/version"
)

// farthest is how many newer fixes of a package are looked at for one that replaces a whole patch.
const farthest = 64

// key is what rules of different patches must have in common to be about the same packages.
type key struct{ name, arch, module string }

func keyOf(r *detect.PackageRule) key { return key{r.Name, r.Arch, r.Module} }

// fix is one rule of one entry.
type fix struct {
	entry   int
	version string
}

// Supersede fills Patch.Supersedes: a patch replaces an older one if it brings every package of it, each at least as new and one of
// them newer. Only the next such patch names it, so long histories stay chains. Patches with trees take no part.
func Supersede(entries []detect.Entry) {
	fixes := map[key][]fix{}
	for i := range entries {
		for k := range rulesOf(&entries[i]) {
			r := &entries[i].Definition.Packages[k]
			fixes[keyOf(r)] = append(fixes[keyOf(r)], fix{i, r.Version})
		}
	}
	for _, list := range fixes {
		slices.SortStableFunc(list, func(a, b fix) int {
			return cmp.Or(compare(a.version, b.version), cmp.Compare(entries[a.entry].Patch.ID, entries[b.entry].Patch.ID))
		})
	}
	for i := range entries {
		if by := successor(entries, fixes, i); by >= 0 {
			entries[by].Patch.Supersedes = append(entries[by].Patch.Supersedes, entries[i].Patch.ID)
		}
	}
}

func rulesOf(e *detect.Entry) []detect.PackageRule {
	if e.Definition.Unclear != "" {
		return nil
	}
	return e.Definition.Packages
}

// compare orders two versions; what is no version is equal to everything, and so never newer.
func compare(a, b string) int {
	n, err := version.Compare(version.RPM, a, b)
	if err != nil {
		return 0
	}
	return n
}

// successor finds the next newer entry that covers entry i, or -1. It looks along the rule that fewest entries share.
func successor(entries []detect.Entry, fixes map[key][]fix, i int) int {
	rules := rulesOf(&entries[i])
	if len(rules) == 0 {
		return -1
	}
	rare := slices.MinFunc(rules, func(a, b detect.PackageRule) int {
		return cmp.Compare(len(fixes[keyOf(&a)]), len(fixes[keyOf(&b)]))
	})
	list := fixes[keyOf(&rare)]
	from, _ := slices.BinarySearchFunc(list, rare.Version, func(f fix, v string) int { return compare(f.version, v) })
	for _, f := range list[from:min(len(list), from+farthest)] {
		if f.entry != i && covers(&entries[f.entry], &entries[i]) {
			return f.entry
		}
	}
	return -1
}

// covers tells whether newer brings every package of older, none of them older and at least one newer.
func covers(newer, older *detect.Entry) bool {
	if len(rulesOf(newer)) < len(rulesOf(older)) {
		return false
	}
	has := make(map[key]string, len(newer.Definition.Packages))
	for k := range newer.Definition.Packages {
		r := &newer.Definition.Packages[k]
		if v, ok := has[keyOf(r)]; !ok || compare(r.Version, v) > 0 {
			has[keyOf(r)] = r.Version
		}
	}
	ahead := false
	for k := range older.Definition.Packages {
		r := &older.Definition.Packages[k]
		v, ok := has[keyOf(r)]
		if !ok || compare(v, r.Version) < 0 {
			return false
		}
		ahead = ahead || compare(v, r.Version) > 0
	}
	return ahead
}
