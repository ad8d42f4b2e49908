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
	movable, ruled := false, ""
	for i := range j.hits {
		h := &j.hits[i]
		h.compared = h.compare(j.x.scheme)
		count[h.compared]++
		if h.held = j.x.held(h.pkg); h.compared != older || h.held {
			continue
		}
		if j.own != nil {
			h.ruling = j.own.on(j.w, h)
		}
		movable = movable || h.ruling.Code == ""
		ruled = cmp.Or(ruled, h.ruling.Code)
	}
	switch {
	case count[broken] > 0:
		return patch.Faulty, patch.ReasonBroken
	case count[garbled] > 0:
		return patch.Faulty, patch.ReasonUnreadable
	case ruled == patch.ReasonUnreadable:
		return patch.Faulty, ruled
	case movable:
		return patch.NotPatched, patch.ReasonOlder
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
