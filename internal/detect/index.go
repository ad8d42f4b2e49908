package detect

import (
	"cmp"
	"hash/maphash"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// maxUnits bounds how many architectures and module streams of one name a machine can have.
const maxUnits = 64

// index finds a machine's packages by name. It is made once per machine; looking up allocates nothing.
type index struct {
	scheme   scheme
	native   string
	manager  string
	packages []patch.Package // sorted by name, architecture and version
	modules  []patch.Module
	units    []unit
	seed     maphash.Seed
	slots    []slot
	glances  [looks / 64]uint64 // a bit for each way that a name can look: whether any package's does. Most names of a catalog look like none.
}

// unit is what a rule can be about: the packages of one name, architecture and module stream. Nearly always it is one; of kernels
// and keys there may be several, and then the newest counts.
type unit struct {
	pkg    *patch.Package // the newest
	count  int32
	stream string // as streamOf gives it
}

type slot struct {
	hash         uint32
	first, count int32 // units of the name; count 0 is free
	packages     span
}

// span is where some packages lie in the index.
type span struct{ from, to int32 }

func (x *index) at(s span) []patch.Package { return x.packages[s.from:s.to] }

// newIndex checks that the facts are about the right OS and free of contradictions.
func newIndex(os patch.HostOS, s scheme, f *patch.Facts) (*index, error) {
	if f.OS.Key != os && os != patch.AnyOS {
		return nil, &patch.Error{Kind: patch.Invalid, What: phrase.Of("cannot detect with a catalog for {1}", string(os)),
			Why: phrase.Of("this machine is {1}", string(f.OS.Key)), Do: phrase.Of("Use a catalog that covers {1}.", string(f.OS.Key))}
	}
	x := &index{scheme: s, packages: f.Packages, modules: f.Modules, native: f.OS.Arch, manager: f.OS.Manager, seed: maphash.MakeSeed()}
	if !slices.IsSortedFunc(x.packages, byName) {
		x.packages = slices.SortedStableFunc(slices.Values(x.packages), byName)
	}
	size := 64
	for size < 2*len(x.packages) {
		size *= 2
	}
	x.slots = make([]slot, size)
	x.units = make([]unit, 0, len(x.packages))
	for start := 0; start < len(x.packages); {
		end := start + 1
		for end < len(x.packages) && x.packages[end].Name == x.packages[start].Name {
			end++
		}
		if err := x.put(start, end); err != nil {
			return nil, err
		}
		start = end
	}
	return x, nil
}

func byName(a, b patch.Package) int {
	return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Arch, b.Arch), cmp.Compare(a.Version, b.Version))
}

// put takes all packages of one name.
func (x *index) put(from, to int) error {
	first, packages := len(x.units), x.packages[from:to]
	for i := range packages {
		p := &packages[i]
		if i > 0 && byName(*p, packages[i-1]) == 0 {
			return patch.Errorf(patch.Invalid, "the facts name the package %q of architecture %q at version %q twice", p.Name, p.Arch, p.Version)
		}
		at := slices.IndexFunc(x.units[first:], func(u unit) bool { return u.pkg.Arch == p.Arch && u.stream == streamOf(p.Module, p.Version) })
		if at < 0 {
			x.units = append(x.units, unit{pkg: p, count: 1, stream: streamOf(p.Module, p.Version)})
			continue
		}
		u := &x.units[first+at]
		u.count++
		if x.counts(p, u.pkg) {
			u.pkg = p
		}
	}
	name, count := packages[0].Name, len(x.units)-first
	if count > maxUnits {
		return patch.Errorf(patch.Invalid, "the facts name the package %q in %d architectures or module streams", name, count)
	}
	hash := uint32(maphash.String(x.seed, name))
	at := hash & uint32(len(x.slots)-1)
	for x.slots[at].count != 0 {
		at = (at + 1) & uint32(len(x.slots)-1)
	}
	x.slots[at] = slot{hash: hash, first: int32(first), count: int32(count), packages: span{int32(from), int32(to)}}
	seen := look(glance(name))
	x.glances[seen/64] |= 1 << (seen % 64)
	return nil
}

// counts reports whether p stands for its unit rather than q: what is there before what was removed, what cannot be judged before
// what can, then the newer one.
func (x *index) counts(p, q *patch.Package) bool {
	rank := func(p *patch.Package) int {
		switch {
		case p.State == patch.Removed:
			return 0
		case p.State == patch.Installed && x.scheme.compare(p.Version, p.Version) != garbled:
			return 1
		}
		return 2
	}
	if a, b := rank(p), rank(q); a != b || a != 1 {
		return a > b
	}
	return x.scheme.compare(p.Version, q.Version) == current
}

