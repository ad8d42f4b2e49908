package api

import (
	"github.com/fettle-project/fettle/internal/patch"
	"github.com/fettle-project/fettle/internal/phrase"
)

// UnmanagedPackage is an installed package that no patch of the newest list is about, whatever its version: it came from elsewhere, was
// made by hand, or has left the archive. Nobody's patches cover it.
type UnmanagedPackage struct {
	Name    string `json:"name"`
	Arch    string `json:"arch"`
	Version string `json:"version"`
}

// listUnmanaged judges the facts that the machine sent last against the newest list of its host OS.
func (s *people) listUnmanaged(c *call) (any, error) {
	m, err := s.Ledger.Resolve(c.Context(), c.PathValue("machine"))
	if err != nil {
		return nil, err
	}
	if m.Facts == "" {
		return nil, nothingYet(m, "facts")
	}
	facts, err := stored[patch.Facts](s.Store.FindFacts(c.Context(), m.Facts))
	if err != nil {
		return nil, err
	}
	meta, ok := s.Catalog.Meta(facts.OS.Key)
	if !ok {
		return nil, &patch.Error{Kind: patch.Conflict, What: phrase.Of("cannot tell which packages of {1} no patch is about", m.Name), Why: phrase.Of("there is no catalog for {1}", string(facts.OS.Key)),
			Do: "Subscribe to its vendor's archives with `fettle feeds add`."}
	}
	signatures, err := s.Catalog.Signatures(c.Context(), facts.OS.Key, meta.ID)
	if err != nil {
		return nil, err
	}
	packages, err := signatures.Unmanaged(&facts)
	if err != nil {
		return nil, err
	}
	rows := make([]UnmanagedPackage, len(packages))
	for i, p := range packages {
		rows[i] = UnmanagedPackage{Name: p.Name, Arch: p.Arch, Version: p.Version}
	}
	return listOf(rows), nil
}
