package catalog

import (
	"slices"

	"github.com/fettle-project/fettle/internal/version"
)

// supersession gives for each of n patches those of the same source with the next lower version. A patch with no source takes no
// part. Equal versions in two suites are not related.
func supersession(n int, named func(i int) (source, version string), compare func(a, b string) int) [][]int {
	bySource := make(map[string][]int, n)
	versions := make([]string, n)
	for i := range n {
		var source string
		if source, versions[i] = named(i); source != "" {
			bySource[source] = append(bySource[source], i)
		}
	}
	older := make([][]int, n)
	for _, list := range bySource {
		if len(list) < 2 {
			continue
		}
		slices.SortStableFunc(list, func(i, j int) int { return compare(versions[i], versions[j]) })
		var below, level []int
		for k, i := range list {
			if k > 0 && compare(versions[list[k-1]], versions[i]) != 0 {
				below, level = level, nil
			}
			older[i] = below
			level = append(level, i)
		}
	}
	return older
}

// supersedeParsed derives supersession for the patches that can be installed and whose feed says nothing about it. Streams of an rpm
// module do not replace each other.
func supersedeParsed(all []made, scheme version.Scheme) {
	compare := func(a, b string) int {
		n, _ := version.Compare(scheme, a, b)
		return n
	}
	older := supersession(len(all), func(i int) (string, string) {
		m := &all[i]
		_, err := version.Compare(scheme, m.patch.Version, m.patch.Version)
		if len(m.files) == 0 || len(m.patch.Supersedes) > 0 || m.patch.Source == "" || len(m.rule.Packages) == 0 || err != nil {
			return "", ""
		}
		return m.patch.Source + " " + m.rule.Packages[0].Module, m.patch.Version
	}, compare)
	for i := range all {
		for _, j := range older[i] {
			all[i].patch.Supersedes = append(all[i].patch.Supersedes, all[j].patch.ID)
		}
	}
}
