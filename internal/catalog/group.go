package catalog

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// grouped is one patch in the making: a source package's version in a suite, with the binary packages built from it.
type grouped struct {
	id      patch.ID
	suite   string
	label   string
	source  string
	version string
	dated   time.Time
	files   []debFile // sorted by name, then architecture
	unclear string
}

type groupKey struct{ suite, source, version string }

// group sorts the binaries of all sources into patches, sorted by ID.
func group(sources []Source, parts [][]debFile) []*grouped {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	byKey := make(map[groupKey]*grouped, n/2)
	groups := make([]*grouped, 0, n/2)
	for i, part := range parts {
		s := &sources[i]
		for _, b := range part {
			key := groupKey{s.Origin.Suite, b.source, b.sourceVersion}
			gr := byKey[key]
			if gr == nil {
				gr = &grouped{suite: s.Origin.Suite, label: s.Label, source: b.source, version: b.sourceVersion, dated: s.Origin.Dated}
				gr.id = patchID(gr.suite, gr.source, gr.version)
				byKey[key] = gr
				groups = append(groups, gr)
			}
			gr.unclear = cmp.Or(gr.unclear, b.unclear)
			gr.files = append(gr.files, b)
		}
	}
	slices.SortFunc(groups, func(a, b *grouped) int { return cmp.Compare(a.id, b.id) })
	for _, gr := range groups {
		gr.settle()
	}
	return groups
}

// patchID names a patch. Of valid names and versions nothing is escaped; hostile ones lose what could break a line or a path.
func patchID(suite, source, version string) patch.ID {
	return patch.ID(suite + "/" + idPart(source) + "/" + idPart(version))
}

func idPart(s string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+~:-_"
	if s != "" && len(s) <= 256 && strings.Trim(s, plain) == "" {
		return s
	}
	return "_" + url.QueryEscape(s[:min(len(s), 80)])
}

// settle sorts the files and leaves one for each name and architecture: the newest, since a rebuild (+b1) replaces what it rebuilt.
func (gr *grouped) settle() {
	slices.SortStableFunc(gr.files, func(a, b debFile) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.arch, b.arch), -version.DpkgCompare(a.version, b.version))
	})
	gr.files = slices.CompactFunc(gr.files, func(a, b debFile) bool {
		if a.name != b.name || a.arch != b.arch {
			return false
		}
		if a.version == b.version && a.sha256 != b.sha256 {
			gr.unclear = cmp.Or(gr.unclear, fmt.Sprintf("the vendor's indexes give two different files for %s %s", a.name, a.version))
		}
		return true
	})
}

// offered are the files that may be installed: none of a patch that was not understood.
func (gr *grouped) offered() []debFile {
	if gr.unclear != "" {
		return nil
	}
	return gr.files
}

// describe makes the list's entries.
func describe(groups []*grouped, previous *List) []patch.Patch {
	older := supersession(groups)
	patches := make([]patch.Patch, len(groups))
	for i, gr := range groups {
		p := &patches[i]
		*p = patch.Patch{
			ID: gr.id, Source: gr.source, Version: gr.version, Suite: gr.suite, Category: category(gr), Released: gr.dated.UTC().Truncate(time.Second),
		}
		if gr.unclear != "" {
			p.Source, p.Version = string(plainText([]byte(gr.source))), string(plainText([]byte(gr.version)))
		}
		p.Title = title(p.Source, p.Version, gr.main().description)
		for _, j := range older[i] {
			p.Supersedes = append(p.Supersedes, groups[j].id)
		}
		for _, f := range gr.offered() {
			p.Payloads = append(p.Payloads, patch.Payload{Name: f.name, Arch: f.arch, Version: f.version, Size: f.size})
		}
		if previous == nil {
			continue
		}
		if j, ok := previous.Index(gr.id); ok {
			was := previous.At(j)
			p.Released, p.Severity, p.CVEs = was.Released, was.Severity, was.CVEs
		}
	}
	return patches
}

func category(gr *grouped) patch.Category {
	if strings.HasSuffix(gr.suite, "-security") || gr.label == "Debian-Security" {
		return patch.Security
	}
	return patch.Update
}

func title(source, version, description string) string {
	if description == "" {
		return source + " " + version
	}
	return source + " " + version + ": " + description
}

// main is the binary package whose description stands for the patch: the source's namesake, else the first that is not an aside.
func (gr *grouped) main() *debFile {
	best := 0
	for i := range gr.files {
		if gr.files[i].name == gr.source {
			return &gr.files[i]
		}
		if aside(gr.files[best].name) && !aside(gr.files[i].name) {
			best = i
		}
	}
	return &gr.files[best]
}

func aside(name string) bool {
	for _, ending := range []string{"-dev", "-doc", "-docs", "-dbg", "-dbgsym", "-data", "-common", "-examples"} {
		if strings.HasSuffix(name, ending) {
			return true
		}
	}
	return strings.HasPrefix(name, "gir1.2-") || strings.Contains(name, "-headers")
}

// supersession gives for each group the groups of the same source with the next lower version. Equal versions in two suites are
// not related.
func supersession(groups []*grouped) [][]int {
	bySource := make(map[string][]int, len(groups))
	for i, gr := range groups {
		if gr.unclear == "" {
			bySource[gr.source] = append(bySource[gr.source], i)
		}
	}
	older := make([][]int, len(groups))
	for _, list := range bySource {
		if len(list) < 2 {
			continue
		}
		slices.SortStableFunc(list, func(i, j int) int { return version.DpkgCompare(groups[i].version, groups[j].version) })
		var below, level []int
		for k, i := range list {
			if k > 0 && version.DpkgCompare(groups[list[k-1]].version, groups[i].version) != 0 {
				below, level = level, nil
			}
			older[i] = below
			level = append(level, i)
		}
	}
	return older
}
