package catalog

import (
	"cmp"
	"hash/fnv"
	"math/bits"
	"slices"

	"github.com/fettle-project/fettle/internal/patch"
)

// pair is what many advisories have in common: the package and the version that they ask for.
type pair struct{ source, version string }

// idVersion stands for a version that is the number at the end of the ID: advisories have no other.
const idVersion = "\x01"

// pairOf is what an advisory has in common with others.
func pairOf(p *patch.Patch) pair {
	if _, digits := countedID(p.ID); digits != "" && digits == p.Version {
		return pair{p.Source, idVersion}
	}
	return pair{p.Source, p.Version}
}

// versionOf is what pairOf left out.
func versionOf(id patch.ID, version string) string {
	if version == idVersion {
		_, version = countedID(id)
	}
	return version
}

// slotsOf numbers pairs, which are sorted, by their hash. A number in order of appearance would be shorter, but one new pair would then
// change the numbers of thousands of patches from one revision to the next; so it changes next to none.
func slotsOf(pairs []pair) map[int]pair {
	space := 8 << bits.Len(uint(len(pairs)))
	taken := make(map[int]pair, len(pairs))
	for _, p := range pairs {
		h := fnv.New32a()
		_, _ = h.Write([]byte(p.source + "\x00" + p.version))
		slot := int(h.Sum32()) & (space - 1)
		for {
			if _, full := taken[slot]; !full {
				break
			}
			slot = (slot + 1) & (space - 1)
		}
		taken[slot] = p
	}
	return taken
}

func comparePairs(a, b pair) int {
	return cmp.Or(cmp.Compare(a.source, b.source), cmp.Compare(a.version, b.version))
}

// tabulate writes the sources and versions that several patches with IDs of their own have.
func (c *listEncoder) tabulate(patches []patch.Patch) {
	uses := map[pair]int{}
	for i := range patches {
		if p := &patches[i]; standsAlone(p) {
			uses[pairOf(p)]++
		}
	}
	var common []pair
	for p, n := range uses {
		if n > 1 {
			common = append(common, p)
		}
	}
	slices.SortFunc(common, comparePairs)
	c.number(lTable, uint64(len(common)))
	source := ""
	for _, p := range common {
		n := shared(source, p.source)
		c.number(lTable, uint64(n))
		c.text(lTable, p.source[n:])
		c.text(lTable, p.version)
		source = p.source
	}
	c.slots = make(map[pair]int, len(common))
	for slot, p := range slotsOf(common) {
		c.slots[p] = slot
	}
}

func (d *listDecoder) tabulate() {
	c := &d.cols[lTable]
	pairs := make([]pair, 0, min(1<<16, len(c.rest)/3))
	source := ""
	for range c.count(min(maxPatches, len(c.rest))) {
		source = front(c, source, c.number())
		p := pair{source, c.text()}
		c.bad = c.bad || len(p.source) > maxNaming || len(p.version) > maxNaming || len(pairs) > 0 && comparePairs(pairs[len(pairs)-1], p) >= 0
		if c.bad {
			return
		}
		pairs = append(pairs, p)
	}
	d.slots = slotsOf(pairs)
}
