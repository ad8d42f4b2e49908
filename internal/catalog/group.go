package catalog

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/fettle-project/fettle/internal/detect"
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
	brought []debFile // of other patches, which come along: see bring
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

// carried are the files that may be installed and those that come along.
func (gr *grouped) carried() []debFile {
	if len(gr.brought) == 0 {
		return gr.offered()
	}
	return append(slices.Clip(gr.offered()), gr.brought...)
}

// fromArchives makes patches of what stands in package indexes.
func fromArchives(groups []*grouped, previous *List) []made {
	older := supersession(len(groups), func(i int) (string, string) {
		if groups[i].unclear != "" {
			return "", ""
		}
		return groups[i].source, groups[i].version
	}, version.DpkgCompare)
	all := make([]made, len(groups))
	for i, gr := range groups {
		all[i] = made{patch: gr.describe(previous), rule: gr.definition()}
		for _, j := range older[i] {
			all[i].patch.Supersedes = append(all[i].patch.Supersedes, groups[j].id)
		}
		for k, f := range gr.carried() {
			all[i].files = append(all[i].files, madeFile{address: f.filename, sha256: f.sha256, origin: f.from, needs: gr.needs(k), along: k >= len(gr.files),
				asks: asks{depends: f.depends, breaks: f.breaks, provides: f.provides}})
		}
	}
	return all
}

// describe makes the list's entry, without what it supersedes.
func (gr *grouped) describe(previous *List) patch.Patch {
	p := patch.Patch{
		ID: gr.id, Source: gr.source, Version: gr.version, Suite: gr.suite, Category: category(gr), Released: gr.dated.UTC().Truncate(time.Second),
	}
	if gr.unclear != "" {
		p.Source, p.Version = string(plainText([]byte(gr.source))), string(plainText([]byte(gr.version)))
	}
	p.Title = title(p.Source, p.Version, gr.main().description)
	for _, f := range gr.carried() {
		p.Payloads = append(p.Payloads, patch.Payload{Name: f.name, Arch: f.arch, Version: f.version, Size: f.size})
	}
	if previous == nil {
		return p
	}
	if j, ok := previous.Index(gr.id); ok {
		was := previous.At(j)
		p.Released, p.Severity, p.CVSS, p.CVEs = was.Released, was.Severity, was.CVSS, was.CVEs
	}
	return p
}

// definition tells how to judge the patch: by its binary packages.
func (gr *grouped) definition() detect.Definition {
	d := detect.Definition{ID: gr.id, Unclear: gr.unclear}
	if gr.unclear != "" {
		return d
	}
	d.Packages = make([]detect.PackageRule, len(gr.files))
	for j, f := range gr.files {
		d.Packages[j] = detect.PackageRule{Name: f.name, Arch: f.arch, Version: f.version, From: f.provenance}
	}
	return d
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
