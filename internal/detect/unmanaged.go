package detect

import "github.com/fettle-project/fettle/internal/patch"

// Unmanaged lists the packages that are there and that no definition asks for, whatever their version: of no suite of the catalog, because
// they came from elsewhere, were made here, or have left the archive. Nobody's patches cover them. Facts must be as for Evaluate.
func (s *Signatures) Unmanaged(f *patch.Facts) ([]patch.Package, error) {
	x, err := newIndex(s.os, s.scheme, f)
	if err != nil {
		return nil, err
	}
	known := make(map[*patch.Package]bool, len(f.Packages))
	var found []*unit
	for w := s.columns.walk(); w.step(); {
		for w.rule() {
			if !x.mayKnow(w.glance()) {
				continue
			}
			found = x.find(w.name(), w.arch, w.module, found[:0])
			for _, u := range found {
				known[u.pkg] = true
			}
		}
	}
	for pair := range s.trees.pairs {
		for _, name := range s.trees.names(int32(pair)) {
			for _, u := range x.named([]byte(s.trees.strings.at(name))) {
				known[u.pkg] = true
			}
		}
	}
	var out []patch.Package
	for i := range x.units {
		if p := x.units[i].pkg; !known[p] && p.State != patch.Removed {
			out = append(out, *p)
		}
	}
	return out, nil
}
