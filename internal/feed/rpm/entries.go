package rpm

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/advisory"
	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
)

// ParserVersion grows with every change that gives other entries for the same files.
const ParserVersion = 3

// Open gives a raw file by its hash.
type Open func(patch.Hash) (io.ReadCloser, error)

// Entries makes patches of a generation of an "rpm" or "updateinfo" feed for one host OS:
//
//   - one for each advisory: almalinux-9/ALSA-2024:1234;
//   - one for each version of a source package of which the repository has builds that are newer than its advisories':
//     almalinux-9/bash/5.1.8-9.el9;
//   - one for each package that replaces others under another name: almalinux-9/obsoletes/new-name/2.0-1.
//
// Rows for foreign architectures, source and debug packages are left out; an advisory of nothing else is none for this OS. Advisories
// that the vendor has retracted are withdrawn.
func Entries(ctx context.Context, os patch.HostOS, state patch.FeedState, open Open) (all []detect.Entry, withdrawn []patch.ID, err error) {
	b := newBuilder(os)
	for _, kind := range []string{typeUpdateinfo, typeModules, typePrimary} {
		for i, o := range state.Origins {
			if o.Component != kind {
				continue
			}
			if err := ctx.Err(); err != nil {
				return nil, nil, err
			}
			b.origin = i
			if err := b.read(o, open); err != nil {
				return nil, nil, err
			}
		}
	}
	return b.entries(), b.withdrawn, nil
}

// builder collects what the files of one repository say.
type builder struct {
	native string
	prefix string
	origin int // of the file that is being read
	budget *budget

	advisories []Advisory
	fixed      map[string]bool    // builds that an advisory brings, by NEVRA
	modules    map[string]string  // builds of modules: "nodejs:18" by NEVRA
	files      map[string]Package // of builds that an advisory brings, by NEVRA
	sources    map[sourceKey]*sourced
	replacing  map[stream]Package // newest build of packages that replace others
	last       map[stream]EVR     // newest build of each package of the repository
	unclear    []Package
	asks       asks
	withdrawn  []patch.ID // retracted advisories
	primary    int        // number of primary's origin
}

// stream is one package as versions of it follow each other.
type stream struct{ name, arch, module string }

type sourceKey struct{ name, evr, module string }

// sourced is one version of a source package with the builds that no advisory brings.
type sourced struct {
	key  sourceKey
	evr  EVR
	pkgs []Package
}

func newBuilder(os patch.HostOS) *builder {
	return &builder{native: advisory.ArchOf(os), prefix: advisory.Prefix(os), budget: newBudget(), fixed: map[string]bool{},
		modules: map[string]string{}, files: map[string]Package{}, sources: map[sourceKey]*sourced{},
		replacing: map[stream]Package{}, last: map[stream]EVR{}}
}

func (b *builder) read(o patch.Origin, open Open) error {
	f, err := open(o.Index)
	if err != nil {
		return err
	}
	defer f.Close()
	r := debian.Decompress(o.IndexPath, f, MaxMetadata)
	switch o.Component {
	case typeUpdateinfo:
		return b.readUpdateinfo(r)
	case typeModules:
		return ParseModules(r, b.addModule)
	}
	b.primary = b.origin
	return b.readPrimary(r)
}

func (b *builder) readUpdateinfo(r io.Reader) error {
	for a, err := range Advisories(r) {
		if err != nil {
			return err
		}
		if err := b.budget.spend("updateinfo.xml", a.kept()); err != nil {
			return err
		}
		b.addAdvisory(a)
	}
	return nil
}

func (b *builder) addAdvisory(a Advisory) {
	listed := len(a.Rows)
	a.Rows = slices.DeleteFunc(a.Rows, func(r Row) bool { return !b.usable(r.Name, r.Arch) })
	if a.Status == statusRetracted && a.ID != "" {
		b.withdrawn = append(b.withdrawn, b.id(a.ID))
	}
	if a.Status == statusRetracted || len(a.Rows) == 0 && (listed > 0 || a.Unclear == "") {
		return
	}
	b.advisories = append(b.advisories, a)
	for i := range a.Rows {
		b.fixed[a.Rows[i].NEVRA.String()] = true
	}
}

func (b *builder) usable(name, arch string) bool {
	return advisory.Installable(b.native, arch) && !advisory.Debug(name)
}

