package auth

import (
	"crypto/hkdf"
	"crypto/sha256"

	"github.com/fettle-project/fettle/internal/patch"
)

// Derive gives a key of 32 bytes for one purpose. It follows from the catalog key alone: every replica of an appliance has the same one,
// and whoever has a copy of the database without the keys directory has none.
func (k *Keys) Derive(purpose string) ([]byte, error) {
	key, err := hkdf.Key(sha256.New, k.Catalog.Seed(), nil, "fettle "+purpose, 32)
	if err != nil {
		return nil, patch.Errorf(patch.Internal, "cannot derive a key for %s: %w", purpose, err)
	}
	return key, nil
}
