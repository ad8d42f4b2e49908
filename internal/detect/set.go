package detect

import (
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/version"
)

// hit is a package rule whose package the machine knows.
type hit struct {
	pkg      *patch.Package
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

func (h *hit) compare() comparison {
	switch {
	case h.pkg.State == patch.Removed:
		return absent
	case h.pkg.State != patch.Installed:
		return broken
	}
	return compareVersions(h.pkg.Version, h.fixed)
}

func compareVersions(installed, fixed string) comparison {
	if version.DpkgValid(installed) != nil || version.DpkgValid(fixed) != nil {
		return garbled
	}
	if version.DpkgCompare(installed, fixed) < 0 {
		return older
	}
	return current
}

// judgeSet compares all hits and gives what PackageSet's trees would give. The code says which rule of the set decided.
func (j *judge) judgeSet() (patch.Verdict, string) {
	var count [current + 1]int
	movable := false
	for i := range j.hits {
		h := &j.hits[i]
		h.compared = h.compare()
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
		return patch.NotApplicable, patch.ReasonHeld
	case count[current] > 0:
		return patch.Patched, patch.ReasonCurrent
	}
	return patch.NotApplicable, patch.ReasonNotInstalled
}
