package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/fettle-project/fettle/internal/patch"
)

// HashJSON gives v's canonical JSON (encoding/json's own: fields in order, map keys sorted, no white space) and its SHA-256.
// Both sides hash Facts and Inventory with it.
func HashJSON(v any) (patch.Hash, []byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", nil, patch.Errorf(patch.Internal, "cannot encode a %T: %w", v, err)
	}
	sum := sha256.Sum256(b)
	return patch.Hash(hex.EncodeToString(sum[:])), b, nil
}