// mayKnow is a quick check that spares most look-ups; it never says no to a name that find would find.
func (x *index) mayKnow(length int, last, third byte) bool {
	seen := look(length, last, third)
	return x.glances[seen/64]&(1<<(seen%64)) != 0
}

const looks = 1 << 13

func look(length int, last, third byte) uint {
	return (uint(length)*331 + uint(last)*29 + uint(third)*1021) % looks
}

func (x *index) hash(name []byte) uint32 { return uint32(maphash.Bytes(x.seed, name)) }

// slot gives where a name is; where it is not, that is an empty slot.
func (x *index) slot(name []byte) int32 {
	hash := x.hash(name)
	at := hash & uint32(len(x.slots)-1)
	for ; x.slots[at].count != 0; at = (at + 1) & uint32(len(x.slots)-1) {
		if s := &x.slots[at]; s.hash == hash && x.packages[s.packages.from].Name == string(name) {
			break
		}
	}
	return int32(at)
}

// named gives the units of a name.
func (x *index) named(name []byte) []unit {
	s := &x.slots[x.slot(name)]
	return x.units[s.first : s.first+s.count]
}

// find appends the units that a rule is about: those of the name, architecture (as scheme.arch gives it) and module stream.
func (x *index) find(name []byte, arch, module string, found []*unit) []*unit {
	units := x.named(name)
	if arch != archNative {
		for i := range units {
			if u := &units[i]; (arch == archAny || u.pkg.Arch == arch) && streams(u.stream, module) {
				found = append(found, u)
			}
		}
		return found
	}
	var best *unit
	for i := range units {
		if u := &units[i]; x.isNative(u.pkg.Arch) && streams(u.stream, module) && (best == nil || x.prefer(u.pkg, best.pkg)) {
			best = u
		}
	}
	if best == nil {
		return found
	}
	return append(found, best)
}

func (x *index) isNative(arch string) bool {
	return arch == x.native || arch == "all" || arch == "noarch"
}

// prefer: where both are known to the package manager, one that is there comes before one that was removed, and the host's own
// architecture before "all".
func (x *index) prefer(p, best *patch.Package) bool {
	if (p.State == patch.Removed) != (best.State == patch.Removed) {
		return best.State == patch.Removed
	}
	return p.Arch == x.native
}

// anyModule is PackageRule.Module where the vendor says nothing of modules, anyStream where it says that the packages are of one, but not
// of which.
const (
	anyModule  = "*"
	anyStream  = "*:*"
	anyPackage = "**" // no rule's: whatever there is
)

// liveStream stands for a module where a package has live patches of ksplice built in. Their versions have an epoch of their own, newer
// than any without: such a fix is for such packages only, and they are fixed by nothing else.
const liveStream = "ksplice:live"

// streamOf gives the stream that a package or a fix belongs to by its module and version.
func streamOf(module, version string) string {
	if strings.Contains(version, ".ksplice") {
		return liveStream
	}
	return module
}

// wordStream names a stream to a person, after "of" or "for".
func wordStream(stream string) phrase.Phrase {
	switch stream {
	case "":
		return "no module"
	case anyStream:
		return "a module stream"
	case liveStream:
		return "ksplice's live patches"
	}
	return phrase.Of("the module stream {1}", stream)
}

// streams reports whether a fix for the module stream wanted is for a package of the stream has: a fix is modular exactly where the
// package is.
func streams(has, wanted string) bool {
	if wanted == anyPackage || has == wanted {
		return true
	}
	return has != liveStream && (wanted == anyModule || wanted == anyStream && has != "")
}

// elsewhere gives a unit that a rule would be about if it were not for its module stream.
func (x *index) elsewhere(name []byte, arch, module string) *unit {
	for _, u := range x.find(name, arch, anyPackage, nil) {
		if !streams(u.stream, module) && u.pkg.State != patch.Removed {
			return u
		}
	}
	return nil
}

// held reports whether the machine keeps a package from changing: its administrator holds it, or has disabled the module that it is of.
func (x *index) held(p *patch.Package) bool { return p.Held || p.Module != "" && x.disabled(p.Module) }

// disabled reports whether the machine has switched off the module of a stream.
func (x *index) disabled(stream string) bool {
	name, _, _ := strings.Cut(stream, ":")
	return slices.ContainsFunc(x.modules, func(m patch.Module) bool { return m.Name == name && m.State == "disabled" })
}
