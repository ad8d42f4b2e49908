package detect

import (
	"cmp"

	"github.com/fettle-project/fettle/internal/candidate"
	"github.com/fettle-project/fettle/internal/patch"
)

// hit is a package rule and a unit that it is about.
type hit struct {
	pkg      *patch.Package
	count    int32  // installed instances, of which pkg is the newest
	rule     int    // its number in the file
	fixed    string // the rule's version
	compared comparison
	held     bool             // see index.held
	ruling   candidate.Ruling // on an older package that is not held: what keeps the patch from it
}

type comparison uint8

const (
	absent  comparison = iota // removed, configuration files left
	broken                    // in a state that has no name, or left half-way where the patch does not change it
	torn                      // likewise, and at no version
	garbled                   // one of the two versions is no version
	older
	current
)

func (h *hit) compare(s scheme) comparison {
	switch {
	case h.pkg.State == patch.Removed:
		return absent
	}
	c := s.compare(h.pkg.Version, h.fixed)
	switch {
	case h.pkg.State == patch.Installed:
		return c
	case c == garbled:
		return torn
	case h.pkg.State == patch.Broken && c == older:
		return older // whatever is wrong with it, the patch is not there, and can be installed over it
	}
	return broken
}

// judgeSet compares all hits and gives what PackageSet's trees would give. The code says which rule of the set decided.
func (j *judge) judgeSet() (patch.Verdict, string) {
	var count [current + 1]int
	movable, ruled := false, ""
	for i := range j.hits {
		h := &j.hits[i]
		h.compared = h.compare(j.x.scheme)
		h.held = j.x.held(h.pkg)
		if h.compared == older && !h.held && j.own != nil {
			h.ruling = j.own.on(j.w, h)
		}
		moves := h.compared == older && !h.held && h.ruling.Code == ""
		if h.compared == older && !moves && h.pkg.State == patch.Broken {
			h.compared, h.ruling = broken, candidate.Ruling{}
		}
		count[h.compared]++
		movable = movable || moves
		ruled = cmp.Or(ruled, h.ruling.Code)
	}
	switch {
	case count[torn] > 0:
		return patch.Faulty, patch.ReasonBroken
	case count[garbled] > 0:
		return patch.Faulty, patch.ReasonUnreadable
	case ruled == patch.ReasonUnreadable:
		return patch.Faulty, ruled
	case movable:
		return patch.NotPatched, patch.ReasonOlder
	case count[broken] > 0:
		return patch.Faulty, patch.ReasonBroken
	case ruled != "":
		return patch.NotApplicable, ruled
	case count[older] > 0:
		return patch.NotApplicable, j.heldCode()
	case count[current] > 0:
		return patch.Patched, patch.ReasonCurrent
	}
	return patch.NotApplicable, patch.ReasonNotInstalled
}

// heldCode tells whether a person holds one of the older packages, or only their disabled modules keep them.
func (j *judge) heldCode() string {
	for i := range j.hits {
		if h := &j.hits[i]; h.compared == older && h.pkg.Held {
			return j.x.scheme.heldCode()
		}
	}
	return patch.ReasonModuleOff
}
