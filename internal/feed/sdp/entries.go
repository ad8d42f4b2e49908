package sdp

import (
	"fmt"
	"path"
	"strings"

	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
)

func (s *Set) note(format string, args ...any) {
	if len(s.Notes) < 100 {
		s.Notes = append(s.Notes, fmt.Sprintf(format, args...))
	}
}

// Entries gives a patch for each package that installs something. Detectoids serve those that refer to them, and expired packages are
// withdrawn by their vendor. A patch is called by its vendor and package: hp-business-clients/00004850-0000-0000-5350-000000065001.
//
// It is not applicable where the package is neither installable nor there; it is patched where the package is installed, or where its own
// rules see something newer that supersedes it.
func (s *Set) Entries() []detect.Entry {
	var out []detect.Entry
	for _, p := range s.Packages {
		if p.Type != Detectoid && !p.Expired {
			out = append(out, s.entry(p))
		}
	}
	return out
}

// Withdrawn names the patches of expired packages.
func (s *Set) Withdrawn() (ids []patch.ID) {
	for _, p := range s.Packages {
		if p.Expired {
			ids = append(ids, p.patchID())
		}
	}
	return ids
}

func (s *Set) entry(p *Package) detect.Entry {
	r := s.Rules(p)
	there := detect.Or(r.Installed, r.Superseded)
	prerequisite := detect.And(r.Prerequisite, detect.Or(r.Installable, there))
	e := detect.Entry{Definition: detect.Definition{ID: p.patchID(), Prerequisite: &prerequisite, Installed: &there}}
	switch {
	case !r.Told:
		e.Definition.Unclear = "the package does not say how to tell whether it is installed"
	case len(p.Items)+len(p.Bundles) == 0:
		e.Definition.Unclear = "the package has nothing to install"
	}
	e.Patch = patch.Patch{ID: p.patchID(), Title: p.Title, Suite: slug(p.Vendor), Source: p.source(), Category: patch.Update, Severity: p.Severity,
		CVEs: p.CVEs, Advisory: p.Bulletin, Released: p.Created}
	if e.Patch.Advisory == "" {
		e.Patch.Advisory = p.KB
	}
	if p.Classification == "Security Updates" || len(p.CVEs) > 0 {
		e.Patch.Category = patch.Security
	}
	for _, id := range p.Supersedes {
		if other := s.byID[strings.ToLower(id)]; other != nil {
			e.Patch.Supersedes = append(e.Patch.Supersedes, other.patchID())
		} else {
			e.Patch.Supersedes = append(e.Patch.Supersedes, patch.ID(slug(p.Vendor)+"/"+strings.ToLower(clip(id, 60))))
		}
	}
	e.Files = p.files()
	return e
}

// files are those with a SHA-256: a file that only SHA-1 speaks for is not deployed. Where one of them has none there are none, since half of a
// package is not to be installed.
func (p *Package) files() (out []patch.PayloadFile) {
	for i := range p.Items {
		f := p.Items[i].File
		switch {
		case f == nil:
		case f.SHA256 == "" || f.URL == "" || f.Size <= 0 || path.Base(f.Name) != f.Name:
			return nil
		default:
			out = append(out, patch.PayloadFile{Payload: patch.Payload{Name: f.Name, Size: f.Size}, URL: f.URL, SHA256: f.SHA256})
		}
	}
	return out
}

func (p *Package) source() string {
	if len(p.Products) == 1 {
		return p.Products[0]
	}
	return p.KB
}

func (p *Package) patchID() patch.ID {
	return patch.ID(slug(p.Vendor) + "/" + strings.ToLower(strings.Trim(p.ID, "{}")))
}

// slug is a vendor's name as a word: "HP Business Clients" is hp-business-clients.
func slug(s string) string {
	words := strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9') })
	if len(words) == 0 {
		return "sdp"
	}
	return clip(strings.Join(words, "-"), 60)
}
