package catalog

import (
	"slices"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/version"
)

// Bounds say how much a new revision may differ from the one in force before a person has to look at it. Zero fields are DefaultBounds'.
type Bounds struct {
	Vanished int     // percent of the patches that may be gone although nothing took their place
	Grown    int     // percent of patches that may be new
	Unclear  float64 // percent of the definitions that may have become unintelligible
	Flips    float64 // percent of verdicts about patches of both revisions that may change over the same facts
	Machines int     // whose stored facts are judged, at most
}

// DefaultBounds are a tenth of the patches gone, half as many again new, a hundredth unintelligible, one verdict of fifty changed on
// 500 machines.
func DefaultBounds() Bounds {
	return Bounds{Vanished: 10, Grown: 50, Unclear: 1, Flips: 2, Machines: 500}
}

func (b Bounds) orDefault() Bounds {
	d := DefaultBounds()
	if b.Vanished == 0 {
		b.Vanished = d.Vanished
	}
	if b.Grown == 0 {
		b.Grown = d.Grown
	}
	if b.Unclear == 0 {
		b.Unclear = d.Unclear
	}
	if b.Flips == 0 {
		b.Flips = d.Flips
	}
	if b.Machines == 0 {
		b.Machines = d.Machines
	}
	return b
}

const (
	smallGrowth = 1000 // patches that a list may gain whatever its size
	smallFaults = 10   // definitions that may become unintelligible, and verdicts that may change, whatever the size
	examples    = 8
)

// candidate is a revision that is about to take the place of another one.
type candidate struct {
	before, after patch.RevisionMeta
	was           *List // nil where its file is lost
	is            *List
	in            *Input
	replaced      map[patch.ID]bool
	seen          map[string]bool // suites whose change of size a person has accepted
}

// implausible gives the reasons for which a person should look before the candidate is published; none where it may be.
func (k *candidate) implausible(b Bounds) (reasons []phrase.Phrase) {
	if k.was == nil {
		if (k.before.Patches-k.after.Patches)*100 > b.Vanished*k.before.Patches {
			reasons = append(reasons, phrase.Of("it holds {1} patches, and the revision in force holds {2}", k.after.Patches, k.before.Patches))
		}
		return reasons
	}
	if gone := k.vanished(); len(gone)*100 > b.Vanished*k.was.Len() {
		reasons = append(reasons, phrase.Of("{1} of {2} patches are gone and nothing took their place, among them {3}", len(gone), k.was.Len(), some(gone)))
	}
	if was, is := k.comparable(); is*100 > was*(100+b.Grown) && is > was+smallGrowth {
		reasons = append(reasons, phrase.Of("the same feeds gave {1} patches and now give {2}", was, is))
	}
	if more := k.after.Faults.Unclear - k.before.Faults.Unclear; more > smallFaults && float64(more)*100 > b.Unclear*float64(k.was.Len()) {
		reasons = append(reasons, phrase.Of("{1} definitions cannot be understood, and {2} could not before", k.after.Faults.Unclear, k.before.Faults.Unclear))
	}
	return reasons
}

// vanished lists the patches of the old list that are gone without an explanation: nobody withdrew them, ended their feed's subscription
// or published what replaces them.
func (k *candidate) vanished() []patch.ID {
	withdrawn, scheme := map[patch.ID]bool{}, k.in.scheme()
	for _, p := range k.in.Parsed {
		for _, id := range p.Withdrawn {
			withdrawn[usableID(id)] = true
		}
	}
	ended := suites(k.before.Origins, k.after.Origins)
	newest := map[string]string{}
	for _, p := range k.is.Patches() {
		if v, known := newest[p.Source]; p.Source != "" && len(p.Payloads) > 0 && (!known || older(scheme, v, p.Version)) {
			newest[p.Source] = p.Version
		}
	}
	var gone []patch.ID
	for _, p := range k.was.Patches() {
		if _, still := k.is.Index(p.ID); still || withdrawn[p.ID] || k.replaced[p.ID] || ended[p.Suite] || k.seen[p.Suite] {
			continue
		}
		if v, known := newest[p.Source]; known && len(p.Payloads) > 0 && !older(scheme, v, p.Version) {
			continue
		}
		gone = append(gone, p.ID)
	}
	return gone
}

// suites are those of a that b has no more.
func suites(a, b []patch.Origin) map[string]bool {
	ended := map[string]bool{}
	for _, o := range a {
		ended[o.Suite] = !slices.ContainsFunc(b, func(p patch.Origin) bool { return p.Suite == o.Suite })
	}
	return ended
}

// comparable counts the patches of suites that both revisions have.
func (k *candidate) comparable() (was, is int) {
	fresh, ended := suites(k.after.Origins, k.before.Origins), suites(k.before.Origins, k.after.Origins)
	for _, p := range k.was.Patches() {
		if !ended[p.Suite] && !k.seen[p.Suite] {
			was++
		}
	}
	for _, p := range k.is.Patches() {
		if !fresh[p.Suite] && !k.seen[p.Suite] {
			is++
		}
	}
	return was, is
}

func older(scheme version.Scheme, a, b string) bool {
	n, err := version.Compare(scheme, a, b)
	return err == nil && n < 0
}

// some names the first few.
func some(ids []patch.ID) phrase.Phrase {
	text := ""
	for i, id := range ids[:min(len(ids), examples)] {
		if i > 0 {
			text += ", "
		}
		text += string(id)
	}
	if len(ids) > examples {
		return phrase.Of("{1} and {2} more", text, len(ids)-examples)
	}
	return phrase.Verbatim(text)
}
