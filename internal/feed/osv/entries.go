package osv

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/advisory"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// row is one span of versions of one package that an advisory ends.
type row struct {
	name, arch, module string
	window
}

// entryOf makes the patch of an advisory for one host OS from its rows about this OS; ok is false where none of them names a fixed
// version that machines of this OS could have.
func entryOf(a *Advisory, os patch.HostOS) (e detect.Entry, ok bool) {
	rows, unclear := rowsOf(a, os)
	if len(rows) == 0 && unclear == "" {
		return e, false
	}
	prefix := advisory.Prefix(os)
	e.Patch = patch.Patch{ID: patch.ID(prefix + "/" + a.ID), Title: cmp.Or(line(a.Summary), a.ID), Suite: prefix, Category: patch.Update,
		Severity: a.severity(), CVSS: a.score(), CVEs: distinct(a.cves()), Released: cmp.Or(a.Published, a.Modified).UTC()}
	if a.security() {
		e.Patch.Category = patch.Security
	}
	if main := mainRow(rows); main != nil {
		e.Patch.Source, e.Patch.Version = main.name, main.fixed
	}
	e.Definition = definition(rows)
	e.Definition.ID, e.Definition.Unclear = e.Patch.ID, cmp.Or(unclear, e.Definition.Unclear)
	return e, true
}

func rowsOf(a *Advisory, os patch.HostOS) (rows []row, unclear string) {
	native := advisory.ArchOf(os)
	for i := range a.Affected {
		f := &a.Affected[i]
		if where, ok := HostOS(f.Package.Ecosystem, native); !ok || where != os {
			continue
		}
		r := row{name: word(f.Package.Name), arch: word(f.Arch.Arch)}
		if advisory.Debug(r.name) || !advisory.Installable(native, r.arch) {
			continue
		}
		if r.name == "" {
			unclear = "it is about a package without a usable name"
			continue
		}
		spans, err := f.windows()
		if err != nil {
			unclear = err.Error()
			continue
		}
		for _, r.window = range spans {
			if _, err := version.Compare(version.RPM, r.fixed, cmp.Or(r.introduced, r.fixed)); err != nil {
				unclear = fmt.Sprintf("it gives %.60q as a version of %s", r.fixed, r.name)
				continue
			}
			r.fixed = strings.TrimPrefix(r.fixed, "0:")
			r.module = ""
			if advisory.ModularRelease(r.fixed) {
				r.module = advisory.AnyStream
			}
			rows = append(rows, r)
		}
	}
	return rows, unclear
}

// definition is a package set where every fault was there from the beginning, else trees that say when it came.
func definition(rows []row) detect.Definition {
	var d detect.Definition
	if !slices.ContainsFunc(rows, func(r row) bool { return r.introduced != "" }) {
		for _, r := range rows {
			d.Packages = append(d.Packages, r.rule())
		}
		return d
	}
	var concerned, mended []detect.Expr
	for _, r := range rows {
		if r.module != "" {
			return detect.Definition{Unclear: "it names a first affected version of " + r.name + ", a package of a module"}
		}
		there := detect.Is(detect.Test{Kind: detect.TestInstalled, Name: r.name, Arch: r.arch})
		fixed := detect.Is(detect.Test{Kind: detect.TestVersion, Name: r.name, Arch: r.arch, Operand: r.fixed})
		if r.introduced == "" {
			concerned = append(concerned, there)
			mended = append(mended, detect.Or(detect.Not(there), fixed))
			continue
		}
		came := detect.Is(detect.Test{Kind: detect.TestVersion, Name: r.name, Arch: r.arch, Operand: r.introduced})
		concerned = append(concerned, came)
		mended = append(mended, detect.Or(detect.Not(came), fixed))
	}
	prerequisite, installed := detect.Or(concerned...), detect.And(mended...)
	d.Prerequisite, d.Installed = &prerequisite, &installed
	return d
}

func (r *row) rule() detect.PackageRule {
	return detect.PackageRule{Name: r.name, Arch: r.arch, Version: r.fixed, Module: r.module}
}

func mainRow(rows []row) *row {
	for i := range rows {
		if !advisory.Aside(rows[i].name) {
			return &rows[i]
		}
	}
	if len(rows) > 0 {
		return &rows[0]
	}
	return nil
}

func distinct(words []string) []string {
	slices.Sort(words)
	return slices.Compact(words)
}
