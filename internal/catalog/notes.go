package catalog

import (
	"cmp"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
	"github.com/fettle-project/fettle/internal/version"
)

// enricher finds what advisories say about a version of a source package.
type enricher struct {
	os      patch.HostOS
	release map[string]string // a suite's release by its codename: "stable-security" is of bookworm
	notes   map[[2]string][]*patch.Note
	ratings map[[2]string]patch.Severity // by source package and CVE
	scores  map[[2]string]float64        // likewise
}

// enrich gives patches the title, severity and CVEs of the advisories that they carry out. It touches no rule: what a machine needs is for
// the signed archives to say.
func (in *Input) enrich(all []made) error {
	if len(in.Notes) == 0 || in.scheme() != version.Dpkg {
		return nil
	}
	if len(all) == 0 {
		return &patch.Error{Kind: patch.Invalid, What: phrase.Of("there are advisories for {1} but no archive that they could be about", string(in.OS)),
			Do: "Subscribe to the archives of this release too."}
	}
	e := enricher{os: in.OS, release: map[string]string{}, notes: map[[2]string][]*patch.Note{}, ratings: map[[2]string]patch.Severity{}, scores: map[[2]string]float64{}}
	for i := range in.Sources {
		s := &in.Sources[i]
		e.release[s.Origin.Suite] = base(cmp.Or(s.About.Codename, s.Origin.Suite))
	}
	for i := range in.Notes {
		n := &in.Notes[i]
		if n.Version != "" {
			key := [2]string{n.Source, n.Version}
			e.notes[key] = append(e.notes[key], n)
			continue
		}
		for _, cve := range n.CVEs {
			key := [2]string{n.Source, cve}
			e.ratings[key], e.scores[key] = worse(e.ratings[key], n.Severity), max(e.scores[key], n.CVSS)
		}
	}
	for i := range all {
		e.enrich(&all[i].patch)
	}
	return nil
}

// base is a suite's name without what tells it from the release itself: "bookworm" of bookworm-security and bookworm/updates.
func base(suite string) string {
	if i := strings.IndexAny(suite, "-/"); i > 0 {
		return suite[:i]
	}
	return suite
}

func (e *enricher) enrich(p *patch.Patch) {
	var mine []*patch.Note
	for _, n := range e.notes[[2]string{p.Source, p.Version}] {
		if n.Release == e.release[p.Suite] || n.Release == base(p.Suite) || strings.Contains(string(e.os), "-"+n.Release+"-") {
			mine = append(mine, n)
		}
	}
	if len(mine) == 0 {
		return
	}
	// Of several advisories the first stands for the patch; what only a CVE's own record says comes last.
	slices.SortStableFunc(mine, func(a, b *patch.Note) int {
		return cmp.Or(cmp.Compare(b.Advisory, "")-cmp.Compare(a.Advisory, ""), cmp.Compare(a.Advisory, b.Advisory))
	})
	if first := mine[0]; first.Advisory != "" {
		p.Advisory, p.Category = first.Advisory, patch.Security
		if first.Title != "" {
			p.Title = title(p.Source, p.Version, first.Title)
		}
		if !first.Issued.IsZero() && first.Issued.Before(p.Released) {
			p.Released = first.Issued
		}
	}
	var cves []string
	for _, n := range mine {
		p.Severity, p.CVSS = worse(p.Severity, n.Severity), max(p.CVSS, n.CVSS)
		cves = append(cves, n.CVEs...)
	}
	slices.Sort(cves)
	cves = slices.Compact(cves)
	p.CVEs = cves[:min(len(cves), maxCVEs)]
	for _, cve := range p.CVEs {
		key := [2]string{p.Source, cve}
		p.Severity, p.CVSS = worse(p.Severity, e.ratings[key]), max(p.CVSS, e.scores[key])
	}
}

// worse is the more severe of two ratings.
func worse(a, b patch.Severity) patch.Severity {
	order := []patch.Severity{patch.NotGiven, patch.Low, patch.Medium, patch.High, patch.Critical}
	if slices.Index(order, b) > slices.Index(order, a) {
		return b
	}
	return a
}
