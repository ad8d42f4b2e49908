package candidate

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/version"
)

// Choice is what a machine's apt would do with one installed package.
type Choice struct {
	policy   *Policy
	versions []known // newest first
	chosen   *known  // nil: no version may be chosen at all
	phased   *known  // the version whose phased update holds the package back; nil for none
	turn     int     // when the machine may have that
}

// known is one version of a package with all that offers it.
type known struct {
	version               string
	source, sourceVersion string
	files                 []*file
	installed, security   bool
	phased, priority      int
	decided               *pin
}

// Choose weighs the versions that a catalog offers of an installed package. Offers of archives that the machine has not enabled do not
// compete.
func (p *Policy) Choose(pkg *patch.Package, offers []Offer) *Choice {
	c := &Choice{policy: p}
	c.versions = append(c.versions, known{version: pkg.Version, source: pkg.Source, sourceVersion: pkg.SourceVersion,
		files: []*file{p.status}, installed: true, phased: -1}) // what no archive offers any more is not phased
	for i := range offers {
		if o := &offers[i]; o.Archive < len(p.files) && p.enabled[o.Archive] && version.DpkgValid(o.Version) == nil {
			c.add(o, p.files[o.Archive])
		}
	}
	slices.SortStableFunc(c.versions, func(a, b known) int { return version.DpkgCompare(b.version, a.version) })
	best := -1
	for i := range c.versions {
		k := &c.versions[i]
		p.weigh(k, pkg)
		if k.priority <= max(best, 0) || k.priority < 1000 && version.DpkgCompare(k.version, pkg.Version) < 0 {
			continue
		}
		best, c.chosen = k.priority, k
	}
	c.drawLots()
	return c
}

func (c *Choice) add(o *Offer, files []*file) {
	i := slices.IndexFunc(c.versions, func(k known) bool { return k.version == o.Version })
	if i < 0 {
		i = len(c.versions)
		c.versions = append(c.versions, known{version: o.Version, source: o.Source, sourceVersion: o.SourceVersion})
	}
	k := &c.versions[i]
	k.files = append(k.files, files...)
	k.phased = max(k.phased, o.Phased)
	k.security = k.security || strings.HasSuffix(files[0].archive.Release.Suite, "-security")
}

// weigh gives a version its priority: by the first pin for the package that speaks of it, else the best of its archives'.
func (p *Policy) weigh(k *known, pkg *patch.Package) {
	k.priority = patch.NeverPin
	for _, f := range k.files {
		if f.priority > k.priority || k.decided == nil {
			k.decided = f.decided
		}
		k.priority = max(k.priority, f.priority)
	}
	if k.priority == patch.NeverPin {
		return
	}
	for _, pin := range p.pins {
		if pin.about(pkg, k.source, p.native) && pin.matches(k.version, k.files) {
			k.priority, k.decided = pin.Priority, pin
			return
		}
	}
}

// drawLots holds the package back where its chosen version is phased and the machine's turn has not come, unless that brings a security
// update with it: an older version, not installed either, that a security suite has. A machine that came by a phased version before its
// turn stays at that, as apt has it.
func (c *Choice) drawLots() {
	for i := range c.versions {
		k := &c.versions[i]
		if k.phased < 0 || k.phased >= 100 || !k.installed && k != c.chosen || c.bringsSecurity(i) {
			continue
		}
		if turn := c.policy.turn(k); turn > k.phased {
			c.turn, c.phased = turn, k
		}
	}
}

// turn is when the machine may have a version: 0 for at once, 101 for once it is out for all.
func (p *Policy) turn(k *known) int {
	switch {
	case p.phasing == "always":
		return 0
	case p.phasing == "never":
		return 101
	case p.machineID == "":
		return 0
	}
	return Turn(k.source, k.sourceVersion, p.machineID)
}