func (b *builder) addModule(m Module) error {
	n := 0
	for _, a := range m.Artifacts {
		if b.usable(a.Name, a.Arch) {
			n += 120 + len(a.Name)
			b.modules[a.String()] = m.NameStream()
		}
	}
	return b.budget.spend("modules.yaml", n)
}

// settle gives advisories' rows of which only the release says that they are for a module the stream that the repository knows.
func (b *builder) settle() {
	for i := range b.advisories {
		rows := b.advisories[i].Rows
		for j := range rows {
			if m, ok := b.modules[rows[j].NEVRA.String()]; ok && (rows[j].Module == "" || rows[j].Module == advisory.AnyStream) {
				rows[j].Module = m
			}
		}
	}
}

// beyond leaves those builds that are newer than what advisories bring and the repository has: an older one is no patch of its own,
// because the advisory that passed it by is.
func (b *builder) beyond() {
	newest := map[stream]EVR{}
	for nevra, p := range b.files {
		s := stream{p.Name, p.Arch, b.moduleOf(nevra, p.Release)}
		if v, ok := newest[s]; !ok || newer(p.EVR, v) {
			newest[s] = p.EVR
		}
	}
	for key, group := range b.sources {
		group.pkgs = slices.DeleteFunc(group.pkgs, func(p Package) bool {
			v, ok := newest[stream{p.Name, p.Arch, key.module}]
			return ok && !newer(p.EVR, v)
		})
		if len(group.pkgs) == 0 {
			delete(b.sources, key)
		}
	}
}

func (b *builder) readPrimary(r io.Reader) error {
	for p, err := range Packages(r) {
		if err != nil {
			return err
		}
		if !b.usable(p.Name, p.Arch) {
			continue
		}
		if err := b.addPackage(p); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) addPackage(p Package) error {
	b.asks.take(&p)
	spend := func() error { return b.budget.spend("primary.xml", p.kept()) }
	if p.Unclear != "" {
		b.unclear = append(b.unclear, p)
		return spend()
	}
	nevra := p.NEVRA.String()
	s := stream{p.Name, p.Arch, b.moduleOf(nevra, p.Release)}
	b.replace(s, p)
	if b.fixed[nevra] {
		b.files[nevra] = p
		return spend()
	}
	source, evr := p.sourceName()
	key := sourceKey{source, evr.String(), s.module}
	group := b.sources[key]
	if group == nil {
		group = &sourced{key: key, evr: evr}
		b.sources[key] = group
	}
	group.pkgs = append(group.pkgs, p)
	return spend()
}

// moduleOf gives the module stream of a build. One that only its release marks is of a stream that nobody tells.
func (b *builder) moduleOf(nevra, release string) string {
	if m, ok := b.modules[nevra]; ok {
		return m
	}
	if advisory.ModularRelease(release) {
		return advisory.AnyStream
	}
	return ""
}

// replace keeps the newest build of each package that replaces others.
func (b *builder) replace(s stream, p Package) {
	if v, ok := b.last[s]; ok && !newer(p.EVR, v) {
		return
	}
	b.last[s] = p.EVR
	delete(b.replacing, s)
	if len(p.Obsoletes) > 0 {
		b.replacing[s] = p
	}
}

func newer(a, b EVR) bool { return a.compare(b) > 0 }

// entries makes the patches, in a stable order.
func (b *builder) entries() []detect.Entry {
	b.settle()
	b.beyond()
	var all []detect.Entry
	for i := range b.advisories {
		all = append(all, b.fromAdvisory(&b.advisories[i]))
	}
	for _, s := range b.sources {
		all = append(all, b.fromSource(s))
	}
	for s, p := range b.replacing {
		if e, ok := b.fromObsoletes(s, p); ok {
			all = append(all, e)
		}
	}
	for _, p := range b.unclear {
		id := b.id("unclear", cmp.Or(p.Name, "_"))
		all = append(all, detect.Entry{
			Patch:      patch.Patch{ID: id, Title: "a package of the repository", Suite: b.prefix, Category: patch.Update},
			Definition: detect.Definition{ID: id, Unclear: p.Unclear},
		})
	}
	all = merge(all)
	advisory.Supersede(all)
	return all
}

// id joins the parts of a patch's identifier behind the OS.
func (b *builder) id(parts ...string) patch.ID {
	return patch.ID(b.prefix + "/" + strings.Join(parts, "/"))
}
