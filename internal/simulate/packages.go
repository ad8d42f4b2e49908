package simulate

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// waves are the points in time up to which machines are patched: the last ones are the newest patches.
const waves = 24

// line is one package that machines of a group have, with the versions that its patches brought, oldest first.
type line struct {
	source string
	arch   string
	names  []string // binary packages
	levels []level
}

type level struct {
	version string
	wave    int // when it came; 0 with the installation
	patches int // that are about this version
}

// linesOf reads, from a list, which packages there are and how their versions follow each other.
func linesOf(os patch.HostOS, patches []patch.Patch, r *rand.Rand) []line {
	scheme, bySource := version.Of(os), map[string]*line{}
	var order []string
	for i := range patches {
		p := &patches[i]
		names, arch, v := binaries(p)
		if p.Source == "" || len(names) == 0 || v == "" {
			continue
		}
		l := bySource[p.Source]
		if l == nil {
			l = &line{source: p.Source, arch: arch, names: names}
			bySource[p.Source] = l
			order = append(order, p.Source)
		}
		if at := slices.IndexFunc(l.levels, func(x level) bool { return x.version == v }); at >= 0 {
			l.levels[at].patches++
		} else {
			l.levels = append(l.levels, level{version: v, patches: 1})
		}
	}
	slices.Sort(order)
	var all []line
	for _, s := range order {
		if l := bySource[s]; l.settle(scheme, r) {
			all = append(all, *l)
		}
	}
	return all
}

// binaries gives the packages that a patch brings, at most two, and their version.
func binaries(p *patch.Patch) (names []string, arch, v string) {
	for _, f := range p.Payloads {
		if (f.Arch == "amd64" || f.Arch == "all" || f.Arch == "x86_64" || f.Arch == "noarch") && len(names) < 2 && (arch == "" || arch == f.Arch && v == f.Version) {
			names, arch, v = append(names, f.Name), f.Arch, f.Version
		}
	}
	if len(names) == 0 && len(p.Payloads) == 0 {
		return []string{p.Source}, "x86_64", p.Version
	}
	return names, arch, v
}

// settle orders the versions and says when each came. It reports whether they can be ordered.
func (l *line) settle(scheme version.Scheme, r *rand.Rand) (ok bool) {
	ok = true
	slices.SortFunc(l.levels, func(a, b level) int {
		n, err := version.Compare(scheme, a.version, b.version)
		ok = ok && err == nil
		return cmp.Or(n, strings.Compare(a.version, b.version))
	})
	came := make([]int, 0, len(l.levels))
	for range l.levels[1:] {
		came = append(came, 1+r.IntN(waves))
	}
	slices.Sort(came)
	first := 0
	if r.IntN(12) == 0 && (len(came) == 0 || came[0] > 1) {
		first = 1
	}
	l.levels[0].wave = first
	for i, w := range came {
		l.levels[i+1].wave = max(w, first)
	}
	return ok
}

// weight is how many patches apply to a machine that has the package.
func (l *line) weight() int {
	n := 0
	for _, v := range l.levels {
		n += v.patches
	}
	return n
}

// choose takes packages at random until as many patches apply as wanted, but leaves most of the catalog to other machines.
func choose(all []line, wanted int, r *rand.Rand) []line {
	shuffled := slices.Clone(all)
	r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	n, most := 0, max(1, len(all)/2)
	for i := range shuffled {
		if n >= wanted || i >= most {
			shuffled = shuffled[:i]
			break
		}
		n += shuffled[i].weight()
	}
	slices.SortFunc(shuffled, func(a, b line) int { return strings.Compare(a.source, b.source) })
	return shuffled
}

// at gives the version that a machine has which is patched up to a wave; one below the first is older than every patch.
func (l *line) at(wave int) string {
	v := l.levels[0].version + "~"
	for _, x := range l.levels {
		if x.wave <= wave {
			v = x.version
		}
	}
	return v
}
