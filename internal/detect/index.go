package detect

import (
	"hash/maphash"

	"github.com/fettle-project/fettle/internal/patch"
)

// index finds a machine's packages by name. It is made once per machine; looking up allocates nothing.
type index struct {
	packages []patch.Package
	native   string
	seed     maphash.Seed
	slots    []slot
	glances  [1 << 13]bool // whether any package looks like this: most names of a catalog do not
}

type slot struct {
	hash uint32
	pkg  int32 // number of the package + 1; 0 is free
}

// newIndex checks that the facts are about the right OS and free of contradictions.
func newIndex(os patch.HostOS, f *patch.Facts) (*index, error) {
	if f.OS.Key != os {
		return nil, &patch.Error{Kind: patch.Invalid, What: "cannot detect with a catalog for " + string(os),
			Why: "this machine is " + string(f.OS.Key), Do: "Use a catalog that covers " + string(f.OS.Key) + "."}
	}
	x := &index{packages: f.Packages, native: f.OS.Arch, seed: maphash.MakeSeed()}
	size := 64
	for size < 4*len(f.Packages) {
		size *= 2
	}
	x.slots = make([]slot, size)
	for i := range f.Packages {
		if err := x.put(i); err != nil {
			return nil, err
		}
	}
	return x, nil
}

func (x *index) put(i int) error {
	p := &x.packages[i]
	hash := x.hash([]byte(p.Name))
	at := hash & uint32(len(x.slots)-1)
	for ; x.slots[at].pkg != 0; at = (at + 1) & uint32(len(x.slots)-1) {
		if other := &x.packages[x.slots[at].pkg-1]; other.Name == p.Name && other.Arch == p.Arch {
			return patch.Errorf(patch.Invalid, "the facts name the package %q of architecture %q twice", p.Name, p.Arch)
		}
	}
	x.slots[at] = slot{hash: hash, pkg: int32(i) + 1}
	x.glances[look(glance([]byte(p.Name)))] = true
	return nil
}

// mayKnow is a quick check that spares most look-ups; it never says no to a name that find would find.
func (x *index) mayKnow(length int, last, third byte) bool {
	return x.glances[look(length, last, third)]
}

func look(length int, last, third byte) int {
	return (length*331 + int(last)*29 + int(third)*1021) & (1<<13 - 1)
}

func (x *index) hash(name []byte) uint32 { return uint32(maphash.Bytes(x.seed, name)) }

// find gives the package of this name: with no arch, the host's own architecture or "all". Where both are known to the package
// manager, one that is there comes before one that was removed, and the host's own before "all".
func (x *index) find(name []byte, arch string) *patch.Package {
	hash := x.hash(name)
	at := hash & uint32(len(x.slots)-1)
	var best *patch.Package
	for ; x.slots[at].pkg != 0; at = (at + 1) & uint32(len(x.slots)-1) {
		if x.slots[at].hash != hash {
			continue
		}
		p := &x.packages[x.slots[at].pkg-1]
		if p.Name == string(name) && x.matches(p.Arch, arch) && (best == nil || x.prefer(p, best)) {
			best = p
		}
	}
	return best
}

func (x *index) matches(arch, wanted string) bool {
	if wanted == "" {
		return arch == x.native || arch == "all"
	}
	return arch == wanted
}

func (x *index) prefer(p, best *patch.Package) bool {
	if (p.State == patch.Removed) != (best.State == patch.Removed) {
		return best.State == patch.Removed
	}
	return p.Arch == x.native
}
