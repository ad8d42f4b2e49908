package rpm

import (
	"cmp"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/advisory"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
)

// fromAdvisory makes the patch of an advisory.
func (b *builder) fromAdvisory(a *Advisory) detect.Entry {
	e := detect.Entry{Patch: patch.Patch{
		ID: b.id(cmp.Or(a.ID, "_")), Title: cmp.Or(a.Title, a.ID), Suite: b.prefix, Category: patch.Update, Severity: advisory.Severity(a.Severity),
		CVEs: distinct(a.CVEs), Released: a.Issued,
	}}
	if a.Type == "security" {
		e.Patch.Category = patch.Security
		e.Patch.Severity = cmp.Or(e.Patch.Severity, advisory.SeverityOfTitle(a.Title))
	}
	e.Definition = detect.Definition{ID: e.Patch.ID, Unclear: a.Unclear}
	if main := mainRow(a.Rows); main != nil {
		e.Patch.Source, e.Patch.Version = main.Name, main.EVR.String()
		if n, ok := ParseNEVRA(strings.TrimSuffix(main.Source, ".rpm")); ok {
			e.Patch.Source = n.Name
		}
	}
	if a.Unclear != "" {
		return e
	}
	var files []Package
	for i := range a.Rows {
		r := &a.Rows[i]
		e.Definition.Packages = append(e.Definition.Packages, rule(&r.NEVRA, r.Module))
		if p, ok := b.files[r.NEVRA.String()]; ok {
			files = append(files, p)
		}
	}
	e.Files, e.Asks = b.payloads(files)
	return e
}

// mainRow is the row whose package stands for the advisory: the first that is nobody's library, devel or documentation package.
func mainRow(rows []Row) *Row {
	for i := range rows {
		if !advisory.Aside(rows[i].Name) {
			return &rows[i]
		}
	}
	if len(rows) > 0 {
		return &rows[0]
	}
	return nil
}

// fromSource makes the patch of a source package's version that no advisory brings.
func (b *builder) fromSource(s *sourced) detect.Entry {
	slices.SortFunc(s.pkgs, func(x, y Package) int { return cmp.Or(cmp.Compare(x.Name, y.Name), cmp.Compare(x.Arch, y.Arch)) })
	main := &s.pkgs[0]
	for i := range s.pkgs {
		if s.pkgs[i].Name == s.key.name {
			main = &s.pkgs[i]
			break
		}
	}
	parts := []string{s.key.name, s.key.evr}
	if s.key.module != "" && s.key.module != advisory.AnyStream {
		parts = []string{s.key.module, s.key.name, s.key.evr}
	}
	e := detect.Entry{Patch: patch.Patch{
		ID: b.id(parts...), Title: s.key.name + " " + s.key.evr, Source: s.key.name, Version: s.key.evr, Suite: b.prefix, Category: patch.Update,
	}}
	if main.Summary != "" {
		e.Patch.Title += ": " + main.Summary
	}
	e.Definition.ID = e.Patch.ID
	for i := range s.pkgs {
		p := &s.pkgs[i]
		e.Definition.Packages = append(e.Definition.Packages, rule(&p.NEVRA, s.key.module))
		if p.Filed.After(e.Patch.Released) {
			e.Patch.Released = p.Filed
		}
	}
	e.Files, e.Asks = b.payloads(s.pkgs)
	return e
}

func rule(n *NEVRA, module string) detect.PackageRule {
	return detect.PackageRule{Name: n.Name, Arch: n.Arch, Version: n.EVR.String(), Module: module}
}

// payloads are the files of a patch, with what they ask of others: all of those that the repository vouches for by SHA-256.
func (b *builder) payloads(pkgs []Package) (files []patch.PayloadFile, asks []detect.Asks) {
	for i := range pkgs {
		p := &pkgs[i]
		if p.SHA256 == "" {
			continue
		}
		f := patch.PayloadFile{Payload: patch.Payload{Name: p.Name, Arch: p.Arch, Version: p.EVR.String(), Size: p.Size}, URL: p.Location,
			SHA256: p.SHA256, Origin: b.primary, Replaces: p.replaces()}
		for _, name := range p.Siblings {
			other := slices.ContainsFunc(pkgs, func(o Package) bool { return o.Name == name && o.SHA256 != "" })
			if other && name != p.Name && !slices.Contains(f.Needs, name) {
				f.Needs = append(f.Needs, name)
			}
		}
		files, asks = append(files, f), append(asks, told(p))
	}
	return files, asks
}

func told(p *Package) detect.Asks {
	if p.Asks == nil {
		return detect.Asks{}
	}
	return *p.Asks
}