// bringsSecurity reports whether a security suite has a version below version i, of those above the installed one.
func (c *Choice) bringsSecurity(i int) bool {
	for _, k := range c.versions[i+1:] {
		if k.installed {
			return false
		}
		if k.security {
			return true
		}
	}
	return false
}

// Ruling says why a version is not for a machine. The zero Ruling says that it is.
type Ruling struct {
	Code           string // patch.ReasonPinned, ReasonPhased, ReasonOptIn, ReasonNotEntitled, ReasonUnreadable; empty: the version may come
	Expected, Seen phrase.Phrase
	From           phrase.Phrase // the file that says so
}

// Judge rules on an offered version that is newer than the installed one.
func (c *Choice) Judge(o Offer) Ruling {
	p := c.policy
	if p.fault != "" {
		return Ruling{patch.ReasonUnreadable, "a configuration that apt accepts", phrase.Verbatim(plain(p.fault)), phrase.Verbatim("/etc/apt")}
	}
	if o.Archive < len(p.enabled) && !p.enabled[o.Archive] {
		return notEnabled(&p.archives[o.Archive])
	}
	i := slices.IndexFunc(c.versions, func(k known) bool { return k.version == o.Version })
	if i < 0 {
		return Ruling{}
	}
	k := &c.versions[i]
	switch {
	case k.priority <= 0, c.chosen == nil, version.DpkgCompare(k.version, c.chosen.version) > 0:
		return c.passedOver(k)
	case c.phased != nil:
		return c.later()
	}
	return Ruling{}
}

// plain makes a machine's own words fit for one line of any terminal or page.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
	return s[:min(len(s), 300)]
}

func notEnabled(a *Archive) Ruling {
	code, what := patch.ReasonOptIn, phrase.Of("the suite {1} enabled on this machine", a.Suite)
	if a.Subscribers() {
		code, what = patch.ReasonNotEntitled, phrase.Of("the subscribers' archive {1} ({2}) enabled on this machine", a.Release.Origin, a.Suite)
	}
	return Ruling{code, what, "it is not among the machine's sources", phrase.Verbatim("/etc/apt/sources.list")}
}

// passedOver words why apt chooses another version than k: the pin that decided, or that the suite serves only who asks for it.
func (c *Choice) passedOver(k *known) Ruling {
	chooses := phrase.Phrase("apt chooses no version")
	if c.chosen != nil {
		chooses = phrase.Of("apt chooses {1} with priority {2}", c.chosen.version, strconv.Itoa(c.chosen.priority))
	}
	r := Ruling{Code: patch.ReasonPinned, Expected: phrase.Of("{1} chosen by apt", k.version)}
	decided := k.decided
	if decided == nil && c.chosen != nil {
		decided = c.chosen.decided
	}
	if decided == nil {
		r.Code, r.From = patch.ReasonOptIn, phrase.Verbatim("/etc/apt/preferences")
		r.Seen = phrase.Of("{1}; this one has priority {2}, because its suite serves only who asks for it", chooses, strconv.Itoa(k.priority))
		return r
	}
	r.Seen = phrase.Of("{1}; this one has priority {2} ({3})", chooses, strconv.Itoa(k.priority),
		fmt.Sprintf("Package: %s, Pin: %s, Pin-Priority: %d", plain(decided.Packages), plain(decided.Pin), decided.Priority))
	r.From = phrase.Verbatim(plain(decided.File))
	return r
}

func (c *Choice) later() Ruling {
	r := Ruling{Code: patch.ReasonPhased, Expected: phrase.Of("the machine's turn in the phased update to {1}, which is out for {2} %", c.phased.version, c.phased.phased),
		Seen: phrase.Of("its turn comes at {1} %", c.turn), From: phrase.Verbatim("/etc/machine-id")}
	if c.turn > 100 {
		r.Seen, r.From = "the machine takes no phased updates before they are out for all", phrase.Verbatim("APT::Get::Never-Include-Phased-Updates")
	}
	return r
}
