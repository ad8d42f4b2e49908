package catalog

import (
	"github.com/fettle-project/fettle/internal/detect"
	"github.com/fettle-project/fettle/internal/patch"
)

// Built is what one build made for one host OS.
type Built struct {
	Meta       patch.RevisionMeta
	List       []byte
	Signatures []byte
	Payloads   []byte // the payload index; never part of a bundle
}

// WriteBundle writes built catalogs as one file for stand-alone use, replacing path atomically.
func WriteBundle(path string, built []Built) error {
	return patch.Errorf(patch.Internal, "not built yet")
}

// Bundle is an opened bundle file. Its parts are read when asked for and verified by hash.
type Bundle struct{}

// OpenBundle opens a bundle file; the caller closes it.
func OpenBundle(path string) (*Bundle, error) {
	return nil, patch.Errorf(patch.Internal, "not built yet")
}

// Close releases the file.
func (b *Bundle) Close() error { return nil }

// OSes lists the host OSes of the bundle, sorted.
func (b *Bundle) OSes() []patch.HostOS { return nil }

// Meta gives the revision of an OS.
func (b *Bundle) Meta(os patch.HostOS) (patch.RevisionMeta, bool) { return patch.RevisionMeta{}, false }

// Signatures opens the signatures of an OS; NotFound names the OSes that the bundle is for.
func (b *Bundle) Signatures(os patch.HostOS) (*detect.Signatures, error) {
	return nil, patch.Errorf(patch.Internal, "not built yet")
}

// List decodes the list of an OS; NotFound names the OSes that the bundle is for.
func (b *Bundle) List(os patch.HostOS) (*List, error) {
	return nil, patch.Errorf(patch.Internal, "not built yet")
}
