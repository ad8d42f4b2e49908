package detect

import (
	"github.com/fettle-project/fettle/internal/patch"
)

// hit is a package rule and a unit that it is about.
type hit struct {
	pkg      *patch.Package
	count    int32  // installed instances, of which pkg is the newest
	fixed    string // the rule's version
	compared comparison
}

type comparison uint8

const (
	absent  comparison = iota // removed, configuration files left
	broken                    // half-installed or in a state that has no name
	garbled                   // one of the two versions is no version
	older
	current
)

func (h *hit) compare(s scheme) comparison {
	switch {
	case h.pkg.State == patch.Removed:
		return absent
	case h.pkg.State != patch.Installed:
		return broken
	}
	return s.compare(h.pkg.Version, h.fixed)
}

// judgeSet compares all hits and gives what PackageSet's trees would give. The code says which rule of the set decided.
func (j *judge) judgeSet() (patch.Verdict, string) {
	var count [current + 1]int
	movable := false
	for i := range j.hits {
		h := &j.hits[i]
		h.compared = h.compare(j.x.scheme)
		count[h.compared]++
		movable = movable || h.compared == older && !h.pkg.Held
	}
	switch {
	case count[broken] > 0:
		return patch.Faulty, patch.ReasonBroken
	case count[garbled] > 0:
		return patch.Faulty, patch.ReasonUnreadable
	case movable:
		return patch.NotPatched, patch.ReasonOlder
	case count[older] > 0:
		return patch.NotApplicable, j.x.scheme.heldCode()
	case count[current] > 0:
		return patch.Patched, patch.ReasonCurrent
	}
	return patch.NotApplicable, patch.ReasonNotInstalled
}
