package candidate

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
)

// Archive is one package index of a catalog.
type Archive struct {
	Suite     string // the catalog's name for it, the first part of its patches' IDs
	Component string
	Arch      string
	Site      string // host that the catalog has it from
	Release   patch.Release
}

// Subscribers reports whether the archive serves subscribers only: Ubuntu's ESM and Pro.
func (a *Archive) Subscribers() bool {
	return strings.HasPrefix(a.Release.Origin, "UbuntuESM")
}

// OptIn reports whether the archive's patches are for machines that have enabled it, and no others.
func (a *Archive) OptIn() bool {
	return a.Release.NotAutomatic || a.Subscribers() || strings.Contains(a.Suite, "-proposed")
}

// Offer is one version of a package that a catalog knows.
type Offer struct {
	Version               string
	Source, SourceVersion string
	Archive               int // number of the archive that it comes from
	Phased                int // share of machines that may have it, in percent; 100 is all
}

// Policy is one machine's rules over a catalog's archives. It never changes and is safe for concurrent use.
type Policy struct {
	native    string
	fault     string
	archives  []Archive
	files     [][]*file // per archive: by each site that the machine, else the catalog, has it from
	enabled   []bool    // per archive
	status    *file
	pins      []*pin // for packages, in order
	phasing   string
	machineID string
}

// maxRecords bounds the pins and sources of one machine: facts come from machines, and some machine may be hostile.
const maxRecords = 4000

// New joins what a machine's apt is set up with, nil for nothing, and the archives of a catalog. Suites that serve everybody count as
// enabled whatever the machine's sources say, because the machine may have its patches from the appliance alone.
func New(apt *patch.AptPolicy, native string, archives []Archive) *Policy {
	if apt == nil {
		apt = &patch.AptPolicy{}
	}
	p := &Policy{native: native, fault: apt.Fault, archives: archives, phasing: apt.Phasing, machineID: apt.MachineID, status: &file{status: true}}
	var defaults []*pin
	if apt.DefaultRelease != "" {
		defaults = append(defaults, newPin(patch.AptPin{Packages: "*", Pin: "release " + apt.DefaultRelease, Priority: 990, File: "APT::Default-Release"}))
	}
	if len(apt.Pins)+len(apt.Sources) > maxRecords {
		p.fault = fmt.Sprintf("more than %d records", maxRecords)
		apt = &patch.AptPolicy{}
	}
	for _, record := range apt.Pins {
		if ready := newPin(record); ready.names == nil {
			defaults = append(defaults, ready)
		} else {
			p.pins = append(p.pins, ready)
		}
	}
	p.status.set(defaults)
	for i := range archives {
		sites := sitesOf(&archives[i], apt.Sources)
		p.enabled = append(p.enabled, len(sites) > 0 || !archives[i].OptIn())
		if len(sites) == 0 {
			sites = []string{archives[i].Site}
		}
		files := make([]*file, len(sites))
		for k, site := range sites {
			files[k] = &file{archive: archives[i], site: site}
			files[k].set(defaults)
		}
		p.files = append(p.files, files)
	}
	return p
}

// Idle reports whether a machine without any setting of its own takes the newest version of every archive, so that nothing is to be
// decided. Phased updates are not looked at: they are the offers' own.
func Idle(apt *patch.AptPolicy, archives []Archive) bool {
	plain := apt == nil || apt.Fault == "" && apt.DefaultRelease == "" && len(apt.Pins) == 0
	return plain && !slices.ContainsFunc(archives, func(a Archive) bool { return a.OptIn() })
}

// sitesOf gives the sites that a machine has an archive from.
func sitesOf(a *Archive, sources []patch.AptSource) []string {
	var sites []string
	for i := range sources {
		if s := &sources[i]; sameSuite(a, s) && !slices.Contains(sites, s.Site) {
			sites = append(sites, s.Site)
		}
	}
	return sites
}

// sameSuite reports whether a machine's source is a catalog's archive. Of third parties many have suites of the same name: where it is
// known, the Release's origin tells them apart, else their components do. Ubuntu's codename names all of its suites alike.
func sameSuite(a *Archive, s *patch.AptSource) bool {
	named := s.Suite == a.Suite || s.Suite == a.Release.Suite || s.Suite == a.Release.Codename && !strings.HasPrefix(a.Release.Suite, a.Release.Codename+"-")
	if !named || s.Origin != "" && a.Release.Origin != "" && s.Origin != a.Release.Origin {
		return false
	}
	return len(s.Components) == 0 || a.Component == "" || slices.Contains(s.Components, a.Component)
}
