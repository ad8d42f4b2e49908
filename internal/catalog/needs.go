package catalog

import (
	"context"
	"path"
	"slices"
	"strings"

	"github.com/fettle-project/fettle/internal/debian"
	"github.com/fettle-project/fettle/internal/patch"
)

// Needs gives, out of the vendor's indexes of an OS's newest revision, the dependencies that ask for one of the named packages in certain
// versions. Only apt's indexes tell: for others it gives none, and the machine's own package manager is who says so.
func (c *Catalog) Needs(ctx context.Context, os patch.HostOS, names []string) ([]patch.Need, error) {
	r, err := c.current(ctx, os)
	if err != nil {
		return nil, err
	}
	var out []patch.Need
	for _, o := range r.meta.Origins {
		if !strings.HasPrefix(path.Base(o.IndexPath), "Packages") {
			continue
		}
		f, err := c.Raw.Open(o.Index)
		if err != nil {
			return nil, err
		}
		err = debian.ScanPackages(debian.Decompress(o.IndexPath, f, debian.MaxPackages), func(s debian.Stanza) error {
			out = appendNeeds(out, s, names)
			return ctx.Err()
		})
		f.Close()
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// appendNeeds adds those dependencies of a package that ask for one of the names in certain versions.
func appendNeeds(out []patch.Need, s debian.Stanza, names []string) []patch.Need {
	for _, depends := range [][]byte{s.PreDepends, s.Depends} {
		for _, anyOf := range debian.ParseClauses(string(depends)) {
			if slices.ContainsFunc(anyOf, func(r patch.Relation) bool { return r.Op != "" && slices.Contains(names, r.Name) }) {
				out = append(out, patch.Need{By: patch.InstalledPackage{Name: string(s.Package), Arch: string(s.Architecture), Version: string(s.Version)}, AnyOf: anyOf})
			}
		}
	}
	return out
}