// replaces are the packages of other names that the package obsoletes, in the operators of patch.Relation.
func (p *Package) replaces() []patch.Relation {
	var out []patch.Relation
	for _, o := range p.Obsoletes {
		r := patch.Relation{Name: o.Name, Op: opOf(o.Flags)}
		if o.Name == p.Name || o.Flags != "" && (r.Op == "" || !o.EVR.valid()) {
			continue
		}
		if r.Op != "" {
			r.Version = o.EVR.String()
		}
		out = append(out, r)
	}
	return out
}

// fromObsoletes makes the patch "P replaces others": needed where one of these is installed, done when none is. It is apart from P's
// own patches, because machines that have P need those and machines without P need this; rpm calls it no update of what it removes. Where
// the administrator holds either, dnf does not offer it.
func (b *builder) fromObsoletes(s stream, p Package) (detect.Entry, bool) {
	var there []detect.Expr
	var names []string
	for _, o := range p.Obsoletes {
		if o.Name == p.Name {
			continue
		}
		if x, ok := obsoleted(o); ok {
			there = append(there, detect.And(x, free(o.Name)))
			names = append(names, o.Name)
		}
	}
	if len(there) == 0 || s.module != "" {
		return detect.Entry{}, false
	}
	names = distinct(names)
	evr := p.EVR.String()
	e := detect.Entry{Patch: patch.Patch{
		ID: b.id("obsoletes", p.Name+"."+p.Arch, evr), Title: line(p.Name + " " + evr + " replaces " + strings.Join(names, ", ")), Source: p.Name, Version: evr, Suite: b.prefix,
		Category: patch.Update, Released: p.Filed,
	}}
	// Where it has come, nothing of the others is left: that is what proves it.
	here := detect.Is(detect.Test{Kind: detect.TestVersion, Name: p.Name, Operand: evr})
	prerequisite := detect.And(free(p.Name), detect.Or(append(there[:len(there):len(there)], here)...))
	installed := detect.Not(detect.Or(there...))
	e.Definition = detect.Definition{ID: e.Patch.ID, Prerequisite: &prerequisite, Installed: &installed}
	e.Files, e.Asks = b.payloads([]Package{p})
	for i := range e.Files {
		e.Files[i].Instead = true
	}
	return e, true
}

// free asks whether the machine's administrator lets a package change.
func free(name string) detect.Expr {
	return detect.Not(detect.Is(detect.Test{Kind: detect.TestHeld, Name: name}))
}

// obsoleted asks whether a package is there in a version that is obsoleted. rpm looks at names only, never at what packages provide.
func obsoleted(o Relation) (detect.Expr, bool) {
	is := func(kind detect.TestKind, operand string) detect.Expr {
		return detect.Is(detect.Test{Kind: kind, Name: o.Name, Operand: operand})
	}
	there := is(detect.TestInstalled, "")
	if o.Flags == "" {
		return there, true
	}
	if !o.EVR.valid() {
		return there, false
	}
	from, after := is(detect.TestVersion, o.EVR.String()), is(detect.TestVersion, o.EVR.after().String())
	switch o.Flags {
	case "LT":
		return detect.And(there, detect.Not(from)), true
	case "LE":
		return detect.And(there, detect.Not(after)), true
	case "EQ":
		return detect.And(from, detect.Not(after)), true
	case "GE":
		return from, true
	case "GT":
		return after, true
	}
	return there, false
}

// distinct gives the words sorted, each once.
func distinct(words []string) []string {
	if len(words) == 0 {
		return nil
	}
	words = slices.Clone(words)
	slices.Sort(words)
	return slices.Compact(words)
}

// merge joins patches that came twice under one ID, as advisories do that updateinfo lists in parts: the machine needs all of them.
func merge(all []detect.Entry) []detect.Entry {
	slices.SortStableFunc(all, func(x, y detect.Entry) int { return cmp.Compare(x.Patch.ID, y.Patch.ID) })
	kept := all[:0]
	for _, e := range all {
		if n := len(kept); n > 0 && kept[n-1].Patch.ID == e.Patch.ID {
			first := &kept[n-1]
			first.Definition.Unclear = cmp.Or(first.Definition.Unclear, e.Definition.Unclear)
			first.Definition.Packages = append(first.Definition.Packages, e.Definition.Packages...)
			first.Files, first.Asks = append(first.Files, e.Files...), append(first.Asks, e.Asks...)
			first.Patch.CVEs = distinct(append(first.Patch.CVEs, e.Patch.CVEs...))
			continue
		}
		kept = append(kept, e)
	}
	return kept
}
