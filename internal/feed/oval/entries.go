package oval

import (
	"regexp"
	"slices"
	"strconv"
	"sync"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/item"
	"github.com/fettle-project/fettle/internal/patch"
)

var (
	definitionID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^oval:([A-Za-z0-9_.-]+):def:([1-9][0-9]*)$`) })
	security     = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(USN|DSA|DLA|ALAS|GLSA|[A-Z]{1,3}SA|(open)?SUSE-SU)[-0-9]`)
	})
)

// Entries gives a patch for each definition of class patch or vulnerability, by the host OS that it is for; arch is dpkg's or rpm's word for the
// machines' architecture. A document that has none of these classes gives all its definitions. Deprecated ones are withdrawn by their
// vendor, and are no patches.
//
// A patch is called by its definition: org.debian/100000017 is oval:org.debian:def:100000017. Vendors make these numbers from their
// advisories', so that RHSA-2024:1234 is com.redhat.rhsa/20241234.
func (d *Document) Entries(arch string) map[patch.HostOS][]detect.Entry {
	used := map[patch.ID]int{}
	out := map[patch.HostOS][]detect.Entry{}
	r := newRelaxer()
	for _, def := range d.Patches() {
		id, suite, number := def.patchID()
		if used[id]++; used[id] > 1 {
			id += patch.ID("~" + strconv.Itoa(used[id]))
		}
		e := r.entry(def)
		e.Patch.ID, e.Patch.Suite, e.Patch.Version, e.Definition.ID = id, suite, number, id
		for _, os := range def.HostOSes(arch) {
			out[os] = append(out[os], e)
		}
	}
	return out
}

// Patches are the definitions that Entries makes patches of, in the document's order.
func (d *Document) Patches() []*Definition {
	var patches, rest []*Definition
	for _, def := range d.Definitions {
		switch {
		case def.Deprecated:
		case def.Class == PatchClass || def.Class == Vulnerability:
			patches = append(patches, def)
		default:
			rest = append(rest, def)
		}
	}
	if len(patches) == 0 {
		return rest
	}
	return patches
}

// Withdrawn names the patches of deprecated definitions.
func (d *Document) Withdrawn() []patch.ID {
	var ids []patch.ID
	for _, def := range d.Definitions {
		if def.Deprecated {
			id, _, _ := def.patchID()
			ids = append(ids, id)
		}
	}
	return ids
}

// patchID cuts oval:NAMESPACE:def:NUMBER. An ID of another shape is taken as it is, without what no patch can be called.
func (d *Definition) patchID() (id patch.ID, suite, number string) {
	if m := definitionID().FindStringSubmatch(d.ID); m != nil && len(m[0]) < 200 {
		return patch.ID(m[1] + "/" + m[2]), m[1], m[2]
	}
	b := []byte(clip(d.ID, 200))
	for i, c := range b {
		if c <= 0x20 || c > 0x7e {
			b[i] = '_'
		}
	}
	return "oval/" + patch.ID(b), "oval", string(b)
}

func newRelaxer() *relaxer {
	return &relaxer{splitter: splitter{map[*item.Test][]*item.Test{}}, tests: map[*item.Test]*item.Test{}}
}

func (r *relaxer) entry(d *Definition) detect.Entry {
	prerequisite, needed := d.tree(r.leaf), d.tree(r.splitter.leaf)
	installed := detect.Not(needed)
	e := detect.Entry{Definition: detect.Definition{Prerequisite: &prerequisite, Installed: &installed, Unclear: d.Fault}}
	e.Patch = patch.Patch{Title: d.Title, Source: d.about(), Category: patch.Update, Severity: d.Severity, CVSS: d.CVSS, CVEs: d.CVEs,
		Advisory: d.Advisory, Released: d.Released}
	if e.Patch.Title == "" {
		e.Patch.Title = d.ID
	}
	if d.Class == Vulnerability || len(d.CVEs) > 0 || security().MatchString(d.Advisory) {
		e.Patch.Category = patch.Security
	}
	return e
}

// about names the one package that the definition is about, or the vendor's advisory.
func (d *Definition) about() string {
	var names []string
	for _, t := range d.Tests() {
		names = append(names, packageNames(t)...)
	}
	slices.Sort(names)
	switch names = slices.Compact(names); {
	case len(names) == 1:
		return names[0]
	case len(d.Products) == 1:
		return d.Products[0]
	}
	return d.Advisory
}
